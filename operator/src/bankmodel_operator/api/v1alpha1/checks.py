"""What is measured of a canary, and the limits: the checks of a rollout. Judged by `core.analysis.judge`.

Absent checks are `DEFAULT_CHECKS`: errors at most 1 %, and the 95 % quantile of latency at most 1.5 times the stable's. They are
chosen so that a good model of a desk with 200 requests a day passes on the first 100 requests of a step, nearly always: measured 99.8 %
with the 95 % quantile, 94 % with the 99 %, which of 100 requests is the greatest or the second greatest; and proof that a canary is
slow takes five times as many requests with it (docs/analysis.md). Score shift is not among them: it needs a card.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.limits import (
    NUMBER_PATTERN,
    PERCENT_PATTERN,
    SHORT_TIME_PATTERN,
    format_number,
    format_percent,
    format_short_time,
    parse_number,
    parse_percent,
    parse_short_time,
)
from bankmodel_operator.api.v1alpha1.base import Duration, Model, atomic

__all__ = [
    "DEFAULT_CHECKS",
    "Check",
    "DecisionFlips",
    "ErrorRate",
    "FallbackRate",
    "Latency",
    "MissingRate",
    "OnNoData",
    "PrometheusQuery",
    "ScoreShift",
]


def _schema(max_length: int, cel: str, message: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": max_length, **validations(Rule(cel, message))})


def _between(low: str, high: str, message: str) -> WithJsonSchema:
    return _schema(20, f"self.matches('{NUMBER_PATTERN}') && double(self) >= {low} && double(self) <= {high}", message)


_READ_NUMBER: Final = BeforeValidator(parse_number)
_WRITE_NUMBER: Final = PlainSerializer(format_number, return_type=str)

Percent = Annotated[
    Decimal,
    BeforeValidator(parse_percent),
    PlainSerializer(format_percent, return_type=str),
    _schema(7, f"self.matches('{PERCENT_PATTERN}')", "must be a percentage in quotes from 0% to 100%, such as 0.5%"),
]
ShortTime = Annotated[
    timedelta,
    BeforeValidator(parse_short_time),
    PlainSerializer(format_short_time, return_type=str),
    _schema(
        8,
        f"self.matches('{SHORT_TIME_PATTERN}') && duration(self) >= duration('100us') && duration(self) <= duration('5s')",
        "must be a time between 100us and 5s, which is what pods measure, such as 25ms",
    ),
]
Quantile = Annotated[
    Decimal,
    _READ_NUMBER,
    _WRITE_NUMBER,
    _between("0.5", "0.999", "must be a quantile in quotes from 0.5 to 0.999, such as '0.95'"),
]
Ratio = Annotated[
    Decimal,
    _READ_NUMBER,
    _WRITE_NUMBER,
    _between("1.0", "1000.0", "must be a factor in quotes from 1 to 1000, such as '1.5'"),
]
Psi = Annotated[
    Decimal,
    _READ_NUMBER,
    _WRITE_NUMBER,
    _between("0.01", "10.0", "must be a population stability index in quotes from 0.01 to 10, such as '0.2'"),
]
Number = Annotated[
    Decimal,
    _READ_NUMBER,
    _WRITE_NUMBER,
    _schema(20, f"self.matches('{NUMBER_PATTERN}')", "must be a number in quotes, such as '0.2'"),
]


class ErrorRate(Model):
    """Requests the canary failed: errors (5xx), timeouts and refusals as the pods that forwarded them counted them."""

    max: Percent
    """Greatest share of failed requests, such as 1%."""


class Latency(Model):
    """How long the canary takes, measured where it answers."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule("has(self.max) || has(self.maxRatioToStable)", "latency needs max, maxRatioToStable or both")
        )
    )

    quantile: Quantile
    """Which quantile is limited, such as "0.95"."""
    max: ShortTime | None = None
    """Greatest time, such as 25ms. Most telling on an edge of the pods' histogram: 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 10 ms, and so on."""
    max_ratio_to_stable: Ratio | None = None
    """Greatest factor to the stable revision over the same time, such as "1.5". Not judged after promotion."""


