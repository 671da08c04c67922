"""`bankmodel manifest`: the BankModel resource for an ONNX file, every digest computed here rather than copied by hand.

The operator's schema is not imported (a data scientist has no operator installed); a contract test holds the two together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from bankmodel import onnx_file
from bankmodel.errors import UsageError
from bankmodel.pack import read_archive

__all__ = ["Origin", "manifest", "origin_of"]

API_VERSION = "serving.bankmodel.io/v1alpha1"
_NAME_FORM = re.compile(r"[a-z]([-a-z0-9]{0,46}[a-z0-9])?")
_LABEL_FORM = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

Kind = Literal["image", "archive", "http", "s3", "volume"]


@dataclass(frozen=True)
class Origin:
    """Where pods get the file: an image reference, a packed archive's path, a URL, bucket/key, or claim/path.

    `options` are further fields of the source: endpoint and region of s3; secretRef and caBundleRef as {"name": …}.
    """

    kind: Kind
    value: str
    options: Mapping[str, Any] = field(default_factory=dict)


_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "image": ("path",),
    "archive": (),
    "http": ("secretRef", "caBundleRef"),
    "s3": ("endpoint", "region", "secretRef", "caBundleRef"),
    "volume": (),
}

_SWITCHES = {
    "path": "--image-path",
    "endpoint": "--endpoint",
    "region": "--region",
    "secretRef": "--secret",
    "caBundleRef": "--ca-bundle",
}


def origin_of(places: Mapping[str, str], options: Mapping[str, Any]) -> Origin:
    """The one place given among `places` (by kind), with the options that fit its kind."""
    if len(places) != 1:
        given = ", ".join(f"--{kind}" for kind in places) or "none"
        raise UsageError(f"give exactly one of --{', --'.join(_OPTIONS)}; given: {given}")
    ((kind, value),) = places.items()
    unfitting = [key for key in options if key not in _OPTIONS[kind]]
    if unfitting:
        taken = ", ".join(_SWITCHES[key] for key in _OPTIONS[kind]) or "no further options"
        raise UsageError(f"--{kind} can't be used with {_SWITCHES[unfitting[0]]}; it takes {taken}")
    return Origin(cast(Kind, kind), value, options)


def manifest(
    model: str | Path,
    origin: Origin,
    *,
    owner: str,
    tier: str,
    name: str | None = None,
    version: str | None = None,
    purpose: str | None = None,
    namespace: str | None = None,
    replicas: int | None = None,
) -> str:
    """The BankModel for the file `model` as YAML; name and version default to those in its card."""
    path = Path(model)
    sha256 = onnx_file.sha256_of(path)
    known = _identity(path)
    called, numbered = name or known.get("name"), version or known.get("version")
    _refuse_bad(called, numbered, owner=owner, tier=tier)
    spec: dict[str, Any] = {"owner": owner, "tier": tier} | ({"purpose": purpose} if purpose else {})
    spec["model"] = {"version": _Quoted(numbered), "sha256": _Quoted(sha256), "source": _source(origin, sha256)}
    if replicas is not None:
        spec["serving"] = {"replicas": replicas}
    metadata = {"name": called} | ({"namespace": namespace} if namespace else {})
    document = {"apiVersion": API_VERSION, "kind": "BankModel", "metadata": metadata, "spec": spec}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=200, allow_unicode=True)


class _Quoted(str):
    """Text that is quoted whatever it looks like: PyYAML writes the version 12e5 bare, and Kubernetes reads a number."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def _identity(path: Path) -> Mapping[str, Any]:
    card = onnx_file.card_in(onnx_file.load(path))
    return card.provenance if card else {}


def _refuse_bad(name: str | None, version: str | None, *, owner: str, tier: str) -> None:
    if not name:
        raise UsageError("the model has no name: its file carries none; give --name")
    if not _NAME_FORM.fullmatch(name):
        raise UsageError(
            f"name {name!r} can't be a Service's name; use at most 48 of a-z, 0-9 and -, starting with a letter (--name)"
        )
    if not version:
        raise UsageError(f"{name} has no version: its file carries none; give --version")
    for what, text in (("version", version), ("owner", owner)):
        if not _LABEL_FORM.fullmatch(text):
            raise UsageError(
                f"{what} {text!r} can't be a label; use at most 63 letters, digits, '-', '_' and '.', "
                f"with a letter or digit at both ends (--{what})"
            )
    if tier not in ("High", "Medium", "Low"):
        raise UsageError(f"tier {tier!r} is unknown; give High, Medium or Low")


def _source(origin: Origin, sha256: str) -> dict[str, Any]:
    if origin.kind == "image":
        source = {"reference": origin.value}
    elif origin.kind == "archive":
        source = _archived(origin.value, sha256)
    elif origin.kind == "http":
        source = {"url": origin.value}
    elif origin.kind == "s3":
        source = dict(zip(("bucket", "key"), _two_parts(origin.value, "--s3 BUCKET/KEY"), strict=True))
    else:
        source = dict(zip(("claimName", "path"), _two_parts(origin.value, "--volume CLAIM/PATH"), strict=True))
    kind = "image" if origin.kind == "archive" else origin.kind
    return {kind: source | dict(origin.options)}


def _archived(archive: str, sha256: str) -> dict[str, Any]:
    packed = read_archive(archive)
    for path, digest in packed.files.items():
        if digest == sha256:
            return {"reference": packed.reference} | ({} if path == "model.onnx" else {"path": path})
    raise UsageError(f"{archive} holds another file than this one ({sha256[:12]}…); pack it again: bankmodel pack")


def _two_parts(value: str, usage: str) -> tuple[str, str]:
    first, separator, rest = value.removeprefix("s3://").partition("/")
    if not separator or not first or not rest:
        raise UsageError(f"{value!r} names no file; write {usage}")
    return first, rest
