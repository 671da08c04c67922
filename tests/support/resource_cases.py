"""Invalid BankModels and what the API server must say about each. Used against the real one, and to prove that no rule
of the CRD goes without a case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.bankmodels import DIGEST, OTHER_DIGEST, a_bankmodel

__all__ = ["BOUNDS", "RULES", "TRANSITIONS", "Refused"]

_NAME = "must be the name of a Kubernetes object"
_OWN = "are the operator's own: use another prefix"
_IN_NEEDS_VALUES = "In and NotIn need values; Exists and DoesNotExist take none"
_URL = "must be a whole URL with http or https and a host"
_NO_PASSWORD = "put them into a Secret and name it in secretRef"
_IMAGE = "must be an image reference without scheme or spaces"
_PATH = "must be a path inside the source, without leading '/'"
_QUANTITY = "must be a Kubernetes quantity from 0"
_CORE_EACH = "workers need a core each: raise resources.limits.cpu or lower workers"
_LABEL = "must be letters, digits, '-', '_' and '.'"
_EXPRESSION = {"matchExpressions": [{"key": "app", "operator": "In"}]}


@dataclass(frozen=True)
class Refused:
    """A spec that is refused, at which schema path (`[]` an item, `{}` a value), and a piece of the message."""

    path: str
    message: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    name: str = "mortgage-approval"

    def __str__(self) -> str:
        written = " ".join(_leaves(self.spec)) or self.name
        return f"{self.path or 'root'}: {written[:60]}"

    def body(self, namespace: str) -> dict[str, Any]:
        """Return the whole object."""
        return a_bankmodel(name=self.name, namespace=namespace, **self.spec)


def _leaves(value: Any) -> Iterator[str]:
    """The keys and values at the ends of a spec, which tell one case from another."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below) if isinstance(below, Mapping | list) else (f"{key}={below}",)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield str(value)


def _model(**fields: Any) -> dict[str, Any]:
    return {"model": fields}


def _rollout(**fields: Any) -> dict[str, Any]:
    return {"rollout": fields}


def _check(**limits: Any) -> dict[str, Any]:
    return {"rollout": {"checks": [{"name": "it", **limits}]}}


def _query(**limits: Any) -> dict[str, Any]:
    return _check(prometheus={"address": "http://p.monitoring.svc:9090", "query": "up", **limits})


def _source(**source: Any) -> dict[str, Any]:
    return {"model": {"source": {"image": None, **source}}}


def _http(**fields: Any) -> dict[str, Any]:
    return _source(http={"url": "https://models.example/m.onnx", **fields})


def _s3(**fields: Any) -> dict[str, Any]:
    return _source(s3={"bucket": "models", "key": "m.onnx", **fields})


def _serving(**fields: Any) -> dict[str, Any]:
    return {"serving": fields}


def _pod(**fields: Any) -> dict[str, Any]:
    return {"serving": {"pod": fields}}


def _spread(selector: dict[str, Any]) -> dict[str, Any]:
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    return _pod(topologySpreadConstraints=[constraint])


