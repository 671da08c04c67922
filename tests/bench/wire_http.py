"""Over HTTP: wrk makes the load. A body is a line of a file, and wrk's script sends them in turn."""

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import BenchError, ContenderFailed, WrongAnswer
from bench.generator import pace
from bench.place import NAME, Place
from bench.rows import Feeds
from bench.truth import Truth
from bench.usage import Usage
from bench.wires import Figures, Outputs, Target
from cluster.commands import run

__all__ = ["V2_PATH", "HttpWire", "ensure_wrk"]

V2_PATH = f"/v2/models/{NAME}/infer"

_SCRIPT = Path(__file__).with_name("wrk.lua")
_CHECK_EVERY = 4  # of the 512 bodies
_DEADLINE_S = 30.0


@dataclass(frozen=True)
class HttpWire:
    """A path to POST to, a body for a batch of rows, and the outputs in an answer."""

    path: str
    body: Callable[[Mapping[str, np.ndarray]], bytes]
    outputs: Callable[[bytes], Outputs]

    def write_bodies(self, batches: Sequence[Feeds], file: Path) -> None:
        """One a line: JSON has no bare line ends."""
        file.write_bytes(b"".join(self.body(feeds) + b"\n" for feeds in batches))

    def check(self, name: str, place: Place, batches: Sequence[Feeds], truth: Truth) -> None:
        """Send every fourth body over one connection, and compare."""
        connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=_DEADLINE_S)
        try:
            for feeds in batches[::_CHECK_EVERY]:
                truth.check(name, feeds, self._ask(name, connection, feeds))
        except (OSError, http.client.HTTPException) as error:
            raise ContenderFailed(f"{name} gave no answer: {type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def closed_loop(self, target: Target, *, connections: int, seconds: int) -> Figures:
        """wrk for SECONDS; an error of any kind fails the contender."""
        pinned = ["taskset", "--cpu-list", str(target.cores.load)]
        url = f"http://127.0.0.1:{target.place.port}{self.path}"
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT), url]
        with Usage(target.server, target.cores) as usage:
            done = subprocess.run(
                [*pinned, *words],
                env={**os.environ, "BENCH_BODIES": str(target.bodies)},
                capture_output=True,
                text=True,
                timeout=seconds + _DEADLINE_S,
                check=False,
            )
        seen = _said(done)
        if seen["errors"] or not seen["requests"]:
            raise ContenderFailed(
                f"{target.server.name}: {seen['errors']:.0f} of {seen['requests']:.0f} requests failed under load"
            )
        times = {key: seen[key] for key in ("p50_us", "p99_us", "p999_us")}
        return usage.figures(requests=seen["requests"], seconds=seen["seconds"], **times)

    def paced(self, target: Target, *, per_s: float, connections: int, seconds: int) -> Figures | None:
        """At a fixed rate; an error of any kind fails the contender."""
        seen, usage = pace(target, self.path, per_s=per_s, connections=connections, seconds=seconds)
        if set(seen.answers) != {"200"} or seen.broken:
            raise ContenderFailed(
                f"{target.server.name}: requests failed at {per_s:,.0f}/s: statuses {sorted(seen.answers)}, "
                f"{seen.broken} connections broken"
            )
        return seen.figures(usage, "200")

    def _ask(self, name: str, connection: http.client.HTTPConnection, feeds: Feeds) -> Outputs:
        connection.request("POST", self.path, self.body(feeds), {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise ContenderFailed(f"{name} answers {answer.status}: {text[:300].decode(errors='replace')}")
        try:
            return self.outputs(text)
        except (KeyError, ValueError, TypeError) as error:
            raise WrongAnswer(f"{name} answers in another form: {type(error).__name__}: {error}") from error


def ensure_wrk() -> None:
    """wrk, from Debian; installed where we may, else the command is named."""
    if shutil.which("wrk"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BenchError("wrk, which makes the load, is missing: run `apt-get install wrk` (Debian, Ubuntu)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], deadline_s=300, env=quiet)
    run(["apt-get", "install", "-qy", "--no-install-recommends", "wrk"], deadline_s=300, env=quiet)


def _said(done: "subprocess.CompletedProcess[str]") -> dict[str, float]:
    said = next((line for line in done.stdout.splitlines() if line.startswith("BENCH ")), None)
    if done.returncode or said is None:
        raise BenchError(f"wrk failed with exit code {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
    seen: dict[str, float] = json.loads(said.removeprefix("BENCH "))
    return seen
