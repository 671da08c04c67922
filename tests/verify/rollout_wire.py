"""Item 2 of `make verify-rollout`: faults during whole rollouts and rollbacks, on a real API server with pods that answer scrapes.

An observer sees every write the API server took and looks at the pods ten times a second; what it says by `support.rollout_rules` and
`pod_rules` is the figure, and the bar is nothing. Each part can be run alone: 2a to 2e.
"""

from collections.abc import Iterator, Sequence

from support.trial_faults import (
    FAULTS,
    RESYNC,
    SHORT_LEASES,
    WATCHES,
    Watches,
    frozen_leader,
    killed,
    under_faults,
    under_watch_trouble,
    writes_of_one_way,
)
from support.trials import BAD, GOOD, Trials
from verify.lanes import Done, Lanes, lanes
from verify.lines import Line, at_least, at_most, exactly
from verify.place import only

__all__ = ["item_2a", "item_2b", "item_2c", "item_2d", "item_2e"]

_BESIDE = 6
"""So many operators at once."""
_LATE_ONES = 5
"""The last writes of a trial may fall together, and are then never reached."""
_ANSWERED_ON_S = 600.0
"""`notAfter`: a rejected canary whose operator is dead, frozen or refused before it took back the table has no request past it."""
_WAYS = {GOOD: "a rollout", BAD: "a rollback"}
Found = Sequence[Done]


def item_2a() -> Iterator[Line]:
    """Between operator and API server: each kind of fault at every fourth, third and second write, watches doubled."""
    with lanes("2a", BANKMODEL_WORKERS="8") as at:
        for done in at.each("faults, one in", (2, 3, 4), _least_met, beside=3):
            yield from _lines(f"{len(FAULTS)} kinds of faults at every {done.job}. write", [done])
            yield at_least("  and met by each model at least so often", done.result or 0, 5)


def item_2b() -> Iterator[Line]:
    """Watches that are cut again and again, silent, doubled."""
    with lanes("2b", **RESYNC) as at:
        for done in at.each("watches", WATCHES, _watches, beside=len(WATCHES)):
            yield from _lines(f"watches {done.job}", [done])


def item_2c() -> Iterator[Line]:
    """The operator is killed at each write of a rollout, at each of a rollback, and at every third."""
    with lanes("2c") as at:
        for version, what in _WAYS.items():
            yield from _kills(at, version, what)


def item_2d() -> Iterator[Line]:
    """A leader frozen at each write of a rollout, and woken when its successor had ended it."""
    with lanes("2d", **SHORT_LEASES) as at:
        yield from _frozen(at, GOOD, parity=0)


def item_2e() -> Iterator[Line]:
    """A leader frozen at each write of a rollback, and woken when its successor had ended it."""
    with lanes("2e", **SHORT_LEASES) as at:
        yield from _frozen(at, BAD, parity=1)


def _least_met(it: Trials, every: int) -> int:
    return min(under_faults(it, every=every).met.values())


def _watches(it: Trials, kind: Watches) -> int:
    under_watch_trouble(it, kind)
    return 1


def _kills(at: Lanes, version: str, what: str) -> Iterator[Line]:
    plain = at.each("without trouble:", (what,), lambda it, _: writes_of_one_way(it, "steady", version))
    writes = plain[0].result or 0

    def kill(it: Trials, k: int) -> int | None:
        name = f"struck-{k:02}"
        kills = killed(it, name, version, only(k) if k else _every_third)
        it.deletes(name)
        return kills or None

    found = at.each(f"killed in {what} at write", range(writes + 1), kill, beside=_BESIDE)
    every, each = [done for done in found if not done.job], [done for done in found if done.job]
    yield from _lines(f"{what} without trouble", plain)
    yield from _lines(f"killed at every third write of {what}, by turns before and after it", every)
    yield at_least("  kills", sum(done.result or 0 for done in every), writes // 3)
    yield from _lines(f"killed at write k of {what}, for each k of 1 to {writes}", each)
    yield _missed(each, writes)


def _every_third(number: int) -> bool:
    return number % 3 == 0


def _frozen(at: Lanes, version: str, *, parity: int) -> Iterator[Line]:
    """`parity`: of the writes that are on their way; the others are done. Rollout and rollback begin alike, and differ in it."""
    what = _WAYS[version]
    plain = at.each("without trouble:", (what,), lambda it, _: writes_of_one_way(it, "steady", version))
    writes = plain[0].result or 0

    def freeze(it: Trials, k: int) -> int | None:
        name = f"frozen-{k:02}"
        seen = frozen_leader(it, name, k, version, is_on_its_way=k % 2 == parity)
        it.deletes(name)
        return seen.exit_code if seen else None

    found = at.each(f"frozen in {what} at write", range(1, writes + 1), freeze, beside=_BESIDE)
    yield from _lines(f"{what} without trouble", plain)
    yield from _lines(f"frozen at write k of {what}, woken after its successor, k of 1 to {writes}", found)
    survivors = [done.job for done in found if done.result not in (None, 1)]
    yield exactly("  k after which it did not end with code 1 when it woke", survivors, [])
    yield _missed(found, writes)


def _missed(found: Found, writes: int) -> Line:
    missed = [done.job for done in found if done.result is None and not done.failure]
    early = [k for k in missed if int(k) <= writes - _LATE_ONES]
    return exactly(f"  k that never came, but for the last {_LATE_ONES}", early, [])


def _lines(what: str, found: Found) -> Iterator[Line]:
    """What is asked of every part."""
    yield exactly(f"{what}: rules broken", [said for done in found for said in done.broken], [])
    failures = [f"{done.job}: {done.failure}" for done in found if done.failure]
    yield exactly(f"  did not come to rest, of {len(found)}", failures, [])
    longest = max((done.answered_on_s for done in found), default=0.0)
    yield at_most("  longest that callers had answers of a rejected canary", round(longest, 1), _ANSWERED_ON_S, " s")
