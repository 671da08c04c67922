"""`make mutate-core`: change the rollout core in small ways, one at a time, and see whether its tests notice.

Works on a copy in build/mutate, so that a killed run leaves no mutant behind; goes on where it stopped. cosmic-ray is in an environment of its own
there. What survives is printed with its place; docs/mutation.md says why it may.
"""

import resource
import shutil
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mutation.mutants import Known, Mutant, digest, mutants_of
from mutation.parts import CORE, TESTS
from mutation.trial import notices

_CHECKOUT = Path(__file__).parents[2]
_PLACE = _CHECKOUT / "build" / "mutate"
_PYTHON = _PLACE / "bin" / "python"
_PAGE = _CHECKOUT / "docs" / "mutation.md"
_PATIENCE = 10
"""Times what the tests take without a mutant."""
_LEAST_CPU_S = 20
_TOLD_EVERY = 25


def main(asked: list[str]) -> int:
    """Mutate what was asked for, or all; 1 if a mutant survives that the page does not explain."""
    modules = [each for each in TESTS if not asked or any(each.startswith(word) for word in asked)]
    tree = _PLACE / "tree"
    _copied(tree)
    known = Known(_PLACE / "known.jsonl")
    rows, unexplained = [], 0
    for module in modules:
        mutants, survivors = _mutated(tree, module, known)
        left = [each for each in survivors if not _is_explained(each)]
        rows.append(
            f"| {module} | {mutants} | {mutants - len(survivors)} | {len(survivors)} | {len(survivors) - len(left)} |"
        )
        unexplained += len(left)
        for each in left:
            print(f"  survives: {each.module}:{each.line}\n    - {each.was}\n    + {each.becomes}", flush=True)
    print("\n".join(["| module | mutants | noticed | survive | of those explained |", "|---|---|---|---|---|", *rows]))
    return 1 if unexplained else 0


def _copied(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("operator", "tests"):
        shutil.copytree(_CHECKOUT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for each in ("docs/rollout.md", "pyproject.toml"):
        (tree / each).parent.mkdir(exist_ok=True)
        shutil.copy(_CHECKOUT / each, tree / each)


def _mutated(tree: Path, module: str, known: Known) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and those that nobody notices."""
    path, tests = tree / CORE / module, [f"tests/unit/{each}" for each in TESTS[module]]
    mutants, original = mutants_of(module, path, _PYTHON), path.read_text()
    now = {each: digest([tree / "tests/support/simulated_cluster.py", tree / each]) for each in tests}
    new = [each for each in mutants if known.to_try(each, now)]
    cpu_s = _patience(tree, {test for each in new for test in known.to_try(each, now)})
    print(f"{module}: {len(mutants)} mutants, {len(new)} to try, each for at most {cpu_s} s of CPU", flush=True)
    begun = time.monotonic()
    for number, each in enumerate(new, start=1):
        path.write_text(each.code)
        known.note(each, now, is_noticed=notices(tree, known.to_try(each, now), cpu_s=cpu_s))
        if number % _TOLD_EVERY == 0:
            print(f"  {number} of {len(new)}, {time.monotonic() - begun:.0f} s", flush=True)
    path.write_text(original)
    return len(mutants), [each for each in mutants if not known.is_noticed(each)]


def _patience(tree: Path, tests: Iterable[str]) -> int:
    """The CPU seconds a mutant gets."""
    return max(_LEAST_CPU_S, round(_PATIENCE * sum(_cpu_s(tree, each) for each in tests)))


@cache
def _cpu_s(tree: Path, test: str) -> float:
    """What it takes without a mutant; it must be green then."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    if notices(tree, [test], cpu_s=600, is_mutated=False):
        sys.exit(f"without any mutant {test} fails: see {tree / 'output.txt'}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def _is_explained(mutant: Mutant) -> bool:
    """Whether a row of the page has the module, the line as it was and as it became."""
    words = (f"`{mutant.module}`", f"`{mutant.was}`", f"`{mutant.becomes}`")
    rows = _PAGE.read_text().splitlines() if _PAGE.exists() else []
    return any(all(word.replace("|", r"\|") in row for word in words) for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
