"""`bankmodel pack`: the ONNX file as an OCI archive, for the `image` source (an image volume in the pod).

One layer, uncompressed, every time and owner zero: the same file gives the same digest on every machine, so the digest
can be reviewed. `ctr -n k8s.io images import FILE.tar` brings it to a node, `skopeo copy oci-archive:FILE.tar
docker://…` or `crane push` to a registry.
"""

import hashlib
import io
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bankmodel import onnx_file
from bankmodel.errors import UsageError

__all__ = ["Packed", "pack", "read_archive"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_NAME_FORM = re.compile(
    r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
_PATH_FORM = re.compile(r"[-A-Za-z0-9._+=@,]+(/[-A-Za-z0-9._+=@,]+)*")


@dataclass(frozen=True)
class Packed:
    """An archive's image: the name it was given, the digest of its manifest, and the model files in it by digest."""

    name: str
    digest: str
    files: dict[str, str]

    @property
    def reference(self) -> str:
        """What goes into `spec.model.source.image.reference`: nobody can push other content under it."""
        return f"{self.name}@{self.digest}"


def pack(
    model: str | Path, name: str, output: str | Path, *, path: str = "model.onnx", architecture: str = "amd64"
) -> Packed:
    """Write `model` as an OCI archive to `output`; in the image it is at /`path`.

    `name` is the image's name, for example registry.bank.example/lending/mortgage:1. Container runtimes take an image
    only for their own `architecture`, although this one holds nothing that runs.
    """
    _refuse_bad(name, path)
    onnx_file.load(Path(model))
    layer = _layer(Path(model).read_bytes(), path)
    config = _json({"architecture": architecture, "config": {}, "os": "linux", "rootfs": _rootfs(layer)})
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    named = _descriptor(_MANIFEST, manifest) | {"annotations": dict.fromkeys(_NAMES, name)}
    index = _json({"schemaVersion": 2, "manifests": [named]})
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (layer, config, manifest)}
    content = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index} | blobs
    _write(Path(output), _tar(content))
    return Packed(name, _digest(manifest), {path: onnx_file.sha256_of(Path(model))})


def read_archive(archive: str | Path) -> Packed:
    """What a `pack`ed archive holds, every digest computed from its content again."""
    try:
        with tarfile.open(archive) as tar:
            return _read(tar)
    except FileNotFoundError as error:
        raise UsageError(
            f"{archive} does not exist; `bankmodel pack MODEL.onnx -t NAME -o {archive}` makes it"
        ) from error
    except (tarfile.TarError, KeyError, ValueError, IndexError) as error:
        raise UsageError(
            f"{archive} is not an OCI archive of one image ({error}); `bankmodel pack MODEL.onnx -t NAME` makes one"
        ) from error


def _read(tar: tarfile.TarFile) -> Packed:
    entry = json.loads(_member(tar, "index.json"))["manifests"][0]
    manifest = _blob(tar, entry["digest"])
    layer = _blob(tar, json.loads(manifest)["layers"][0]["digest"])
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        found = {item.name: hashlib.sha256(_member(files, item.name)).hexdigest() for item in files if item.isfile()}
    return Packed(entry["annotations"][_NAMES[0]], entry["digest"], found)


def _blob(tar: tarfile.TarFile, digest: str) -> bytes:
    content = _member(tar, f"blobs/sha256/{digest.removeprefix('sha256:')}")
    if _digest(content) != digest:
        raise ValueError(f"blob {digest} has other content, digest {_digest(content)}")
    return content


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file")
    return file.read()


def _refuse_bad(name: str, path: str) -> None:
    if not _NAME_FORM.fullmatch(name):
        raise UsageError(f"{name!r} is not an image name; write registry/name:tag, for example localhost/mortgage:1")
    if not _PATH_FORM.fullmatch(path) or ".." in PurePosixPath(path).parts:
        raise UsageError(
            f"path {path!r} can't be named in a BankModel; give one inside the image without leading '/', '..' or spaces, "
            "for example models/model.onnx"
        )


def _layer(content: bytes, path: str) -> bytes:
    """Readable by any user: the serving container runs as nobody, and image volumes can't change owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for parent in reversed(PurePosixPath(path).parents[:-1]):
            folder = tarfile.TarInfo(str(parent))
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        file = tarfile.TarInfo(path)
        file.mode, file.size = 0o644, len(content)
        tar.addfile(file, io.BytesIO(content))
    return buffer.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            tar.addfile(item, io.BytesIO(content))
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"can't write {path}: {error.strerror}; give -o FILE.tar in a directory you may write to"
        ) from error


def _rootfs(layer: bytes) -> dict[str, Any]:
    return {"type": "layers", "diff_ids": [_digest(layer)]}


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
