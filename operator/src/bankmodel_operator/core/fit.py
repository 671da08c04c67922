"""Whether a canary fits to what callers send and expect, by what both revisions say of themselves.

Rule 14 of the design: a canary that needs inputs nobody sends gets no rung, and one whose outputs differ from the stable's
answers nobody until somebody promotes it by hand.
"""

from __future__ import annotations

from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.core.ladder import Rung
from bankmodel_operator.core.observation import Described, Observation, OutputDescribed
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Fit, Preparing

LACKING = 0.01
"""The greatest share of requests that may lack an input the canary needs."""
_LEAST_SEEN = 100
"""Requests to look at before the share says anything; fewer where the spec judges by fewer."""


def compare(state: Preparing, observation: Observation) -> Fit | None:
    """None until a pod of each revision has described itself."""
    stable, canary = (_described(observation, each.revision) for each in (state.stable, state.canary))
    if stable is None or canary is None:
        return None
    declared = {tensor.name for tensor in stable.inputs}
    awaits = tuple(sorted(t.name for t in canary.inputs if t.is_required and t.name not in declared))
    return Fit(awaits, _difference(stable, canary))


def misfit(fit: Fit, rung: Rung, observation: Observation) -> tuple[Reason, str] | None:
    """Why the canary must not be on this rung; None where nothing is against it."""
    if fit.outputs and not rung.is_shadow:
        return Reason.OUTPUTS_CHANGED, (
            f"the canary answers otherwise than callers are used to: {fit.outputs}. Promote it by hand when they are ready "
            "for it, or give it another name of its own"
        )
    return _not_sent(fit, observation) if fit.awaits else None


def _not_sent(fit: Fit, observation: Observation) -> tuple[Reason, str] | None:
    samples = [pod.report.sample for pod in observation.pods if pod.report and pod.report.sample]
    seen = sum(sample.awaited for sample in samples)
    wanted = min(_LEAST_SEEN, observation.model.spec.rollout.min_requests)
    if seen < wanted:
        names = ", ".join(fit.awaits)
        return (
            Reason.INPUTS_AWAITED,
            f"the canary needs {names}; {seen} of {wanted} requests were looked at for it so far",
        )
    absent = {name: sum(sample.absent.get(name, 0) for sample in samples) for name in fit.awaits}
    lacking = [
        f"{name} (absent in {count} of {seen} requests)" for name, count in absent.items() if count > LACKING * seen
    ]
    if not lacking:
        return None
    return Reason.INPUTS_NOT_SENT, (
        f"the canary needs inputs that callers do not send: {', '.join(lacking)}. Let them send it first, or export the "
        "model with onMissing: Impute for it"
    )


def _described(observation: Observation, revision: str) -> Described | None:
    found = (pod.report.described for pod in alive(observation.pods, revision) if pod.report)
    return next((each for each in found if each is not None), None)


def _difference(stable: Described, canary: Described) -> str:
    """In words; empty where every output of the stable is there as it was."""
    now = {tensor.name: tensor for tensor in canary.outputs}
    return "; ".join(filter(None, (_changed(tensor, now.get(tensor.name)) for tensor in stable.outputs)))


def _changed(before: OutputDescribed, now: OutputDescribed | None) -> str:
    if now is None:
        return f"output {before.name} is missing"
    if (before.datatype, before.shape) == (now.datatype, now.shape):
        return ""
    return f"output {before.name} is {now.datatype} {list(now.shape)}, was {before.datatype} {list(before.shape)}"
