"""kubectl as a test uses it: the real binary, with an object on standard input where one is sent."""

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["Answer", "Kubectl"]

_DEADLINE_S = 60
Answer = subprocess.CompletedProcess


@dataclass(frozen=True)
class Kubectl:
    """Call it with kubectl's own words: `kubectl("apply", "-f", "-", body={...})`; `check=False` takes a failure."""

    binary: Path
    kubeconfig: Path

    def __call__(self, *words: str, body: Any = None, check: bool = True) -> "Answer[str]":
        """Run it and return what it printed."""
        command = [str(self.binary), "--kubeconfig", str(self.kubeconfig), *words]
        sent = None if body is None else json.dumps(body)
        done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
        assert done.returncode == 0 or not check, f"kubectl {' '.join(words)} failed: {done.stderr}"
        return done

    def read(self, *words: str, body: Any = None) -> Any:
        """Run it with `-o json` and return the object it printed."""
        return json.loads(self(*words, "-o", "json", body=body).stdout)

    def acting_as(self, kubeconfig: Path) -> "Kubectl":
        """Return a kubectl with somebody else's credentials."""
        return replace(self, kubeconfig=kubeconfig)
