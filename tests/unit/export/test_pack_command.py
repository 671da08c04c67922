"""`bankmodel pack`: an OCI archive whose every digest can be recomputed, with one readable file in one layer."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bankmodel.errors import UsageError
from bankmodel.exporting.export import Exported
from bankmodel.pack import Packed, pack, read_archive
from support.command import Command

_NAME = "localhost/mortgage:1"


@pytest.fixture
def archive(exported: Exported, tmp_path: Path) -> Path:
    pack(exported.path, _NAME, tmp_path / "mortgage.tar")
    return tmp_path / "mortgage.tar"


def _members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {item.name: _content(tar, item) for item in tar}


def _content(tar: tarfile.TarFile, item: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(item)
    return b"" if file is None else file.read()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(archive: Path, digest: str) -> bytes:
    return _members(archive)[f"blobs/sha256/{digest.removeprefix('sha256:')}"]


def _manifest(archive: Path) -> Any:
    index = json.loads(_members(archive)["index.json"])
    return json.loads(_blob(archive, index["manifests"][0]["digest"]))


def _layer(archive: Path) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(_blob(archive, _manifest(archive)["layers"][0]["digest"])))


def test_every_blob_is_named_by_its_digest(archive: Path) -> None:
    blobs = {name: content for name, content in _members(archive).items() if name.startswith("blobs/")}

    assert 3 == len(blobs)
    assert {name: f"blobs/sha256/{_digest(content)[7:]}" for name, content in blobs.items()} == {
        name: name for name in blobs
    }


def test_descriptors_tell_size_and_digest_of_what_they_point_to(archive: Path) -> None:
    manifest = _manifest(archive)
    pointed = [*json.loads(_members(archive)["index.json"])["manifests"], manifest["config"], *manifest["layers"]]

    assert [(each["digest"], each["size"]) for each in pointed] == [
        (_digest(_blob(archive, each["digest"])), len(_blob(archive, each["digest"]))) for each in pointed
    ]


def test_config_names_the_uncompressed_layer_and_its_platform(archive: Path) -> None:
    manifest = _manifest(archive)
    config = json.loads(_blob(archive, manifest["config"]["digest"]))

    assert ("linux", "amd64") == (config["os"], config["architecture"])
    assert [manifest["layers"][0]["digest"]] == config["rootfs"]["diff_ids"]


def test_layer_holds_the_file_for_any_reader_and_no_owner(archive: Path, exported: Exported) -> None:
    with _layer(archive) as layer:
        found = [(item.name, item.mode, item.uid, item.gid, item.mtime) for item in layer]

        assert [("model.onnx", 0o644, 0, 0, 0)] == found
        assert exported.path.read_bytes() == _content(layer, layer.getmember("model.onnx"))


def test_folders_in_the_layer_can_be_entered(exported: Exported, tmp_path: Path) -> None:
    pack(exported.path, _NAME, tmp_path / "deep.tar", path="models/eu/mortgage.onnx")
    with _layer(tmp_path / "deep.tar") as layer:
        found = [(item.name, item.isdir(), item.mode) for item in layer]

    assert [
        ("models", True, 0o755),
        ("models/eu", True, 0o755),
        ("models/eu/mortgage.onnx", False, 0o644),
    ] == found


def test_same_file_and_name_give_the_same_archive(archive: Path, exported: Exported, tmp_path: Path) -> None:
    pack(exported.path, _NAME, tmp_path / "again.tar")

    assert archive.read_bytes() == (tmp_path / "again.tar").read_bytes()


def test_archive_is_read_back(archive: Path, exported: Exported) -> None:
    digest = json.loads(_members(archive)["index.json"])["manifests"][0]["digest"]

    assert Packed(_NAME, digest, {"model.onnx": exported.sha256}) == read_archive(archive)


def test_command_prints_the_reference_alone(bankmodel: Command, exported: Exported, tmp_path: Path) -> None:
    target = tmp_path / "out" / "mortgage.tar"
    found = bankmodel("pack", exported.path, "-t", _NAME, "-o", target)

    assert (0, f"{read_archive(target).reference}\n") == (found.code, found.out)
    assert f"written {target}" in found.err


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("Mortgage", "model.onnx", "'Mortgage' is not an image name; write registry/name:tag"),
        ("https://registry/mortgage:1", "model.onnx", "is not an image name"),
        (_NAME, "/model.onnx", "'/model.onnx' can't be named in a BankModel"),
        (_NAME, "../model.onnx", "without leading '/', '..' or spaces"),
        (_NAME, "my model.onnx", "without leading '/', '..' or spaces"),
        (_NAME, "", "for example models/model.onnx"),
    ],
)
def test_bad_name_or_path_is_refused(name: str, path: str, message: str, exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        pack(exported.path, name, tmp_path / "model.tar", path=path)

    assert message in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_what_is_no_model_is_not_packed(bankmodel: Command, sample: Path) -> None:
    found = bankmodel("pack", sample, "-t", _NAME)

    assert (2, "") == (found.code, found.out)
    assert "is not an ONNX file" in found.err


def test_changed_archive_is_noticed(archive: Path, exported: Exported) -> None:
    content = archive.read_bytes()
    at = content.index(exported.path.read_bytes()[:200]) + 100
    archive.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])

    with pytest.raises(UsageError, match="has other content"):
        read_archive(archive)
