"""`make fuzz SECONDS=60`: looks for bytes that break a target, guided by coverage, from the corpus on.

`python -m fuzz TARGET SECONDS` (with PYTHONPATH=tests:build/fuzz, where atheris is installed on demand). New inputs go
below build/; one that breaks something is written there as crash-…: put it into tests/fuzz/corpus/ with its fix.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bankmodel_serving"]):
    from fuzz.targets import TARGETS
from support.raw_requests import CASES

_HERE = Path(__file__).parent
_BUILD = _HERE.parents[1] / "build" / "fuzz-corpus"
_MOST_BYTES = 2000


def main() -> None:
    name, seconds = sys.argv[1], int(sys.argv[2])
    found = _BUILD / name
    found.mkdir(parents=True, exist_ok=True)
    if name == "edge":
        for index, (data, _) in enumerate(CASES.values()):
            (found / f"case-{index}").write_bytes(b"\0" + data)
    arguments = [f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", f"-artifact_prefix={_BUILD}/", "-timeout=10"]
    atheris.Setup([sys.argv[0], *arguments, str(found), str(_HERE / "corpus" / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
