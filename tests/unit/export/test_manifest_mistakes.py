"""`bankmodel manifest` refuses what the cluster would refuse, sooner and with the option to correct."""

from pathlib import Path

import pytest

from bankmodel.exporting.export import Exported
from bankmodel.pack import pack
from support import tiny_models
from support.command import Command

_WHO = ["--owner", "mortgage-risk", "--tier", "High"]
_MISTAKES = {
    "no source": (_WHO, "give exactly one of --image, --archive, --http, --s3, --volume; given: none"),
    "two sources": ([*_WHO, "--http", "https://a/b", "--s3", "a/b"], "given: --http, --s3"),
    "option of another source": ([*_WHO, "--volume", "a/b", "--region", "eu"], "--volume can't be used with --region"),
    "half a source": ([*_WHO, "--s3", "bucket"], "'bucket' names no file; write --s3 BUCKET/KEY"),
    "tier": (["--owner", "a", "--tier", "high", "--volume", "a/b"], "tier 'high' is unknown; give High, Medium or Low"),
    "owner": (["--owner", "A B", "--tier", "Low", "--volume", "a/b"], "owner 'A B' can't be a label"),
    "name": ([*_WHO, "--volume", "a/b", "--name", "Mortgage"], "name 'Mortgage' can't be a Service's name"),
    "version": ([*_WHO, "--volume", "a/b", "--version", "1/2"], "version '1/2' can't be a label"),
    "replicas": ([*_WHO, "--volume", "a/b", "--replicas", "0"], "or equal to 1"),
    "absent archive": ([*_WHO, "--archive", "none.tar"], "none.tar does not exist; `bankmodel pack"),
}


@pytest.mark.parametrize(("words", "message"), _MISTAKES.values(), ids=_MISTAKES)
def test_mistake_says_what_to_do(words: list[str], message: str, bankmodel: Command, exported: Exported) -> None:
    found = bankmodel("manifest", exported.path, *words)

    assert (2, "") == (found.code, found.out)
    assert message in " ".join(found.err.split())


def test_archive_of_another_file_is_refused(bankmodel: Command, exported: Exported, tmp_path: Path) -> None:
    other = tiny_models.save(tiny_models.mixed(), tmp_path / "other.onnx").path
    pack(other, "localhost/other:1", tmp_path / "other.tar")
    found = bankmodel("manifest", exported.path, *_WHO, "--archive", tmp_path / "other.tar")

    assert 2 == found.code
    assert "holds another file than this one" in found.err


@pytest.mark.parametrize(("words", "message"), [([], "give --name"), (["--name", "m"], "give --version")])
def test_plain_file_needs_a_name_and_a_version(
    words: list[str], message: str, bankmodel: Command, tmp_path: Path
) -> None:
    plain = tiny_models.save(tiny_models.mixed(), tmp_path / "plain.onnx").path
    found = bankmodel("manifest", plain, *_WHO, "--volume", "a/b", *words)

    assert 2 == found.code
    assert message in found.err
