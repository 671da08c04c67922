"""Invalid checks and what the API server must say about each: one case for every rule of `api.v1alpha1.checks`."""

from typing import Any

__all__ = ["REFUSED_CHECKS"]

_NUMBER = "must be a number in quotes"
_PERCENT = "must be a percentage in quotes"
_QUERY = {"address": "http://p.example", "query": "up"}


def _prometheus(**fields: Any) -> dict[str, Any]:
    return {"prometheus": {**_QUERY, **fields}}


REFUSED_CHECKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("", "a check limits exactly one thing", {}),
    ("", "a check limits exactly one thing", {"errorRate": {"max": "1%"}, "fallbackRate": {"max": "1%"}}),
    ("name", "restarts is always checked", {"name": "restarts", "errorRate": {"max": "1%"}}),
    ("name", "must be small letters", {"name": "Errors", "errorRate": {"max": "1%"}}),
    ("errorRate.max", _PERCENT, {"errorRate": {"max": "0.01"}}),
    ("fallbackRate.max", _PERCENT, {"fallbackRate": {"max": "101%"}}),
    ("missingRate.max", _PERCENT, {"missingRate": {"max": "5"}}),
    ("decisionFlips.max", _PERCENT, {"decisionFlips": {"max": "some"}}),
    ("decisionFlips.cutoff", _NUMBER, {"decisionFlips": {"max": "1%", "cutoff": "half"}}),
    ("latency", "latency needs max, maxRatioToStable or both", {"latency": {"quantile": "0.99"}}),
    ("latency.quantile", "must be a quantile in quotes", {"latency": {"quantile": "99", "max": "20ms"}}),
    ("latency.max", "must be a time between 100us and 5s", {"latency": {"quantile": "0.99", "max": "20m"}}),
    ("latency.max", "must be a time between 100us and 5s", {"latency": {"quantile": "0.99", "max": "6s"}}),
    (
        "latency.maxRatioToStable",
        "must be a factor in quotes",
        {"latency": {"quantile": "0.99", "maxRatioToStable": "0.5"}},
    ),
    (
        "scoreShift.maxPSI",
        "must be a population stability index in quotes",
        {"scoreShift": {"against": "Card", "maxPSI": "0"}},
    ),
    ("prometheus", "a query needs min, max or both", _prometheus()),
    ("prometheus", "min must not be above max", _prometheus(min="2", max="1")),
    ("prometheus", "use an https address", _prometheus(max="1", caBundleRef={"name": "ca"})),
    ("prometheus.address", "must be a whole URL", _prometheus(address="p.example", max="1")),
    ("prometheus.address", "must not contain a password", _prometheus(address="http://u:p@p.example", max="1")),
    ("prometheus.min", _NUMBER, _prometheus(min="1e3")),
    ("prometheus.max", _NUMBER, _prometheus(max="NaN")),
    (
        "prometheus.secretRef.name",
        "must be the name of a Kubernetes object",
        _prometheus(max="1", secretRef={"name": "A_"}),
    ),
    (
        "prometheus.caBundleRef.name",
        "must be the name of a Kubernetes object",
        _prometheus(address="https://p.example", max="1", caBundleRef={"name": "A_"}),
    ),
)
"""Path below `spec.rollout.checks[]`, a piece of the message, and the check (named errors unless it says otherwise)."""
