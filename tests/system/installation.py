"""Installs the operator as a platform team would: the CRD, then an overlay on manifests/base with its images by digest."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from support.crd import install_crd, remove_crd
from system.place import CHECKOUT, Place, SystemFailed

__all__ = ["NAMESPACE", "install_operator", "operator_log", "remove_operator"]

NAMESPACE = "bankmodel-system"
_IMAGE = "localhost/bankmodel-operator"


def install_operator(place: Place, images: Mapping[str, str], *, settings: Mapping[str, str] | None = None) -> None:
    """Apply CRD and operator and wait until both replicas are ready; `settings` are environment variables of it."""
    kubectl = place.kubectl
    install_crd(kubectl)
    chosen = {"BANKMODEL_SERVING_IMAGE": images["serving"], **(settings or {})}
    overlay = _overlay(place.state.path / "overlay", images["operator"], chosen)
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(overlay))
    done = kubectl("-n", NAMESPACE, "rollout", "status", "deployment/bankmodel-operator", "--timeout=50s", check=False)
    if done.returncode != 0:
        raise SystemFailed(f"the operator did not become ready: {done.stderr.strip()}\n{operator_log(place)}")


def remove_operator(place: Place) -> None:
    """The operator and the CRD, and with it every model."""
    kubectl = place.kubectl
    remove_crd(kubectl)
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=50s")


def operator_log(place: Place, lines: int = 20) -> str:
    """The end of what the replicas logged."""
    words = ("-n", NAMESPACE, "logs", "-l", "app.kubernetes.io/name=bankmodel-operator", f"--tail={lines}", "--prefix")
    return place.kubectl(*words, check=False).stdout


def _overlay(folder: Path, image: str, settings: Mapping[str, str]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generator = {
        "name": "bankmodel-operator-settings",
        "namespace": NAMESPACE,
        "behavior": "merge",
        "literals": [f"{key}={value}" for key, value in sorted(settings.items())],
    }
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(CHECKOUT / "manifests" / "base", folder)],
        "images": [{"name": _IMAGE, **_image(image)}],
        "configMapGenerator": [generator],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def _image(reference: str) -> dict[str, str]:
    name, at, digest = reference.partition("@")
    if at:
        return {"newName": name, "digest": digest}
    name, _, tag = reference.rpartition(":")
    return {"newName": name, "newTag": tag}
