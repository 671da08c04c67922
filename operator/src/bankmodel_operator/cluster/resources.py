"""Where each kind we touch lives in the API: one table, used by every call, by the watches and by the RBAC test."""

from __future__ import annotations

from dataclasses import dataclass

from bankmodel_operator.core import names

__all__ = ["CHILDREN", "MODELS", "POD_MONITORS", "RESOURCES", "Ref", "Resource"]


@dataclass(frozen=True)
class Resource:
    """A namespaced kind of the API."""

    kind: str
    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """As written in objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path; without a namespace that of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, f"namespaces/{namespace}" if namespace else "", self.plural, name, subresource]
        return "/".join(part for part in parts if part)


@dataclass(frozen=True)
class Ref:
    """One object."""

    resource: Resource
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.namespace}/{self.name}"


MODELS = Resource(names.KIND, names.GROUP, names.VERSION, names.PLURAL)
POD_MONITORS = Resource("PodMonitor", "monitoring.coreos.com", "v1", "podmonitors")
CHILDREN = (
    Resource("ControllerRevision", "apps", "v1", "controllerrevisions"),
    Resource("Deployment", "apps", "v1", "deployments"),
    Resource("Service", "", "v1", "services"),
    Resource("ConfigMap", "", "v1", "configmaps"),
    Resource("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    Resource("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
    Resource("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
)
PODS = Resource("Pod", "", "v1", "pods")
LEASES = Resource("Lease", "coordination.k8s.io", "v1", "leases")
EVENTS = Resource("Event", "events.k8s.io", "v1", "events")
RESOURCES = {resource.kind: resource for resource in (MODELS, POD_MONITORS, *CHILDREN, PODS, LEASES, EVENTS)}
