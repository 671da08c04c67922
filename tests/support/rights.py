"""Every right the operator has, and why. The manifests must grant exactly these; nothing is granted for later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["NEEDED", "Right"]

Scope = Literal["watched", "own", "cluster"]
_POD_MONITOR_KIND: Final = "podmonitors.monitoring.coreos.com"

_CHILD: Final = {
    "get": "is the name we need taken by somebody else?",
    "list": "observe what is there, live, before each decision",
    "watch": "somebody changed or deleted a child: repair it now, not at the next resync",
    "create": "make the child",
    "patch": "server-side apply of what differs",
    "delete": "a retired revision's child, or one that is no longer asked for",
}
_CHILDREN: Final = (
    ("apps", "controllerrevisions"),
    ("apps", "deployments"),
    ("", "configmaps"),
    ("", "services"),
    ("policy", "poddisruptionbudgets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("networking.k8s.io", "networkpolicies"),
    ("monitoring.coreos.com", "podmonitors"),
)


@dataclass(frozen=True)
class Right:
    """One verb on one resource. `name` limits it to one object; `scope` says where it holds."""

    scope: Scope
    group: str
    resource: str
    verb: str
    why: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.asked}"

    @property
    def asked(self) -> str:
        """The resource as `kubectl auth can-i` wants it."""
        plural, _, subresource = self.resource.partition("/")
        full = f"{plural}.{self.group}" if self.group else plural
        return f"{full}/{subresource or self.name}" if subresource or self.name else full


def _rights(scope: Scope, group: str, resource: str, why: Mapping[str, str], name: str = "") -> tuple[Right, ...]:
    return tuple(Right(scope, group, resource, verb, reason, name) for verb, reason in why.items())


NEEDED: Final = (
    *_rights(
        "watched",
        "serving.bankmodel.io",
        "bankmodels",
        {"get": "read the spec, live", "list": "resync and the watch's start", "watch": "notice a change at once"},
    ),
    *_rights("watched", "serving.bankmodel.io", "bankmodels/status", {"update": "save the status as a whole"}),
    *_rights(
        "watched",
        "serving.bankmodel.io",
        "bankmodels/finalizers",
        {"update": "set blockOwnerDeletion where OwnerReferencesPermissionEnforcement is on, as in OpenShift"},
    ),
    *(right for group, resource in _CHILDREN for right in _rights("watched", group, resource, _CHILD)),
    *_rights(
        "watched",
        "",
        "pods",
        {
            "list": "why is a revision not ready?",
            "watch": "notice a failing or ready pod at once",
            "patch": "annotate with the routing generation, so that the kubelet refreshes the table at once",
        },
    ),
    *_rights("watched", "events.k8s.io", "events", {"create": "tell turning points", "patch": "count repetitions"}),
    *_rights("own", "coordination.k8s.io", "leases", {"create": "the first replica of all makes the Lease"}),
    *_rights(
        "own",
        "coordination.k8s.io",
        "leases",
        {"get": "who leads?", "update": "take, renew and give back the lead"},
        name="bankmodel-operator",
    ),
    *_rights(
        "cluster",
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        {"list": "is the PodMonitor kind there?", "watch": "notice when it comes later"},
        name=_POD_MONITOR_KIND,
    ),
)
