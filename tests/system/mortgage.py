"""The mortgage example made ready for a cluster: trained, exported, packed as images, and its BankModels written by the CLI.

Nothing is computed here: every step is the command a data scientist types.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from system.place import CHECKOUT, Place, SystemFailed

__all__ = ["MODEL", "VERSIONS", "Mortgage", "make"]

MODEL = "mortgage-approval"
VERSIONS = ("1", "2")
_DEADLINE_S = 300.0
_FOLDER = CHECKOUT / "build" / "mortgage"


@dataclass(frozen=True)
class Mortgage:
    """The files of the example; `story` is what training printed."""

    folder: Path
    story: str

    def file(self, version: str) -> Path:
        """The ONNX file."""
        return self.folder / f"mortgage-{version}.onnx"

    def archive(self, version: str) -> Path:
        """It as an OCI archive."""
        return self.folder / f"mortgage-{version}.tar"

    def request(self, version: str) -> Path:
        """One client's application, with what this version asks for."""
        return self.folder / f"request-{version}.json"

    def bodies(self, version: str, count: int = 64) -> list[str]:
        """The example client's request, then those of other applicants: one body again and again flatters every cache."""
        template = json.loads(self.request(version).read_text())
        rows = _rows(self.folder / f"sample-{version}.csv", count)
        others = [{"inputs": [_input(each, row) for each in template["inputs"]]} for row in rows]
        return [json.dumps(body) for body in (template, *others)]

    def load(self, place: Place) -> None:
        """Bring both images to the cluster."""
        for version in VERSIONS:
            place.load(self.archive(version))

    def manifest(self, version: str, namespace: str, **changed: Any) -> dict[str, Any]:
        """The BankModel as `bankmodel manifest` prints it; `changed` replaces fields of its spec."""
        words = ["--archive", str(self.archive(version)), "--owner", "mortgage-risk", "--tier", "High"]
        purpose = ["--purpose", "Approve or refer a residential mortgage application"]
        words = ["manifest", str(self.file(version)), *words, *purpose, "-n", namespace]
        model: dict[str, Any] = yaml.safe_load(_printed(tuple(words), self.archive(version).stat().st_mtime_ns))
        model["spec"] |= changed
        return model


def make() -> Mortgage:
    """Train, export and pack; a few seconds, and the same digests every time."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    train = CHECKOUT / "examples" / "mortgage" / "train.py"
    made = Mortgage(_FOLDER, _run([sys.executable, str(train), "--output", str(_FOLDER)]))
    for version in VERSIONS:
        name = f"localhost/mortgage:{version}"
        _bankmodel("pack", str(made.file(version)), "-t", name, "-o", str(made.archive(version)))
    return made


@cache
def _printed(words: tuple[str, ...], _made_ns: int) -> str:
    """Kept while the files are the same: the command takes a second of a processor, and a run may ask hundreds of times."""
    return _bankmodel(*words)


def _bankmodel(*words: str) -> str:
    return _run([str(Path(sys.executable).with_name("bankmodel")), *words])


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    if done.returncode != 0:
        raise SystemFailed(f"`{' '.join(words)}` failed:\n{done.stderr.strip()}")
    return done.stdout


def _rows(sample: Path, count: int) -> list[dict[str, Any]]:
    import pandas as pd

    frame = pd.read_csv(sample, nrows=count)
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()} for row in frame.to_dict("records")
    ]


def _input(template: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    return {**template, "data": [row[template["name"]]]}
