"""Writes kubeconfigs, as JSON (which is YAML too), so that the cluster needs nothing but the standard library."""

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_kubeconfig"]


def write_kubeconfig(file: Path, *, server: str, ca: Path, user: Mapping[str, str]) -> Path:
    """A kubeconfig with one context; USER is its `user` entry, for example `{"token": ...}`."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bankmodel", "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": "user", "user": dict(user)}],
        "contexts": [{"name": "bankmodel", "context": {"cluster": "bankmodel", "user": "user"}}],
        "current-context": "bankmodel",
    }
    file.write_text(json.dumps(content, indent=1) + "\n")
    file.chmod(0o600)
    return file
