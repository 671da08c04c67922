"""Our CustomResourceDefinition, installed on an API server from crds/ and removed from it, as a user does."""

from pathlib import Path

from support.kubectl import Kubectl
from support.operator_process import eventually

__all__ = ["install_crd", "remove_crd"]

_CRDS = str(Path(__file__).parents[2] / "crds")
_SERVED = "/apis/serving.bankmodel.io/v1alpha1/bankmodels?limit=1"


def install_crd(kubectl: Kubectl) -> None:
    """Apply it and wait until the kind is served. `kubectl wait` fails on a definition that has no status yet."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", _CRDS)
    eventually(lambda: kubectl("get", "--raw", _SERVED, check=False).returncode == 0, what="BankModels are served")


def remove_crd(kubectl: Kubectl) -> None:
    """And with it every model; return when it is gone."""
    kubectl("delete", "-f", _CRDS, "--ignore-not-found", "--timeout=50s")
