"""Where files may be and how large: what the linter cannot say. The rules about `operator` are in docs/adr/0002."""

import ast
import operator
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_MOST_LINES = 400
_MOST_LINES_OF_A_FUNCTION = 60
_CATCH_ALLS = {"utils", "util", "helpers", "helper", "common", "misc"}
_UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:ro" r"ot|ho" r"me|wo" r"rk)/\w")
_GENERATED = (".lock", ".sum", "go.mod")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _tracked() -> Iterator[Path]:
    """Every file that git has or would take, so that the rules hold before the commit, too."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    output = subprocess.run(listed, cwd=_ROOT, check=True, capture_output=True, text=True, timeout=30).stdout
    return (_ROOT / name for name in output.split("\0") if name and (_ROOT / name).is_file())


_FILES = sorted(_tracked())
_PYTHON = [path for path in _FILES if path.suffix == ".py"]


def _names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(_ROOT)) for path in paths]


def test_there_is_something_to_look_at() -> None:
    assert len(_PYTHON) > 100


def test_the_folder_named_operator_hides_no_module() -> None:
    assert not (_ROOT / "operator" / "__init__.py").exists()
    assert operator.add(1, 2) == 3


def test_python_files_below_operator_are_in_its_source_folder() -> None:
    below = [path for path in _PYTHON if path.is_relative_to(_ROOT / "operator")]

    assert [] == _names([path for path in below if not path.is_relative_to(_ROOT / "operator" / "src")])


def test_no_test_is_below_operator() -> None:
    below = [path for path in _PYTHON if path.is_relative_to(_ROOT / "operator")]

    assert [] == _names([path for path in below if path.name.startswith("test_") or path.name == "conftest.py"])


def test_nothing_below_tests_is_named_operator() -> None:
    inside = [path.relative_to(_ROOT / "tests") for path in _FILES if path.is_relative_to(_ROOT / "tests")]

    assert [] == [str(path) for path in inside if "operator" in {*path.parts, path.stem}]


def test_no_folder_of_tests_is_a_package() -> None:
    inside = [path for path in _PYTHON if path.is_relative_to(_ROOT / "tests")]

    assert [] == _names([path for path in inside if path.name == "__init__.py"])


def test_no_two_test_files_have_one_name() -> None:
    names = [path.name for path in _PYTHON if path.name.startswith("test_")]

    assert [] == sorted({name for name in names if names.count(name) > 1})


def test_no_module_collects_what_belongs_elsewhere() -> None:
    assert [] == _names([path for path in _PYTHON if _CATCH_ALLS & {*path.relative_to(_ROOT).parts, path.stem}])


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _PYTHON}

    assert [] == _names([path for path, length in lengths.items() if length > _MOST_LINES])


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{path.relative_to(_ROOT)}:{function.lineno} {function.name}"
        for path in _PYTHON
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, Function)
        and (function.end_lineno or function.lineno) - function.lineno >= _MOST_LINES_OF_A_FUNCTION
    ]

    assert [] == too_long


@pytest.mark.parametrize(
    ("forbidden", "what"),
    [(_UNFINISHED, "unfinished work"), (_MACHINE_PATH, "a path of one machine")],
    ids=["unfinished", "machine"],
)
def test_no_file_holds(forbidden: re.Pattern[str], what: str) -> None:
    found = [path for path in _FILES if not path.name.endswith(_GENERATED) and forbidden.search(_text(path))]

    assert [] == _names(found), what


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="ignore")
