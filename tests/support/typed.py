"""`kubectl bankmodel rollout …` as a user types it, and the BankModel it is typed for, in a state that no operator disturbs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from support.kubectl import Kubectl

__all__ = ["MODEL", "command", "environment", "manifest", "orders", "save"]

MODEL = "mortgage-approval"


def command(kubectl: Kubectl, namespace: str, *words: str, kubeconfig: Path | None = None) -> list[str]:
    """What follows `rollout`, with where the cluster is, unless it is said."""
    place = ["-n", namespace]
    if "--kubeconfig" not in words:
        place += ["--kubeconfig", str(kubeconfig or kubectl.kubeconfig)]
    return [str(kubectl.binary), "bankmodel", "rollout", *words, *place]


def environment() -> dict[str, str]:
    """With the installed command on the PATH, and no terminal."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}


def manifest(model: dict[str, Any], namespace: str) -> dict[str, Any]:
    """What a user applies of it."""
    about = {"name": MODEL, "namespace": namespace}
    return {key: value for key, value in {**model, "metadata": about}.items() if key != "status"}


def save(kubectl: Kubectl, namespace: str, model: dict[str, Any]) -> None:
    """Applied by a user unless it is there, and reported on by an operator."""
    if kubectl("get", "bm", MODEL, "-n", namespace, check=False).returncode != 0:
        kubectl("apply", "--server-side", "--field-manager=user", "-f", "-", body=manifest(model, namespace))
    generation = kubectl.read("get", "bm", MODEL, "-n", namespace)["metadata"]["generation"]
    status = {**model["status"], "observedGeneration": generation}
    patch = [{"op": "add", "path": "/status", "value": status}]
    words = ("--subresource=status", "--type=json", "--field-manager=bankmodel-operator", "-p", json.dumps(patch))
    kubectl("patch", "bm", MODEL, "-n", namespace, *words)


def orders(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    """Given by annotation, as they stand."""
    found = kubectl.read("get", "bm", MODEL, "-n", namespace)["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key.startswith("serving.bankmodel.io/")}
