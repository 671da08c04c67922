"""How a change reaches the callers: the ladder, what is judged on it, and how long everything may take."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.v1alpha1.base import BakeTime, Duration, HoldTime, LongTime, Model, atomic, map_by
from bankmodel_operator.api.v1alpha1.checks import DEFAULT_CHECKS, Check, OnNoData

__all__ = ["Rollout", "Shadow", "Step", "StickyBy"]

Confidence = Annotated[
    str,
    Field(
        max_length=8,
        json_schema_extra=validations(
            Rule(
                "self.matches('^0[.][0-9]{1,6}$') && double(self) >= 0.5 && double(self) < 1.0",
                "must be a share from 0.5 to below 1, as text, such as '0.95'",
            )
        ),
    ),
]


class Step(Model):
    """One rung of the ladder."""

    weight: Annotated[int, Field(ge=1, le=100)]
    """Share of the requests that the canary answers, in percent. At 100 only a failed check counts: nothing is left to compare with."""
    hold: HoldTime = Field(default="10m", validate_default=True)
    """The least time on this rung. Time while nobody watched does not count."""


class Shadow(Model):
    """A rung before the first: the canary scores copies of all requests and answers none."""

    hold: HoldTime = Field(default="30m", validate_default=True)
    """The least time on this rung."""


class StickyBy(Model):
    """By what a request keeps its revision while the weight stands: the same customer, the same model."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule("has(self.parameter) != has(self.input)", "set exactly one of parameter and input"),
        )
    )

    parameter: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """A request parameter, such as customer_id."""
    input: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """A model input whose value is the same in all rows of a request."""


class Rollout(Model):
    """How a change reaches the callers."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                # has: the default of spec.rollout is tried against this before the defaults of its own fields
                "!has(self.steps) || (self.steps.map(s, s.weight).isSorted() && "
                "self.steps.all(s, self.steps.filter(t, t.weight == s.weight).size() == 1))",
                "the weights of steps must rise, each above the one before, such as 5, 25, 50",
            ),
        )
    )

    steps: Annotated[tuple[Step, ...], atomic(20)] = (Step(weight=5), Step(weight=25), Step(weight=50))
    """The rungs of the ladder, weights rising; after the last the canary answers everything. Empty, and without shadow:
    a new model replaces the old one as soon as it is ready, without a trial."""
    shadow: Shadow | None = None
    """A rung before the first on which the canary scores copies and answers nobody. Absent: none."""
    bake: BakeTime = Field(default="10m", validate_default=True)
    """After the promotion the old revision stays ready for this long, and the checks go on."""
    rollback_window: LongTime = Field(default="168h", validate_default=True)
    """A model that was stable within this time, with its bake completed, returns at once, without the ladder."""
    applies_to: Literal["ModelChange", "AnyChange"] = "ModelChange"
    """What climbs the ladder. ModelChange: another digest. AnyChange: other resources, image or pod settings as well."""
    sticky_by: StickyBy | None = None
    """By what requests keep their revision. Absent: shares are exact, and a customer may meet both."""
    checks: Annotated[tuple[Check, ...], map_by("name", 16)] = DEFAULT_CHECKS
    """What the canary is judged by. Absent: errors at most 1%, and the 95 % quantile of latency at most 1.5 times the stable's.
    What you write replaces that as a whole."""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Requests the canary must have had on a rung before a check can pass; a check may ask for more or fewer."""
    confidence: Confidence = "0.95"
    """How sure a FAIL must be, over all looks at a rung and all checks together."""
    on_no_data: OnNoData = OnNoData()
    """What happens on a rung that cannot be judged."""
    progress_deadline: Duration = Field(default="10m", validate_default=True)
    """How long a new revision may take to become ready, and pods to follow the table, before it is reported as stalled;
    the old one serves on."""
    deadline: LongTime = Field(default="720h", validate_default=True)
    """How long a rollout may take as a whole. Past it the canary gets no more requests."""
    paused: bool = False
    """True: the weight is not raised any more. A failed check still takes it to zero."""
    retry: Annotated[str, Field(max_length=64)] = ""
    """Any new text, such as a ticket number, tries a rejected revision once more."""
