"""Item 8: what the split costs callers. Servers side by side on this machine, alternating rounds, medians of the rounds' ratios.

A ratio stands beside the middle half of its rounds: on a machine that others use, that is what it is worth.
"""

import http.client
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from bench.contenders import CONTENDERS, OURS
from bench.cores import the_cores
from bench.generator import Seen, ensure_generator, pace
from bench.wire_http import V2_PATH, HttpWire, ensure_wrk
from bench.wires import Figures, Target
from support.hops import PAIRS, hops_of
from system.place import CHECKOUT
from verify.lines import Line, at_least, at_most, exactly
from verify.split_stand import CANARY, Pair, alone, pair

__all__ = ["Ratio", "answers", "item_8", "ratio"]

_FOLDER = CHECKOUT / "build" / "verify-rollout-cost"
_ROUNDS = int(os.environ.get("ROUNDS", "9"))
_SECONDS = 2
_FORWARD_S = 1.2  # a little more than --forward-timeout
_COPIES_END_S = 10.0
_MANY = 32
_COPIES_SHARE, _SHADOW_SHARE = 0.05, 0.2
"""Of what the stable carries at most. A canary that scores shares the core of the load, which it would not on another node: at 0.2 it
makes the load itself late by 2 ms, and p50 is 4 times longer whatever a copy costs the stable (1.2 or 1.4 times its processor time)."""
_SCORED = 0.5
_HOP_BAR, _SHADOW_P50_BAR, _SHADOW_P99_BAR = 2.0, 1.5, 2.0


@dataclass(frozen=True)
class Ratio:
    """Of pairs of rounds: the median, and where the middle half of them lies."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


@dataclass(frozen=True)
class _Round:
    """`cpu_us`: of the stable, for one request."""

    seen: Seen
    cpu_us: float


def ratio(of: Sequence[float], to: Sequence[float]) -> Ratio:
    """Round by round, so that what slowed a whole round down drops out."""
    each = [one / other for one, other in zip(of, to, strict=True)]
    low, _, high = quantiles(each, n=4, method="inclusive") if len(each) > 1 else (each[0],) * 3
    return Ratio(round(median(each), 3), low, high)


def item_8() -> Iterator[Line]:
    """The split's cost: at weight 0, for a forwarded request, and for callers while copies go to a canary, also a slow or a dead one."""
    ensure_wrk()
    ensure_generator()
    yield from _idle_split()
    yield from _hops()
    with pair(_FOLDER / "pair", the_cores()) as both:
        yield from _forwarded(both)
        yield from _shadow(both)


def _idle_split() -> Iterator[Line]:
    """A table with a canary at weight 0, against a server without a table. Both fill their core, so that requests a second of its time are
    what they carry on a core of their own; on the clock it is also told how busy others were.
    """
    cores, seen = the_cores(), {"without": list[Figures](), "with": list[Figures]()}
    with ExitStack() as running:
        plain = running.enter_context(alone(_FOLDER / "alone", cores))
        both = running.enter_context(pair(_FOLDER / "idle", cores))
        both.canary.server.pause()
        for turn in range(_ROUNDS):
            order = [("without", plain), ("with", both.target)]
            for name, target in order if turn % 2 else reversed(order):
                others = [each for _, each in order if each is not target]
                seen[name].append(_saturated(target, others))
    per_s = ratio([each.per_s for each in seen["with"]], [each.per_s for each in seen["without"]])
    cpu = ratio([each.cpu_us for each in seen["without"]], [each.cpu_us for each in seen["with"]])
    taken = max(each.others_share for some in seen.values() for each in some)
    yield at_least(f"weight 0: requests a second of processor time, of those without a table ({cpu})", cpu.middle, 0.97)
    yield Line(
        f"  requests/s on the clock, others taking up to {taken:.0%} of the core ({per_s})",
        f"{per_s.middle}",
        "shown",
        True,
    )


