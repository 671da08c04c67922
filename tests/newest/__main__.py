"""`make newest`: the export tests with the newest libraries on the registry, in build/newest; a table, and no verdict.

Each library that has a newer version than the locked one is tried alone, so that a failure has a name, and then all at once.
Exit 0 whatever the tests say; anything else means that this lane itself broke.
"""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PLACE = CHECKOUT / "build" / "newest"
LIBRARIES = (
    *("lightgbm", "numpy", "onnx", "onnxmltools", "onnxruntime", "pandas"),
    *("protobuf", "scikit-learn", "scipy", "skl2onnx", "xgboost-cpu"),
)
_TESTS = ("test_export_parity.py", "test_exact_trees.py", "test_exact_steps.py", "test_own_steps.py")
_UV = [str(CHECKOUT / ".venv" / "bin" / "uv"), "pip"]
_PYTHON = PLACE / "bin" / "python"
_INSTALL = [*_UV, "install", "--quiet", "--no-deps", "--python", str(_PYTHON)]
_INSTALL_S, _TEST_S = 1_200, 3_600


def main() -> int:
    newest, locked = newest_of(LIBRARIES), {name: version(name) for name in LIBRARIES}
    newer = [name for name in LIBRARIES if newest[name] != locked[name]]
    _make_environment()
    found = {"none: as locked": _tested({})} if newer else {}
    found |= {name: _tested({name: newest[name]}) for name in newer}
    if len(newer) > 1:
        found["all of them"] = _tested({name: newest[name] for name in newer})
    print("\n".join(report(locked, newest, found)), flush=True)
    return 0


def newest_of(names: tuple[str, ...]) -> dict[str, str]:
    """The newest version of each on the registry that this Python can have, whatever the others want."""
    resolved = _out(
        [*_UV, "compile", "-", "--no-deps", "--no-header", "--no-annotate", "--quiet", "--python", sys.executable],
        given="\n".join(names),
    )
    pairs = [line.split("==") for line in resolved.splitlines() if "==" in line]
    return {name: number.split(";")[0].strip() for name, number in pairs}


def report(locked: dict[str, str], newest: dict[str, str], found: dict[str, str]) -> list[str]:
    """The table, as Markdown, so that a workflow's summary shows it as one."""
    rows = [f"| {name} | {locked[name]} | {newest[name]} | {found.get(name, 'the same')} |" for name in sorted(locked)]
    others = [f"| {what} | | | {result} |" for what, result in found.items() if what not in locked]
    return ["| package | locked | newest | export tests with it alone |", "|---|---|---|---|", *rows, *others]


def summary_of(output: str) -> str:
    """pytest's last line in few words, and the first reason of a failure."""
    counts = re.findall(r"(\d+) (passed|failed|errors?)\b", output.splitlines()[-1] if output else "")
    failed = sum(int(number) for number, what in counts if what != "passed")
    if not counts:
        return "did not run"
    if not failed:
        return f"{counts[0][0]} passed"
    reasons = re.findall(r"^E +([\w.]+(?:Error|Exception|Refused)\w*: .+)$", output, re.MULTILINE)
    reason = reasons[0][:140].replace("|", "/") if reasons else "see the log"
    return f"**{failed} of {sum(int(number) for number, _ in counts)} fail**: {reason}"


def _make_environment() -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True, timeout=_INSTALL_S)
    lock = CHECKOUT / "requirements" / "dev.lock"
    sync = [*_UV, "sync", "--quiet", "--python", str(_PYTHON), "--require-hashes", str(lock)]
    subprocess.run(sync, check=True, timeout=_INSTALL_S)
    subprocess.run([*_INSTALL, "--editable", str(CHECKOUT)], check=True, timeout=_INSTALL_S)


def _tested(versions: dict[str, str]) -> str:
    """The tests' result with these versions; the environment is as it was afterwards."""
    wanted = [f"{name}=={number}" for name, number in versions.items()]
    if wanted:
        subprocess.run([*_INSTALL, *wanted], check=True, timeout=_INSTALL_S)
    tests = [str(CHECKOUT / "tests" / "unit" / "export" / name) for name in _TESTS]
    options = ["-q", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider", "-W", "default", "--durations=0"]
    ran = subprocess.run(
        [_PYTHON, "-m", "pytest", *options, *tests],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=_TEST_S, check=False,
    )  # fmt: skip
    (PLACE / f"{'-'.join(versions) or 'locked'}.log").write_text(ran.stdout + ran.stderr)
    if wanted:
        restored = [f"{name}=={version(name)}" for name in versions]
        subprocess.run([*_INSTALL, *restored], check=True, timeout=_INSTALL_S)
    return summary_of(ran.stdout)


def _out(command: list[str], *, given: str) -> str:
    ran = subprocess.run(command, input=given, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
