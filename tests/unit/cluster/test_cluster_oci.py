"""OCI archives as we write and read them: what is in the file is what a node will call the image."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import ClusterError
from cluster.oci import ArchivedImage, read_archive, write_archive


def _archive(file: Path, index: object) -> Path:
    content = json.dumps(index).encode()
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("index.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file


def _entry(**annotations: str) -> dict[str, Any]:
    return {"digest": "sha256:ab", "annotations": annotations}


def _read(file: Path, path: str) -> bytes:
    with tarfile.open(file) as archive:
        member = archive.extractfile(path)
        assert member
        return member.read()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    written = write_archive(file, name="localhost/m:1", files={"/bin/m": b"m"}, entrypoint=["/bin/m"])

    assert written == read_archive(file)
    assert "localhost/m:1" == written.name


def test_every_blob_is_named_by_its_content_and_leads_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    image = write_archive(file, name="localhost/m:1", files={"/bin/m": b"content"}, entrypoint=["/bin/m", "x"])
    manifest = _read(file, f"blobs/sha256/{image.digest.removeprefix('sha256:')}")
    described = json.loads(manifest)
    layer = _read(file, f"blobs/sha256/{described['layers'][0]['digest'].removeprefix('sha256:')}")
    config = json.loads(_read(file, f"blobs/sha256/{described['config']['digest'].removeprefix('sha256:')}"))
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        member = files.getmember("bin/m")

    assert image.digest == "sha256:" + hashlib.sha256(manifest).hexdigest()
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    assert config["config"]["Entrypoint"] == ["/bin/m", "x"]
    assert (member.size, member.mode) == (7, 0o755)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost/fraud:1", "localhost/fraud@sha256:ab"),
        ("localhost:5000/fraud:1", "localhost:5000/fraud@sha256:ab"),
        ("localhost:5000/fraud", "localhost:5000/fraud@sha256:ab"),
        ("bank.example/desk/fraud", "bank.example/desk/fraud@sha256:ab"),
    ],
    ids=["tag", "port and tag", "port alone", "neither"],
)
def test_an_image_by_digest_keeps_host_and_name(name: str, expected: str) -> None:
    assert expected == ArchivedImage(name, "sha256:ab").by_digest


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"org.opencontainers.image.ref.name": "localhost/m:1"}, "localhost/m:1"),
        ({"io.containerd.image.name": "localhost/m:2", "org.opencontainers.image.ref.name": "2"}, "localhost/m:2"),
        ({"io.containerd.image.name": "localhost/m:3", "org.opencontainers.image.ref.name": "x/m:4"}, "localhost/m:3"),
    ],
    ids=["reference", "reference is a tag alone", "containerd's own wins"],
)
def test_the_name_is_the_full_one(tmp_path: Path, annotations: dict[str, str], expected: str) -> None:
    file = _archive(tmp_path / "a.tar", {"manifests": [_entry(**annotations)]})

    assert expected == read_archive(file).name


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"manifests": []}, "holds 0 images; expected exactly one"),
        ({"manifests": [_entry(), _entry()]}, "holds 2 images; expected exactly one"),
        ({"manifests": [_entry()]}, "no full name; pack it with -t HOST/NAME:TAG"),
        ({"manifests": [_entry(**{"org.opencontainers.image.ref.name": "1"})]}, "no full name"),
    ],
    ids=["empty", "two", "unnamed", "a tag alone"],
)
def test_an_archive_that_cannot_be_brought_to_a_node_is_refused(tmp_path: Path, index: object, message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        read_archive(_archive(tmp_path / "a.tar", index))


@pytest.mark.parametrize("content", [None, b"", b"no tar"], ids=["absent", "empty", "other"])
def test_what_is_no_archive_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "model.onnx"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ClusterError, match=r"model\.onnx is not an OCI archive .* `bankmodel pack` writes one"):
        read_archive(file)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.tar"
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo("readme"))

    with pytest.raises(ClusterError, match="is not an OCI archive"):
        read_archive(file)