def _saturated(target: Target, others: Sequence[Target]) -> Figures:
    for each in others:
        each.server.pause()
    target.server.resume()
    found = _wire().closed_loop(target, connections=_MANY, seconds=_SECONDS)
    for each in others:
        each.server.resume()
    return found


def _hops() -> Iterator[Line]:
    """Real processes that hold every pair of tables, asked on both scoring ports."""
    with TemporaryDirectory() as folder:  # a new one: pods refuse a table of a lower generation than one they find
        found = list(hops_of(Path(folder), PAIRS))
    asked, failed = sum(each.asked for each in found), sum(each.asked - each.answered for each in found)
    most = max(each.most for each in found)
    yield exactly(f"pairs of tables, {asked} requests: failed", failed, 0)
    yield at_most("  hops of one request at most, whatever tables the two pods hold", most, 1)


def _forwarded(both: Pair) -> Iterator[Line]:
    """One caller: all its requests are answered by the stable itself, or all by the canary."""
    own, sent = list[Figures](), list[Figures]()
    for turn in range(_ROUNDS):
        for weight in (0, 100) if turn % 2 else (100, 0):
            both.follow(weight)
            found = _wire().closed_loop(both.target, connections=1, seconds=_SECONDS)
            (sent if weight else own).append(found)
    added = [one.p50_us - other.p50_us for one, other in zip(sent, own, strict=True)]
    hop = ratio([each.p50_us for each in sent], [each.p50_us for each in own])
    what = (
        f"forwarded: p50 {median(each.p50_us for each in sent):.0f} us, {median(added):.0f} more; hop / own p50 ({hop})"
    )
    yield at_most(what, round(hop.middle - 1, 2), _HOP_BAR, "x")
    cpu = ratio([each.cpu_us for each in sent], [each.cpu_us for each in own])
    what = f"  the stable's processor time for a forwarded request, of one it scores itself ({cpu})"
    yield Line(what, f"{cpu.middle}x", "shown", True)


def _shadow(both: Pair) -> Iterator[Line]:
    """The same fixed load with copies and without, for a canary that is well, stopped, and dead."""
    both.follow()
    before = answers(both)
    most = _wire().closed_loop(both.target, connections=_MANY, seconds=_SECONDS).per_s
    yield from _beside(both, _COPIES_SHARE * most, "copies")
    rate = _SHADOW_SHARE * most
    both.follow(mirror=True)
    yield exactly("  answers that differ by a byte with copies on", _differing(before, answers(both)), 0)
    yield from _with_a_bad_canary(both, rate, "a canary that hangs", both.canary.server.pause)
    both.stable_follows(mirror=True)
    yield exactly("  answers that differ by a byte", _differing(before, answers(both)), 0)
    both.canary.server.resume()
    yield from _with_a_bad_canary(both, rate, "a dead canary", partial(_kill, both.canary.server.pids))


def _beside(both: Pair, rate: float, what: str) -> Iterator[Line]:
    before = _settled(both)
    without, mirrored = _rounds(both, rate, both.follow)
    yield from _judged(without, mirrored, f"{rate:,.0f}/s, {what}")
    both.follow()
    sent = sum(each.seen.sent for each in mirrored)
    scored = _told_since(both, before, sent)["ok"] / sent
    yield at_least(
        "  share of the copies that the canary scored, or this were worth nothing", round(scored, 2), _SCORED
    )


def _rounds(both: Pair, rate: float, follow: Callable[..., object]) -> tuple[list[_Round], list[_Round]]:
    """Without copies and with them, in turns; `follow(mirror=)` says so to whom it concerns."""
    without, mirrored = list[_Round](), list[_Round]()
    for turn in range(_ROUNDS):
        for is_on in (False, True) if turn % 2 else (True, False):
            follow(mirror=is_on)
            (mirrored if is_on else without).append(_paced(both, rate))
    return without, mirrored


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _with_a_bad_canary(both: Pair, rate: float, what: str, spoil: Callable[[], None]) -> Iterator[Line]:
    """Its process does not follow a new table, so both kinds of rounds are made by the stable's table alone."""
    both.follow()
    before = _settled(both)
    spoil()
    without, mirrored = _rounds(both, rate, both.stable_follows)
    yield from _judged(without, mirrored, f"{rate:,.0f}/s, {what}")
    both.stable_follows()
    sent = sum(each.seen.sent for each in mirrored)
    told = _told_since(both, before, sent)
    said = ", ".join(f"{count:.0f} {result}" for result, count in told.items() if count)
    yield exactly(f"  copies that were told of, none as ok ({said})", int(sum(told.values()) - told["ok"]), sent)


