"""How the model is served: size, image, who may call, and the pods."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.v1alpha1.base import ImageReference, Model, ObjectName, Quantity, atomic
from bankmodel_operator.api.v1alpha1.pod import Pod
from bankmodel_operator.api.v1alpha1.selector import Caller

__all__ = ["MAX_REPLICAS", "MAX_WORKERS", "Autoscaling", "Resources", "Serving", "Tls"]

MAX_REPLICAS: Final = 100
MAX_WORKERS: Final = 16
_MEASURED: Final = "(has(self.resources.{part}) && 'cpu' in self.resources.{part})"


class Autoscaling(Model):
    """A HorizontalPodAutoscaler on this resource's scale. It writes spec.serving.replicas, so leave that out of Git."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "self.minReplicas <= self.maxReplicas",
                "minReplicas must not be above maxReplicas: lower the one or raise the other",
            )
        )
    )

    min_replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)]
    """Least number of pods."""
    max_replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)]
    """Greatest number of pods."""
    target_cpu_percent: Annotated[int, Field(alias="targetCPUPercent", ge=1, le=1000)] = 70
    """CPU use to aim at, in percent of the requested CPU, as a mean over the pods."""


class Resources(Model):
    """Computing resources of one pod, as in a container."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits) || "
                "!isQuantity(string(self.requests[name])) || !isQuantity(string(self.limits[name])) || "
                "!quantity(string(self.requests[name])).isGreaterThan(quantity(string(self.limits[name]))))",
                "a request must not be above its limit: raise resources.limits or lower resources.requests",
            )
        )
    )

    requests: Annotated[dict[str, Quantity], Field(max_length=8)] = {}
    """What a node must have free for the pod. Absent: what limits say."""
    limits: Annotated[dict[str, Quantity], Field(max_length=8)] = {}
    """What the pod may use at most. Absent: no limit."""


class Tls(Model):
    """Certificates by which callers are met. Renewed Secrets are taken up by running pods."""

    secret_name: ObjectName
    """Secret with the keys `tls.crt` (certificate chain) and `tls.key`, as cert-manager writes it."""
    client_ca_secret_name: Annotated[ObjectName | None, Field(alias="clientCASecretName")] = None
    """Secret with the key `ca.crt`: only callers with a certificate from this authority are let in. Absent: all are."""
    keep_plaintext: bool = False
    """True: callers may use plain HTTP on port 80 as well. False: with TLS it is closed. gRPC speaks TLS either way."""


class Serving(Model):
    """How the model is served."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                f"!has(self.autoscaling) || {_MEASURED.format(part='requests')} || {_MEASURED.format(part='limits')}",
                "autoscaling measures CPU against the request: set resources.requests.cpu",
            ),
            Rule(
                "!has(self.workers) || self.workers == 1 || !has(self.resources.limits) || "
                "!('cpu' in self.resources.limits) || !isQuantity(string(self.resources.limits['cpu'])) || "
                "quantity(string(self.resources.limits['cpu'])).asApproximateFloat() > double(self.workers - 1)",
                "workers need a core each: raise resources.limits.cpu or lower workers",
            ),
        )
    )

    image: ImageReference = ""
    """Image of the scoring container. Empty: the operator's default when the revision was made, kept for its life."""
    replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] = 2
    """Number of pods. `kubectl scale` and the autoscaler write here."""
    autoscaling: Autoscaling | None = None
    """Scale with the load. Absent: replicas alone decides."""
    workers: Annotated[int, Field(ge=1, le=MAX_WORKERS)] | None = None
    """Scoring processes in each pod. They share its port; each uses about one core and holds the model. Absent: one for
    each whole core in resources.requests.cpu."""
    resources: Resources = Resources(requests={"cpu": "250m", "memory": "256Mi"}, limits={"memory": "256Mi"})
    """Computing resources of one pod. What you write replaces the default as a whole."""
    tls: Tls | None = None
    """Serve HTTPS on port 443 of the Service. Absent: plain HTTP on port 80."""
    callers: Annotated[tuple[Caller, ...], atomic(32)] | None = None
    """Who may call. Absent: every pod in the same namespace; empty: nobody. Monitoring and the operator reach the
    metrics port in any case."""
    pod: Pod = Pod()
    """Settings of the pods."""
