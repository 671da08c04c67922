"""Which canaries were taken back, by a test's own memory, so that an operator that forgets it is found out."""

from __future__ import annotations

from bankmodel_operator.core.observation import Observation
from bankmodel_operator.core.revision import inputs_of, name_of
from bankmodel_operator.core.states import Climbing, Preparing, Serving, State, Withdrawing

__all__ = ["TakenBack"]


class TakenBack:
    """Whoever was taken back though the spec asked for it comes back only when somebody writes another `retry`."""

    def __init__(self) -> None:
        self._retries: dict[str, str] = {}

    def note(self, source: State, goal: State, observation: Observation) -> None:
        """A turn that was saved."""
        spec = observation.model.spec
        asked, retry = name_of(inputs_of(spec)), spec.rollout.retry
        if (
            isinstance(source, Preparing | Climbing)
            and isinstance(goal, Withdrawing)
            and source.canary.revision == asked
        ):
            self._retries[asked] = retry
        if isinstance(source, Serving) and isinstance(goal, Preparing) and asked in self._retries:
            assert retry not in ("", self._retries.pop(asked))
