"""Item 5 of `make verify-rollout`: a thousand models under one operator, and a hundred of them rolling out at once.

MODELS= and MOVING= in the environment change the numbers. Writes are counted in the API server's audit log; the rollouts are judged by
`support.rollout_rules`, at every write that the API server took of them.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cluster.api_only import ApiOnlyCluster
from support.crd import install_crd
from support.crowd import Crowd, crowd, seldom
from support.kubectl import Kubectl
from support.operator_process import eventually
from support.spent import Spent, cpu_s, peak_mib, spending
from verify.lines import Line, at_least, at_most, exactly

__all__ = ["item_5"]

_MODELS, _MOVING = (int(os.environ.get(name, default)) for name, default in (("MODELS", 1000), ("MOVING", 100)))
_DEADLINE_S = 1800.0
_IDLE_S, _RESYNC_S = 60.0, 660.0
_EVERYWHERE = {"BANKMODEL_NAMESPACES": ""}
_RSS_MIB, _EDIT_S, _BUSY_EDIT_S = 400.0, 10.0, 15.0
_WRITES, _WRITES_OF_A_ROLLOUT = 20.0, 100.0
"""Of a model: seven children, of which four change once more when it serves (two writes each), two of its status and two events. Of a rollout:
besides, the table at each step, a nudge for each pod at each, the sizes of both sides, and what is taken away."""


def item_5() -> Iterator[Line]:
    """1,000 models (MODELS=) on fake nodes, then 100 of them (MOVING=) rolling out at once; about a quarter of an hour."""
    with ApiOnlyCluster(kwok=True, nodes=_MODELS // 100 + 2) as api, tempfile.TemporaryDirectory() as folder:
        kubectl = Kubectl(Path(api.kubectl), api.kubeconfig)
        install_crd(kubectl)
        with crowd(api, kubectl, Path(folder), models=_MODELS, moving=_MOVING, **_EVERYWHERE) as it:
            yield from _applied(it)
            yield from _idle(it)
            yield from _rolling_out(it)
            yield from _started_anew(it)


def _applied(it: Crowd) -> Iterator[Line]:
    with spending(it.operator, it.audit) as spent:
        it.apply(it.names, "1")
        it.until_serving(it.names, "1", deadline_s=_DEADLINE_S)
    yield _shown(f"{_MODELS} models applied: until all are Ready", f"{spent.wall_s:.0f} s")
    yield from _cost(it, spent)
    it.until_idle(quiet_s=5.0)
    yield at_most("  the operator's writes for each model", spent.writes_each(_MODELS), _WRITES)
    print(f"    {dict(spent.writes.most_common())}", flush=True)


def _idle(it: Crowd) -> Iterator[Line]:
    passes = it.operator.passes()
    seldom(lambda: it.operator.passes() > passes + 1, deadline_s=_RESYNC_S, what="the resync has come round")
    with spending(it.operator, it.audit) as spent:
        time.sleep(_IDLE_S)
    yield exactly(f"writes of the idle operator in {_IDLE_S:g} s, the Lease apart", dict(spent.writes), {})
    yield at_least("  in which it looked at so many models again", spent.passes, 1)
    yield at_most("  and took of a core", spent.percent_of_a_core, 25, " %")
    seconds = it.edited(it.quiet[0], "2")
    yield at_most("one edit: seconds until its new revision is there", round(seconds, 1), _EDIT_S, " s")


def _rolling_out(it: Crowd) -> Iterator[Line]:
    with spending(it.operator, it.audit, it.place_of_the_moving) as spent:
        began = time.monotonic()
        it.apply(it.moving, "2")
        seldom(lambda: it.on_a_rung() > _MOVING // 4, deadline_s=_DEADLINE_S, what="a quarter is on its way")
        seconds = it.edited(it.quiet[1], "2")
        on_their_way = it.on_a_rung()
        it.until_promoted(it.moving, "2", deadline_s=_DEADLINE_S)
        promoted_s = time.monotonic() - began
        it.until_serving(it.moving, "2", deadline_s=_DEADLINE_S)
    yield _shown(f"{_MOVING} rollouts at once: until all are promoted", f"{promoted_s:.0f} s")
    yield _shown("  and until all are through the bake of a minute", f"{spent.wall_s:.0f} s")
    yield from _cost(it, spent)
    yield at_most("  the operator's writes for each rollout", spent.writes_each(_MOVING), _WRITES_OF_A_ROLLOUT)
    print(f"    {dict(spent.writes.most_common())}", flush=True)
    yield exactly("  taken back or stalled", it.failed(), [])
    yield exactly("  rules broken", it.broken_rules(), [])
    yield at_most(
        "  meanwhile one edit: seconds until its new revision is there", round(seconds, 1), _BUSY_EDIT_S, " s"
    )
    yield at_least("    with so many on a rung", on_their_way, 1)


def _started_anew(it: Crowd) -> Iterator[Line]:
    it.operator.stop()
    it.operator.start()
    eventually(lambda: it.operator.leads, what="the operator leads")
    began = time.monotonic()
    seconds = it.edited(it.quiet[2], "2")
    yield at_most("operator started anew: seconds until one edit is acted on", round(seconds, 1), _BUSY_EDIT_S, " s")
    yield _shown("  its processor time by then", f"{cpu_s(it.operator):.1f} s")
    seldom(lambda: it.operator.passes() >= _MODELS, deadline_s=_DEADLINE_S, what="all were looked at")
    yield _shown("  and until it has looked at every model", f"{time.monotonic() - began:.0f} s")
    yield _shown("  its processor time by then", f"{cpu_s(it.operator):.1f} s")


def _cost(it: Crowd, spent: Spent) -> Iterator[Line]:
    yield _shown("  the operator's processor time", f"{spent.cpu_s:.0f} s, {spent.passes} passes")
    yield at_most("  the most memory it ever held (RSS)", peak_mib(it.operator), _RSS_MIB, " MiB")


def _shown(what: str, figure: str) -> Line:
    """Depends on the machine and what else it does: no bar."""
    return Line(what, figure, "shown", True)