def _settled(both: Pair) -> dict[str, float]:
    """Once copies of before are told of: unchanged for as long as one may be on its way."""
    deadline, seen = monotonic() + _COPIES_END_S, _copies(both)
    while monotonic() < deadline:
        sleep(_FORWARD_S)
        seen, before = _copies(both), seen
        if seen == before:
            break
    return seen


def _told_since(both: Pair, before: dict[str, float], sent: int) -> dict[str, float]:
    """By result. Those that waited are dropped with the table; the few on their way end by the deadline of forwarding."""
    deadline = monotonic() + _COPIES_END_S
    while True:
        told = {result: count - before[result] for result, count in _copies(both).items()}
        if sum(told.values()) >= sent or monotonic() > deadline:
            return told
        sleep(0.1)


def _judged(without: Sequence[_Round], mirrored: Sequence[_Round], what: str) -> Iterator[Line]:
    failed = sum(_failed(each.seen) for each in (*without, *mirrored))
    yield exactly(f"{what}: requests unsent, broken or not 200", failed, 0)
    for name, bar in (("p50", _SHADOW_P50_BAR), ("p99", _SHADOW_P99_BAR)):
        on, off = ([getattr(each.seen.answers["200"], f"{name}_us") for each in some] for some in (mirrored, without))
        found = ratio(on, off)
        yield at_most(
            f"  {name} {median(on):.0f} us, without copies {median(off):.0f}: ratio ({found})",
            round(found.middle, 2),
            bar,
            "x",
        )
    late = [median(each.seen.late_p99_us for each in some) for some in (mirrored, without)]
    what = "  of it the load's own lateness, p99, without copies beside it"
    yield Line(what, f"{late[0]:.0f}, {late[1]:.0f} us", "shown", True)
    cpu = ratio([each.cpu_us for each in mirrored], [each.cpu_us for each in without])
    what = f"  the stable's processor time a request with copies, of that without ({cpu})"
    yield Line(what, f"{cpu.middle}x", "shown", True)


def _failed(seen: Seen) -> int:
    return seen.unsent + seen.broken + sum(each.count for code, each in seen.answers.items() if code != "200")


def _copies(both: Pair) -> dict[str, float]:
    results = ("ok", "error", "timeout", "unreachable", "refused", "dropped")
    return {each: both.stable.counted("bankmodel_shadow_copies_total", to=CANARY, result=each) for each in results}


def _paced(both: Pair, rate: float) -> _Round:
    seen, usage = pace(both.target, V2_PATH, per_s=rate, connections=_MANY, seconds=_SECONDS)
    return _Round(seen, usage.server_s / seen.sent * 1e6)


def answers(both: Pair, count: int = 128) -> list[tuple[int, bytes]]:
    """Of so many different requests, each with an id, on one connection: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", both.stable.place.port, timeout=30)
    found = []
    try:
        for index, body in enumerate(both.bodies.read_bytes().splitlines()[:count]):
            connection.request("POST", V2_PATH, b'{"id":"%d",' % index + body[1:], {"content-type": "application/json"})
            answer = connection.getresponse()
            found.append((answer.status, answer.read()))
    finally:
        connection.close()
    return found


def _differing(one: Sequence[object], other: Sequence[object]) -> int:
    return sum(mine != theirs for mine, theirs in zip(one, other, strict=True))


def _wire() -> HttpWire:
    wire = CONTENDERS[OURS].wire
    assert isinstance(wire, HttpWire)
    return wire
