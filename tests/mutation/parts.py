"""Which modules of the rollout core are mutated, and which tests each has to answer to: those that are about it first, cheap ones before
dear ones. A unit test holds this list against what is there."""

from collections.abc import Mapping

__all__ = ["CORE", "DECIDING", "TESTS"]

CORE = "operator/src/bankmodel_operator/core"
DECIDING = (
    *("turns", "analysis"),
    *("rollout.py", "states.py", "memory.py", "ladder.py", "way.py", "verification.py", "ledger.py", "attention.py"),
    *("evidence.py", "fit.py", "emergency.py", "plan.py"),
)
"""Folders and files that decide about a rollout."""


def _core(*names: str) -> tuple[str, ...]:
    return tuple(f"operator_core/test_{name}.py" for name in names)


def _analysis(*names: str) -> tuple[str, ...]:
    return tuple(f"operator_analysis/test_{name}.py" for name in names)


_LIVES = _core("rollout_properties", "trial_properties")
_STABLE = _core("rollout_story", "rollout_faults", "obstacles")
_TRIALS = _core("trial_way", "trial_verification", "trial_recovery", "trial_rejections", "trial_preparing")
_LONG = _core("trial_capacity", "trial_leaving", "trial_bake", "trial_story")
_TURNS = (*_TRIALS, *_core("trial_time", "trial_drain", "trial_climbing"), *_STABLE, *_LIVES, *_LONG)


def _first(*names: str) -> tuple[str, ...]:
    """All that turns answer to, after those that are about the module."""
    about = _core(*names)
    return (*about, *(each for each in _TURNS if each not in about))


_VALUES = _core("states_values")
_JUDGED = (*_analysis("judge", "judge_edges", "findings"), *_VALUES)
_COUNTED = (*_analysis("figures", "window", "window_pods", "looks"), *_VALUES)
_BOUNDS = (*_analysis("bounds", "judge"), *_VALUES, *_analysis("statistics"))
_EVIDENCE = (*_core("evidence_cause", "evidence_window"), *_analysis("looks"))

TESTS: Mapping[str, tuple[str, ...]] = {
    "turns/__init__.py": _TURNS,
    "turns/baking.py": _first("trial_time", "trial_bake"),
    "turns/climbing.py": _first("trial_climbing", "trial_time", "trial_capacity"),
    "turns/leaving.py": _first("trial_leaving"),
    "turns/preparing.py": _first("trial_preparing"),
    "turns/replacing.py": _first("trial_drain"),
    "turns/serving.py": _first("trial_recovery"),
    "turns/step.py": _first("trial_recovery"),
    "turns/watching.py": _first("trial_time"),
    "turns/withdrawing.py": _first("trial_time"),
    "way.py": _first("trial_way"),
    "verification.py": _first("trial_verification", "trial_generation"),
    "ladder.py": _first("trial_ladder"),
    "ledger.py": _first("trial_ledger", "status_whole"),
    "rollout.py": _first("trial_generation", "trial_attention", "status_whole", "bankmodel_tls"),
    "analysis/rates.py": _BOUNDS,
    "analysis/shift.py": _BOUNDS,
    "analysis/judge.py": _JUDGED,
    "analysis/verdicts.py": (*_analysis("verdicts"), *_JUDGED),
    "analysis/latency.py": _BOUNDS,
    "analysis/findings.py": _JUDGED,
    "analysis/figures.py": _COUNTED,
    "analysis/window.py": _COUNTED,
    "analysis/samples.py": _COUNTED,
    "analysis/evidence.py": (*_analysis("evidence_text"), *_COUNTED),
    "states.py": (*_core("memory", "diagram"), *_VALUES, *_TURNS),
    "memory.py": (*_core("memory"), *_TURNS),
    "fit.py": (*_core("fit"), *_TURNS),
    "emergency.py": (*_core("emergency"), *_TURNS),
    "evidence.py": (*_EVIDENCE, *_VALUES, *_TURNS),
    "attention.py": (*_first("trial_attention"), "operator_shell/test_observe_pass.py"),
    "plan.py": (*_core("plan"), *_VALUES, *_STABLE, *_LIVES),
}
"""In the order in which they are tried."""