RULES = (
    Refused("", "must be a DNS label: small letters, digits and '-', a letter first", name="mortgage.v1"),
    Refused("", "must be at most 48 characters", name="m" * 49),
    Refused("spec.owner", _LABEL, {"owner": "Mortgage Risk"}),
    Refused("spec.model.version", _LABEL, _model(version="v 1")),
    Refused("spec.model.sha256", "without a prefix such as sha256:", _model(sha256=f"sha256:{DIGEST}")),
    Refused("spec.model.sha256", "must be 64 small hexadecimal digits", _model(sha256=DIGEST.upper())),
    Refused(
        "spec.model.sha256", "as `sha256sum FILE` or `bankmodel inspect FILE` prints them", _model(sha256=DIGEST[:63])
    ),
    Refused("spec.model.source", "name exactly one source: image, http, s3 or volume", _source()),
    Refused(
        "spec.model.source",
        "name exactly one source: image, http, s3 or volume",
        {"model": {"source": {"http": {"url": "https://models.example/m.onnx"}}}},
    ),
    Refused("spec.model.source.image.reference", _IMAGE, _source(image={"reference": "docker://registry/m x"})),
    Refused("spec.model.source.image.path", _PATH, {"model": {"source": {"image": {"path": "/model.onnx"}}}}),
    Refused("spec.model.source.image.path", _PATH, {"model": {"source": {"image": {"path": "../model.onnx"}}}}),
    Refused(
        "spec.model.source.http",
        "use an https url, or leave caBundleRef out",
        _http(url="http://models.example/m.onnx", caBundleRef={"name": "ca"}),
    ),
    Refused("spec.model.source.http.url", _URL, _http(url="ftp://models.example/m.onnx")),
    Refused("spec.model.source.http.url", _URL, _http(url="models/m.onnx")),
    Refused("spec.model.source.http.url", _NO_PASSWORD, _http(url="https://user:secret@models.example/m.onnx")),
    Refused("spec.model.source.http.secretRef.name", _NAME, _http(secretRef={"name": "No_Such"})),
    Refused("spec.model.source.http.caBundleRef.name", _NAME, _http(caBundleRef={"name": "No_Such"})),
    Refused(
        "spec.model.source.s3",
        "use an https endpoint, or leave caBundleRef out",
        _s3(endpoint="http://s3.example", caBundleRef={"name": "ca"}),
    ),
    Refused("spec.model.source.s3.bucket", "must be a bucket name: 3 to 63 small letters", _s3(bucket="Models")),
    Refused("spec.model.source.s3.key", "must be the object's key without leading '/'", _s3(key="/m.onnx")),
    Refused("spec.model.source.s3.endpoint", _URL, _s3(endpoint="s3.example")),
    Refused("spec.model.source.s3.endpoint", _NO_PASSWORD, _s3(endpoint="https://key:secret@s3.example")),
    Refused("spec.model.source.s3.region", _LABEL, _s3(region="--insecure")),
    Refused("spec.model.source.s3.secretRef.name", _NAME, _s3(secretRef={"name": "No_Such"})),
    Refused("spec.model.source.s3.caBundleRef.name", _NAME, _s3(caBundleRef={"name": "No_Such"})),
    Refused("spec.model.source.volume.claimName", _NAME, _source(volume={"claimName": "No_Such", "path": "m.onnx"})),
    Refused("spec.model.source.volume.path", _PATH, _source(volume={"claimName": "models", "path": "a/../../etc"})),
    Refused(
        "spec.serving",
        "set resources.requests.cpu",
        _serving(autoscaling={"minReplicas": 1, "maxReplicas": 2}, resources={"requests": {"memory": "1Gi"}}),
    ),
    Refused("spec.serving.image", _IMAGE, _serving(image="https://registry.example/serving")),
    Refused(
        "spec.serving.autoscaling",
        "minReplicas must not be above maxReplicas",
        _serving(autoscaling={"minReplicas": 3, "maxReplicas": 2}),
    ),
    Refused("spec.serving", _CORE_EACH, _serving(workers=3, resources={"limits": {"cpu": 2}})),
    Refused("spec.serving", _CORE_EACH, _serving(workers=2, resources={"limits": {"cpu": "1000m"}})),
    Refused(
        "spec.serving.resources",
        "raise resources.limits or lower resources.requests",
        _serving(resources={"requests": {"cpu": "1500m"}, "limits": {"cpu": 1}}),
    ),
    Refused(
        "spec.serving.resources",
        "raise resources.limits or lower resources.requests",
        _serving(resources={"requests": {"memory": "1Gi"}, "limits": {"memory": "1000Mi"}}),
    ),
    Refused("spec.serving.resources.requests{}", _QUANTITY, _serving(resources={"requests": {"cpu": "a lot"}})),
    Refused("spec.serving.resources.requests{}", _QUANTITY, _serving(resources={"requests": {"cpu": "-1"}})),
    Refused("spec.serving.resources.limits{}", _QUANTITY, _serving(resources={"limits": {"memory": "256MB"}})),
    Refused("spec.serving.tls.secretName", _NAME, _serving(tls={"secretName": "No_Such"})),
    Refused(
        "spec.serving.tls.clientCASecretName",
        _NAME,
        _serving(tls={"secretName": "mortgage-tls", "clientCASecretName": "No_Such"}),
    ),
    Refused("spec.serving.callers[]", "an empty selector {} means all of them", _serving(callers=[{}])),
    Refused(
        "spec.serving.callers[].namespaceSelector.matchExpressions[]",
        _IN_NEEDS_VALUES,
        _serving(callers=[{"namespaceSelector": _EXPRESSION}]),
    ),
    Refused(
        "spec.serving.callers[].podSelector.matchExpressions[]",
        _IN_NEEDS_VALUES,
        _serving(callers=[{"podSelector": _EXPRESSION}]),
    ),
    Refused("spec.serving.pod.labels", _OWN, _pod(labels={"app.kubernetes.io/name": "mine"})),
    Refused("spec.serving.pod.labels", _OWN, _pod(labels={"serving.bankmodel.io/model": "mine"})),
    Refused("spec.serving.pod.annotations", _OWN, _pod(annotations={"serving.bankmodel.io/applied": "x"})),
    Refused("spec.serving.pod.env[].name", "names with BANKMODEL_", _pod(env=[{"name": "BANKMODEL_X", "value": "1"}])),
    Refused("spec.serving.pod.env[].name", "not starting with a digit", _pod(env=[{"name": "1ST", "value": "1"}])),
    Refused(
        "spec.serving.pod.topologySpreadConstraints[].labelSelector.matchExpressions[]",
        _IN_NEEDS_VALUES,
        _spread(_EXPRESSION),
    ),
    Refused("spec.serving.pod.priorityClassName", _NAME, _pod(priorityClassName="Very High")),
    Refused("spec.serving.pod.imagePullSecrets[].name", _NAME, _pod(imagePullSecrets=[{"name": "No_Such"}])),
    Refused("spec.serving.pod.serviceAccountName", _NAME, _pod(serviceAccountName="No_Such")),
    Refused("spec.rollout.progressDeadline", "between 10s and 24h", {"rollout": {"progressDeadline": "10 minutes"}}),
    Refused("spec.rollout.progressDeadline", "such as 10m or 1h30m", {"rollout": {"progressDeadline": "25h"}}),
    Refused("spec.rollout", "the weights of steps must rise", _rollout(steps=[{"weight": 25}, {"weight": 5}])),
    Refused("spec.rollout", "the weights of steps must rise", _rollout(steps=[{"weight": 5}, {"weight": 5}])),
    Refused("spec.rollout.steps[].hold", "between 0s and 720h", _rollout(steps=[{"weight": 5, "hold": "721h"}])),
    Refused("spec.rollout.shadow.hold", "between 0s and 720h", _rollout(shadow={"hold": "1 day"})),
    Refused("spec.rollout.bake", "between 1m and 720h", _rollout(bake="10s")),
    Refused("spec.rollout.rollbackWindow", "between 0s and 8760h", _rollout(rollbackWindow="9000h")),
    Refused("spec.rollout.deadline", "between 0s and 8760h", _rollout(deadline="soon")),
    Refused("spec.rollout.onNoData.after", "between 10s and 24h", _rollout(onNoData={"after": "1s"})),
    Refused("spec.rollout.stickyBy", "exactly one of parameter and input", _rollout(stickyBy={})),
    Refused(
        "spec.rollout.stickyBy",
        "exactly one of parameter and input",
        _rollout(stickyBy={"parameter": "a", "input": "b"}),
    ),
    Refused("spec.rollout.confidence", "from 0.5 to below 1", _rollout(confidence="1.0")),
    Refused("spec.rollout.confidence", "from 0.5 to below 1", _rollout(confidence="0.3")),
    Refused("spec.rollout.checks[]", "a check limits exactly one thing", _check()),
    Refused(
        "spec.rollout.checks[]",
        "a check limits exactly one thing",
        _check(errorRate={"max": "1%"}, fallbackRate={"max": "1%"}),
    ),
    Refused(
        "spec.rollout.checks[].name",
        "restarts is always checked",
        _rollout(checks=[{"name": "restarts", "errorRate": {"max": "1%"}}]),
    ),
    Refused("spec.rollout.checks[].errorRate.max", "must be a percentage in quotes", _check(errorRate={"max": "0.01"})),
    Refused("spec.rollout.checks[].decisionFlips.max", "must be a percentage", _check(decisionFlips={"max": "101%"})),
    Refused(
        "spec.rollout.checks[].decisionFlips.cutoff",
        "must be a number in quotes",
        _check(decisionFlips={"max": "1%", "cutoff": "half"}),
    ),
    Refused("spec.rollout.checks[].fallbackRate.max", "must be a percentage", _check(fallbackRate={"max": "many"})),
    Refused("spec.rollout.checks[].missingRate.max", "must be a percentage", _check(missingRate={"max": "-1%"})),
    Refused("spec.rollout.checks[].latency", "latency needs max", _check(latency={"quantile": "0.95"})),
    Refused(
        "spec.rollout.checks[].latency.quantile",
        "must be a quantile in quotes",
        _check(latency={"quantile": "95", "max": "20ms"}),
    ),
    Refused(
        "spec.rollout.checks[].latency.max",
        "must be a time between 100us and 5s",
        _check(latency={"quantile": "0.95", "max": "6s"}),
    ),
    Refused(
        "spec.rollout.checks[].latency.maxRatioToStable",
        "must be a factor in quotes",
        _check(latency={"quantile": "0.95", "maxRatioToStable": "0.5"}),
    ),
    Refused(
        "spec.rollout.checks[].scoreShift.maxPSI",
        "must be a population stability index",
        _check(scoreShift={"against": "Card", "maxPSI": "20"}),
    ),
    Refused("spec.rollout.checks[].prometheus", "a query needs min, max or both", _query()),
    Refused("spec.rollout.checks[].prometheus", "min must not be above max", _query(min="2", max="1")),
    Refused("spec.rollout.checks[].prometheus.min", "must be a number in quotes", _query(min="low")),
    Refused("spec.rollout.checks[].prometheus.max", "must be a number in quotes", _query(max="high")),
    Refused(
        "spec.rollout.checks[].prometheus.address",
        "without a password",
        _check(prometheus={"address": "prometheus:9090", "query": "up", "min": "1"}),
    ),
    Refused("spec.monitoring.labels", _OWN, {"monitoring": {"labels": {"app.kubernetes.io/part-of": "x"}}}),
)
"""What a rule refuses; every rule of the CRD has at least one case here or in TRANSITIONS."""

