"""What is built is pinned by a go.mod and go.sum pair, and has nothing of our own in it but a few lines where a library has no program."""

import re
from pathlib import Path

import pytest

from cluster.binaries import NODE_MODULES, TEST_MODULES, binary_folder
from cluster.metrics import MODULE
from cluster.paths import MODULES

_FOLDERS = sorted(MODULES.iterdir())
_OURS = {"kstatus/main.go"}


def test_every_module_is_used_and_every_used_one_is_there() -> None:
    assert {*NODE_MODULES, *TEST_MODULES, MODULE} == {folder.name for folder in _FOLDERS}


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: folder.name)
def test_a_module_is_a_pair_that_names_tools(folder: Path) -> None:
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}

    assert {"go.mod", "go.sum"} == files - _OURS
    assert re.search(r"^tool[ (]", (folder / "go.mod").read_text(), re.MULTILINE)


def test_no_local_copy_of_anything_is_built() -> None:
    replaced = [
        line
        for folder in _FOLDERS
        for line in (folder / "go.mod").read_text().splitlines()
        if re.search(r"=> *[./]", line)
    ]

    assert [] == replaced


def test_the_cache_keeps_each_module_under_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BANKMODEL_CACHE", str(tmp_path))
    names = {binary_folder(folder.name) for folder in _FOLDERS}

    assert len(_FOLDERS) == len(names)
    assert {tmp_path / "bin"} == {name.parent for name in names}
