"""Writes and reads OCI archives, the tar files that carry images. Called by node (the pause image) and images (digests)."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError

__all__ = ["ArchivedImage", "read_archive", "write_archive"]

_MEDIA = "application/vnd.oci.image"
_NAME_KEYS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


@dataclass(frozen=True)
class ArchivedImage:
    """An image in an archive: its full name with tag, and its manifest's digest (`sha256:...`)."""

    name: str
    digest: str

    @property
    def by_digest(self) -> str:
        """`localhost/fraud:1` with digest d → `localhost/fraud@d`."""
        repository, colon, tag = self.name.rpartition(":")
        return f"{repository if colon and '/' not in tag else self.name}@{self.digest}"


def write_archive(file: Path, *, name: str, files: Mapping[str, bytes], entrypoint: Sequence[str]) -> ArchivedImage:
    """An image of one layer that holds FILES (path → content, executable), written to FILE."""
    layer = _tar({path.lstrip("/"): content for path, content in files.items()}, mode=0o755)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": list(entrypoint)},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    layers = [_descriptor(layer, "layer.v1.tar")]
    manifest = _json(
        _versioned("manifest.v1+json") | {"config": _descriptor(config, "config.v1+json"), "layers": layers}
    )
    entry = _descriptor(manifest, "manifest.v1+json") | {"annotations": dict.fromkeys(_NAME_KEYS, name)}
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (layer, config, manifest)}
    index = _json(_versioned("index.v1+json") | {"manifests": [entry]})
    file.write_bytes(_tar({"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index, **blobs}))
    return ArchivedImage(name, _digest(manifest))


def read_archive(file: Path) -> ArchivedImage:
    """Name and digest of the one image in FILE."""
    try:
        with tarfile.open(file) as archive:
            member = archive.extractfile("index.json")
            index: dict[str, Any] = json.load(member) if member else {}
    except (OSError, KeyError, ValueError, tarfile.TarError) as bad:
        why = str(bad).partition(":\n")[0]
        raise ClusterError(f"{file} is not an OCI archive ({why}); `bankmodel pack` writes one") from bad
    manifests = index.get("manifests", [])
    if len(manifests) != 1:
        raise ClusterError(f"{file} holds {len(manifests)} images; expected exactly one")
    annotations = manifests[0].get("annotations", {})
    names = [annotations[key] for key in _NAME_KEYS if "/" in annotations.get(key, "")]
    if not names:
        raise ClusterError(
            f"{file}: the image has no full name; pack it with -t HOST/NAME:TAG, for example localhost/m:1"
        )
    return ArchivedImage(names[0], manifests[0]["digest"])


def _tar(files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _versioned(media: str) -> dict[str, object]:
    return {"schemaVersion": 2, "mediaType": f"{_MEDIA}.{media}"}


def _descriptor(blob: bytes, media: str) -> dict[str, object]:
    return {"mediaType": f"{_MEDIA}.{media}", "digest": _digest(blob), "size": len(blob)}
