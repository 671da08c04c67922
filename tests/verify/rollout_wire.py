"""Item 2 of `make verify-rollout`: faults during whole rollouts and rollbacks, on a real API server with pods that answer scrapes.

An observer sees every write the API server took and asks `support.rollout_rules` of each; what it says is the figure, and the bar is nothing.
"""

from collections.abc import Iterator
from pathlib import Path

from cluster.api_only import ApiOnlyCluster
from support.crd import install_crd
from support.kubectl import Kubectl
from support.trial_faults import (
    FAULTS,
    RESYNC,
    SHORT_LEASES,
    WATCHES,
    frozen_leader,
    killed,
    under_faults,
    under_watch_trouble,
    writes_of_a_trial,
)
from support.trials import BAD, GOOD, trials
from verify.lines import Line, at_least, exactly
from verify.place import only, own_namespace

__all__ = ["item_2"]

_WRITES_OF_HALF = 24
"""At about so many writes a promotion, or a rollback, is over: later ones are never reached."""


def item_2() -> Iterator[Line]:
    """All of it; about half an hour."""
    with ApiOnlyCluster(kwok=True) as api:
        kubectl = Kubectl(Path(api.kubectl), api.kubeconfig)
        install_crd(kubectl)
        yield from _answers_lost_and_refused(api, kubectl)
        yield from _watches(api, kubectl)
        yield from _kills(api, kubectl)
        for version, what in ((GOOD, "a rollout"), (BAD, "a rollback")):
            yield from _frozen(api, kubectl, version, what)


def _answers_lost_and_refused(api: ApiOnlyCluster, kubectl: Kubectl) -> Iterator[Line]:
    for every in (4, 3, 2):
        with own_namespace(kubectl) as (namespace, folder):
            with trials(api, kubectl, namespace, folder, BANKMODEL_WORKERS="8") as it:
                trouble = under_faults(it, every=every)
                yield exactly(f"{', '.join(FAULTS)} at every {every}. write: rules broken", it.broken_rules(), [])
                yield at_least("  and met by each model at least so often", min(trouble.met.values()), 5)


def _watches(api: ApiOnlyCluster, kubectl: Kubectl) -> Iterator[Line]:
    for kind in WATCHES:
        with own_namespace(kubectl) as (namespace, folder), trials(api, kubectl, namespace, folder, **RESYNC) as it:
            under_watch_trouble(it, kind)
            yield exactly(f"watches {kind}: rules broken", it.broken_rules(), [])


def _kills(api: ApiOnlyCluster, kubectl: Kubectl) -> Iterator[Line]:
    with own_namespace(kubectl) as (namespace, folder), trials(api, kubectl, namespace, folder, **SHORT_LEASES) as it:
        writes = writes_of_a_trial(it, "steady")
        yield at_least("writes of a rollout and a rollback", writes, 30)
        broken = it.broken_rules()
        missed = [k for k in range(1, writes + 1) if not killed(it, f"struck-{k}", only(k))]
        yield exactly(
            f"killed at write k, for each k of 1 to {writes}: rules broken", [*broken, *it.broken_rules()], []
        )
        yield exactly(
            "  k that were never reached, of those but the last five", [k for k in missed if k <= writes - 5], []
        )
        killed(it, "struck", lambda _: True)
        yield exactly("killed at every single write: rules broken", it.broken_rules(), [])


def _frozen(api: ApiOnlyCluster, kubectl: Kubectl, version: str, what: str) -> Iterator[Line]:
    broken, survivors = list[str](), list[int]()
    with own_namespace(kubectl) as place:
        for number, seen, found in frozen_leader(api, kubectl, place, range(1, _WRITES_OF_HALF), version):
            broken += found
            if seen.exit_code != 1:
                survivors.append(number)
    yield exactly(f"leader frozen at each write of {what}, woken when its successor was done: rules broken", broken, [])
    yield exactly("  and did not end when it woke", survivors, [])