TRANSITIONS = (Refused("spec.model", "a new sha256 needs a new version", _model(sha256=OTHER_DIGEST)),)
"""Changes of the valid minimal BankModel that are refused."""

BOUNDS = (
    Refused("spec.tier", 'supported values: "High", "Medium", "Low"', {"tier": "high"}),
    Refused("spec.tier", "Required value", {"tier": None}),
    Refused("spec.owner", "Required value", {"owner": None}),
    Refused("spec.owner", "should be at least 1 chars long", {"owner": ""}),
    Refused("spec.model", "Required value", {"model": None}),
    Refused("spec.purpose", "may not be more than 256", {"purpose": "x" * 257}),
    Refused("spec.serving.replicas", "should be greater than or equal to 1", _serving(replicas=0)),
    Refused("spec.serving.replicas", "should be less than or equal to 100", _serving(replicas=101)),
    Refused("spec.serving.workers", "should be greater than or equal to 1", _serving(workers=0)),
    Refused("spec.serving.workers", "should be less than or equal to 16", _serving(workers=17)),
    Refused(
        "spec.serving.autoscaling.minReplicas",
        "should be greater than or equal to 1",
        _serving(autoscaling={"minReplicas": 0, "maxReplicas": 2}),
    ),
    Refused(
        "spec.serving.pod.terminationGracePeriodSeconds",
        "should be greater than or equal to 25",
        _pod(terminationGracePeriodSeconds=5),
    ),
    Refused(
        "spec.serving.pod.env[1]",
        "Duplicate value",
        _pod(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
    ),
    Refused("spec.serving.tls.secretName", "Required value", _serving(tls={"keepPlaintext": True})),
    Refused("spec.monitoring.scrape", "supported values", {"monitoring": {"scrape": "auto"}}),
    Refused("spec.revisionHistoryLimit", "should be less than or equal to 50", {"revisionHistoryLimit": 51}),
    Refused("spec.suspend", "must be of type boolean", {"suspend": "yes"}),
)
"""What the plain schema refuses."""
