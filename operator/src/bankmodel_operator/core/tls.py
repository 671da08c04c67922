"""How certificates get into the pod: the Secrets as volumes, and what the scoring container is told of them.

The volumes are optional: a pod whose Secret is missing starts, says so on its metrics port, and goes on when it comes.
Mounted the other way, it would hang in ContainerCreating, and only an event that the operator may not read says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bankmodel_operator.api.v1alpha1 import Tls
from bankmodel_operator.core import names

_CERTIFICATE = "tls"
"""The volume of the certificate callers are shown."""
_READABLE_BY_GROUP = 0o440
"""The pod's fsGroup is the group of the files; nobody else needs them."""


def tls_volumes(tls: Tls | None) -> list[dict[str, Any]]:
    return [
        {"name": name, "secret": {"secretName": secret, "defaultMode": _READABLE_BY_GROUP, "optional": True, **items}}
        for name, secret, _, items in _secrets(tls)
    ]


def tls_mounts(tls: Tls | None) -> list[dict[str, Any]]:
    return [{"name": name, "mountPath": folder, "readOnly": True} for name, _, folder, _ in _secrets(tls)]


def tls_arguments(tls: Tls | None) -> list[str]:
    if tls is None:
        return []
    words = ["--tls-cert", f"{names.TLS_FOLDER}/tls.crt", "--tls-key", f"{names.TLS_FOLDER}/tls.key"]
    if tls.client_ca_secret_name:
        words += ["--tls-client-ca", f"{names.CLIENT_CA_FOLDER}/{names.CA_BUNDLE_KEY}"]
    return [*words, "--tls-keep-plaintext", "yes"] if tls.keep_plaintext else words


def tls_secret(template: Mapping[str, Any]) -> str:
    """The Secret with the certificate, as a pod template that was made here has it; empty without TLS."""
    volumes = template.get("spec", {}).get("volumes") or ()
    return next((str(each["secret"]["secretName"]) for each in volumes if each["name"] == _CERTIFICATE), "")


def _secrets(tls: Tls | None) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Volume, Secret, folder, and which keys: of the client CA's Secret its certificate alone, never its key."""
    if tls is None:
        return
    yield _CERTIFICATE, tls.secret_name, names.TLS_FOLDER, {}
    if tls.client_ca_secret_name:
        only = {"key": names.CA_BUNDLE_KEY, "path": names.CA_BUNDLE_KEY}
        yield "client-ca", tls.client_ca_secret_name, names.CLIENT_CA_FOLDER, {"items": [only]}