class ScoreShift(Model):
    """How far the distribution of scores moved, as population stability index."""

    against: Literal["Card", "Stable"]
    """Card: the baseline in the canary's own card. Stable: the stable revision over the same time."""
    max_psi: Annotated[Psi, Field(alias="maxPSI")]
    """Greatest index, such as "0.2"; what chance gives for so few scores is taken off before it is compared."""


class DecisionFlips(Model):
    """Decisions the canary would have made otherwise than the stable. Judged in the shadow rung."""

    max: Percent
    """Greatest share of decisions that differ, such as 2%."""
    cutoff: Number | None = None
    """Score from which on the decision is the other one. Absent: the card's."""


class FallbackRate(Model):
    """Requests of the canary's share that the stable answered in its stead, for whatever reason."""

    max: Percent
    """Greatest share of them, such as 1%."""


class MissingRate(Model):
    """Values that were missing in the canary's inputs. Counted for inputs with a baseline in the card."""

    max: Percent
    """Greatest share of missing values of each input, such as 5%."""
    inputs: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=128)], ...], atomic(32)] = ()
    """The inputs. Empty: all that are counted."""


class PrometheusQuery(Model):
    """The answer of a Prometheus, or of anything that speaks its HTTP API."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule("has(self.min) || has(self.max)", "a query needs min, max or both"),
            Rule(
                "!has(self.min) || !has(self.max) || double(self.min) <= double(self.max)",
                "min must not be above max: lower the one or raise the other",
            ),
        )
    )

    address: Annotated[
        str,
        Field(
            min_length=1,
            max_length=512,
            json_schema_extra=validations(
                Rule(
                    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && "
                    "!self.matches('^[^/]*//[^/?#]*@')",
                    "must be a whole URL with http or https and a host, without a password, such as "
                    "http://prometheus.monitoring.svc:9090",
                )
            ),
        ),
    ]
    """Where it answers, such as http://prometheus.monitoring.svc:9090; /api/v1/query is added."""
    query: Annotated[str, Field(min_length=1, max_length=2048)]
    """PromQL that gives one number. An empty or a longer answer, and NaN, is no answer."""
    min: Number | None = None
    """Least value that is good."""
    max: Number | None = None
    """Greatest value that is good."""


_KINDS: Final = ("errorRate", "latency", "scoreShift", "decisionFlips", "fallbackRate", "missingRate", "prometheus")


class Check(Model):
    """One measured limit. It passes, fails or is unknown; unknown never counts as passed."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                f"[{', '.join(f'has(self.{kind})' for kind in _KINDS)}].exists_one(set, set)",
                f"a check limits exactly one thing: {', '.join(_KINDS[:-1])} or {_KINDS[-1]}",
            ),
        )
    )

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=32,
            json_schema_extra=validations(
                Rule(
                    "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self != 'restarts'",
                    "must be small letters, digits and '-', a letter first, such as errors; restarts is always checked",
                )
            ),
        ),
    ]
    """Name of the check, in status and events."""
    error_rate: ErrorRate | None = None
    """Limits failed requests."""
    latency: Latency | None = None
    """Limits the time an answer takes."""
    score_shift: ScoreShift | None = None
    """Limits how far scores move."""
    decision_flips: DecisionFlips | None = None
    """Limits decisions that differ from the stable's."""
    fallback_rate: FallbackRate | None = None
    """Limits answers the stable had to give instead."""
    missing_rate: MissingRate | None = None
    """Limits missing inputs."""
    prometheus: PrometheusQuery | None = None
    """Limits the answer of a query."""
    critical: bool = False
    """True: the first breach fails, without waiting until chance is ruled out."""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests of the canary in a step before the check can pass. Absent: spec.rollout.minRequests."""


class OnNoData(Model):
    """What happens when a step has no verdict for too long."""

    after: Duration = Field(default="24h", validate_default=True)
    """How long without any data."""
    action: Literal["Hold", "Abort"] = "Hold"
    """Hold: wait and say so. Abort: take the canary back."""


DEFAULT_CHECKS: Final = (
    Check(name="errors", error_rate=ErrorRate(max=Decimal("0.01"))),
    Check(name="latency", latency=Latency(quantile=Decimal("0.95"), max_ratio_to_stable=Decimal("1.5"))),
)
