"""What `make mutate-core` mutates, and by which tests: all of the core that decides about a rollout, and tests that exist."""

from pathlib import Path

from mutation.parts import CORE, DECIDING, TESTS

_CHECKOUT = Path(__file__).parents[2]


def test_every_module_that_decides_about_a_rollout_is_mutated() -> None:
    core = _CHECKOUT / CORE
    below = [
        path for each in DECIDING for path in ((core / each).rglob("*.py") if (core / each).is_dir() else [core / each])
    ]
    found = {str(path.relative_to(core)) for path in below if _does_something(path)}

    assert found == set(TESTS)


def test_every_test_that_a_mutant_answers_to_exists() -> None:
    asked = {name for names in TESTS.values() for name in names}

    assert set() == {name for name in asked if not (_CHECKOUT / "tests" / "unit" / name).is_file()}


def _does_something(path: Path) -> bool:
    """A package's own file may hold nothing but its docstring."""
    return len(path.read_text().splitlines()) > 1
