"""`bankmodel manifest` and the CRD say the same: every source it prints is taken, with digests computed from the files."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bankmodel.exporting.export import Exported, export
from bankmodel.manifest import Origin, manifest
from bankmodel.pack import Packed, pack
from bankmodel_operator.api.v1alpha1 import BankModel
from support.command import Command
from support.crd_schema import complaints
from support.fitted import applications, fitted

_REFERENCE = f"registry.example/lending/mortgage@sha256:{'0' * 64}"
_SOURCES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "image": (["--image", _REFERENCE], {"image": {"reference": _REFERENCE}}),
    "image with a path": (
        ["--image", _REFERENCE, "--image-path", "models/eu.onnx"],
        {"image": {"reference": _REFERENCE, "path": "models/eu.onnx"}},
    ),
    "http": (["--http", "https://models.example/m.onnx"], {"http": {"url": "https://models.example/m.onnx"}}),
    "http with credentials": (
        ["--http", "https://models.example/m.onnx", "--secret", "s", "--ca-bundle", "ca"],
        {
            "http": {
                "url": "https://models.example/m.onnx",
                "secretRef": {"name": "s"},
                "caBundleRef": {"name": "ca"},
            }
        },
    ),
    "s3": (["--s3", "models/mortgage/1.onnx"], {"s3": {"bucket": "models", "key": "mortgage/1.onnx"}}),
    "s3 as a URL": (["--s3", "s3://models/1.onnx"], {"s3": {"bucket": "models", "key": "1.onnx"}}),
    "s3 with all options": (
        ["--s3", "models/1.onnx", "--endpoint", "https://s3.example", "--region", "eu-1", "--secret", "s"],
        {
            "s3": {
                "bucket": "models",
                "key": "1.onnx",
                "endpoint": "https://s3.example",
                "region": "eu-1",
                "secretRef": {"name": "s"},
            }
        },
    ),
    "volume": (["--volume", "models/eu/1.onnx"], {"volume": {"claimName": "models", "path": "eu/1.onnx"}}),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("manifest") / "mortgage.onnx"
    return export(fitted("logistic", scaled=True), applications(), path, name="mortgage-approval", version="2026.11")


@pytest.fixture
def bankmodel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def _printed(bankmodel: Command, file: Path, *words: object) -> dict[str, Any]:
    found = bankmodel("manifest", file, "--owner", "mortgage-risk", "--tier", "High", *words)
    assert (0, "") == (found.code, found.err)
    resource: dict[str, Any] = yaml.safe_load(found.out)
    return resource


@pytest.mark.parametrize(("words", "source"), _SOURCES.values(), ids=_SOURCES)
def test_source_is_printed_as_the_crd_takes_it(
    words: list[str], source: dict[str, Any], bankmodel: Command, exported: Exported
) -> None:
    resource = _printed(bankmodel, exported.path, *words)

    assert source == resource["spec"]["model"]["source"]
    assert [] == complaints(resource)
    assert "mortgage-risk" == BankModel.model_validate(resource).spec.owner


@pytest.mark.parametrize("path", ["model.onnx", "models/eu.onnx"])
def test_packed_archive_gives_reference_path_and_digests(
    path: str, bankmodel: Command, exported: Exported, tmp_path: Path
) -> None:
    packed = pack(exported.path, "localhost/mortgage:1", tmp_path / "m.tar", path=path)
    resource = _printed(bankmodel, exported.path, "--archive", tmp_path / "m.tar")
    image = resource["spec"]["model"]["source"]["image"]
    default = BankModel.model_validate(resource).spec.model.source.image
    assert default is not None

    assert packed.reference == image["reference"]
    assert path == image.get("path", default.path)
    assert [] == complaints(resource)


def test_digest_is_the_file_s_own(bankmodel: Command, exported: Exported) -> None:
    resource = _printed(bankmodel, exported.path, "--volume", "models/1.onnx")

    assert hashlib.sha256(exported.path.read_bytes()).hexdigest() == resource["spec"]["model"]["sha256"]


def test_name_and_version_come_from_the_card(bankmodel: Command, exported: Exported) -> None:
    resource = _printed(bankmodel, exported.path, "--volume", "models/1.onnx")

    assert ("mortgage-approval", "2026.11") == (resource["metadata"]["name"], resource["spec"]["model"]["version"])


def test_every_option_is_taken(bankmodel: Command, exported: Exported) -> None:
    words = [
        "--name",
        "other",
        "--version",
        "12e5",
        "--purpose",
        "Approve: or refer",
        "-n",
        "lending",
        "--replicas",
        "3",
    ]
    resource = _printed(bankmodel, exported.path, "--volume", "models/1.onnx", *words)

    assert {"name": "other", "namespace": "lending"} == resource["metadata"]
    assert ("12e5", 3, "Approve: or refer") == (
        resource["spec"]["model"]["version"],
        resource["spec"]["serving"]["replicas"],
        resource["spec"]["purpose"],
    )
    assert [] == complaints(resource)


@pytest.mark.parametrize("version", ["12e5", "1.0", "0x10", "2026-11-01", "1_000", "on", "007"])
def test_version_stays_text_for_a_yaml_reader(version: str, exported: Exported) -> None:
    text = manifest(exported.path, Origin("volume", "a/b"), owner="a", tier="Low", version=version)

    assert f'version: "{version}"' in text
    assert version == yaml.safe_load(text)["spec"]["model"]["version"]


def test_the_check_itself_bites(exported: Exported) -> None:
    resource = yaml.safe_load(manifest(exported.path, Origin("volume", "a/b"), owner="a", tier="Low"))
    resource["spec"] |= {"tier": "low", "owner": "-", "surplus": 1, "serving": {"replicas": 0}}
    resource["apiVersion"] = "serving.bankmodel.io/v1"
    del resource["spec"]["model"]["version"]

    assert {
        "apiVersion",
        ".spec.tier",
        ".spec.owner",
        ".spec.surplus",
        ".spec.serving.replicas",
        ".spec.model.version",
    } == {complaint.split()[0] for complaint in complaints(resource)}


def test_packed_reference_is_name_and_digest() -> None:
    assert "a/b:1@sha256:00" == Packed("a/b:1", "sha256:00", {}).reference
