"""Item 3: crashes and leaders, on a real API server with fake nodes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from cluster.api_only import ApiOnlyCluster
from support.crashes import life, life_with_crash
from support.crd import install_crd
from support.kubectl import Kubectl
from support.leaders import PRODUCTION, stale_leader, takeover
from support.stage import stage
from verify.lines import Line, at_least, at_most, exactly
from verify.place import only, own_namespace

__all__ = ["item_3"]

_ENDS: tuple[tuple[Literal["kill", "stop"], str, float], ...] = (
    ("kill", "SIGKILL", 20),
    ("stop", "SIGTERM", 3),
)


def item_3() -> Iterator[Line]:
    """Killed at every write of a life; two replicas; a leader that wakes late."""
    with ApiOnlyCluster(kwok=True) as api:
        kubectl = Kubectl(Path(api.kubectl), api.kubeconfig)
        install_crd(kubectl)
        yield from _crashes(api, kubectl)
        for how, signal, bar_s in _ENDS:
            with own_namespace(kubectl) as (namespace, folder):
                seen = takeover(api, namespace, folder, how, PRODUCTION)
            yield at_most(f"leader ended by {signal}: seconds until the other leads", seen.seconds, bar_s, " s")
            yield exactly(f"  two leaders seen, in {seen.looks} looks", seen.double, 0)
        with own_namespace(kubectl) as (namespace, folder):
            woken = stale_leader(api, kubectl, namespace, folder)
        yield exactly("leader stopped between save and act, woken after its successor: changed", woken.changed, ())
        yield exactly("  and it ended with exit code", woken.exit_code, 1)


def _crashes(api: ApiOnlyCluster, kubectl: Kubectl) -> Iterator[Line]:
    with own_namespace(kubectl) as (namespace, folder), stage(api, kubectl, namespace, folder) as it:
        expected = life(it, "steady")
        yield at_least("writes of a life: create, update, delete", expected.writes, 15)
        ends = {k: life_with_crash(it, f"struck-{k}", only(k)).made for k in range(1, expected.writes + 1)}
        differing = [k for k, made in ends.items() if made != expected.made]
        yield exactly(
            f"killed at write k, for each k of 1 to {expected.writes}: k that ended differently", differing, []
        )
        every = life_with_crash(it, "struck", lambda _: True)
        yield exactly("killed at every single write: ends the same", every.made == expected.made, True)
