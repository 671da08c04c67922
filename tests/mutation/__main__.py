"""`make mutate-core`: change the rollout core in small ways, one at a time, and see whether its tests notice.

Works on a copy in build/mutate, so that a killed run leaves no mutant behind; goes on where it stopped. cosmic-ray is in an environment of its own
there. What survives is printed with its place; docs/verification.md says what is left.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2]
_PLACE = _CHECKOUT / "build" / "mutate"
_CORE = "operator/src/bankmodel_operator/core"
_SUBJECTS = ("turns", "way.py", "verification.py", "ladder.py", "fit.py")
_TESTS = (
    "trial_verification",
    "trial_story",
    "rollout_story",
    "rollout_faults",
    "rollout_properties",
    "trial_properties",
    "memory",
)
_STEPS = "200"
_TIMEOUT_S = 120


def main(subjects: list[str]) -> int:
    """Mutate each subject; 0 whatever survives, since judging that is for people."""
    tree = _PLACE / "tree"
    _copied(tree)
    for subject in subjects or _SUBJECTS:
        _mutated(tree, subject)
    return 0


def _copied(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("operator", "tests"):
        shutil.copytree(_CHECKOUT / folder, tree / folder)
    shutil.copy(_CHECKOUT / "pyproject.toml", tree)


def _mutated(tree: Path, subject: str) -> None:
    name = subject.removesuffix(".py").replace("/", "-")
    config, session = _PLACE / f"{name}.toml", _PLACE / f"{name}.sqlite"
    config.write_text(_config(subject))
    if not session.exists():
        _run(tree, "init", str(config), str(session))
    _run(tree, "exec", str(config), str(session))
    for tool, flags in (("cr-report", ("--surviving-only", "--show-diff")), ("cr-rate", ())):
        _run(tree, *flags, str(session), tool=tool)


def _config(subject: str) -> str:
    found = " ".join(f"tests/unit/operator_core/test_{name}.py" for name in _TESTS)
    command = f"{_CHECKOUT / '.venv/bin/python'} -m pytest -x -q -p no:randomly -p no:cacheprovider {found}"
    return (
        f'[cosmic-ray]\nmodule-path = "{_CORE}/{subject}"\ntimeout = {_TIMEOUT_S}\nexcluded-modules = []\n'
        f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )


def _run(tree: Path, *words: str, tool: str = "cosmic-ray") -> None:
    path = f"{tree / 'operator/src'}:{tree / 'tests'}"
    environment = {**os.environ, "PYTHONPATH": path, "BANKMODEL_TRIAL_STEPS": _STEPS}
    subprocess.run([str(_PLACE / "bin" / tool), *words], cwd=tree, env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
