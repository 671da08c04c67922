"""Builds and runs the load generator of `load/` (Go): HTTP at a fixed rate whatever the server does, and unary gRPC calls.

wrk makes the rest. docs/adr/0016 says why neither wrk nor another program that is there does these two.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.errors import BenchError
from bench.usage import Usage
from bench.wires import Figures, Target
from cluster import golang
from cluster.commands import run
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.paths import cache_folder
from cluster.progress import say

__all__ = ["Quantiles", "Seen", "call", "ensure_generator", "pace"]

_SOURCES = Path(__file__).with_name("load")
_BUILD_S, _GRACE_S = 900.0, 30.0


@dataclass(frozen=True)
class Quantiles:
    """Answers of one status, in µs from the moment the request should have been sent."""

    count: int
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float


@dataclass(frozen=True)
class Seen:
    """What came of a load. `unsent`: planned, but every connection was taken; `late_p99_us`: how late requests were sent."""

    seconds: float
    sent: int
    unsent: int
    broken: int
    late_p99_us: float
    answers: Mapping[str, Quantiles]

    def figures(self, usage: Usage, good: str) -> Figures:
        """As a row of the table, from the answers with status GOOD."""
        of = self.answers[good]
        return usage.figures(
            requests=of.count, seconds=self.seconds, p50_us=of.p50_us, p99_us=of.p99_us, p999_us=of.p999_us
        )


def pace(target: Target, path: str, *, per_s: float, connections: int, seconds: int) -> tuple[Seen, Usage]:
    """POST the bodies to PATH at this rate. It spins on its core, so that requests are evenly spaced."""
    address = f"127.0.0.1:{target.place.port}"
    return _run(target, "paced", address, path, str(target.bodies), max(1, round(per_s)), connections, seconds)


def call(target: Target, *, connections: int, seconds: int) -> tuple[Seen, Usage]:
    """ModelInfer on so many connections, the next call when the last is answered."""
    return _run(target, "grpc", f"127.0.0.1:{target.place.grpc_port}", str(target.bodies), connections, seconds)


@cache
def ensure_generator() -> Path:
    """The program, built by Go if the cache lacks it."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(_SOURCES.iterdir()))).hexdigest()[:12]
    program = cache_folder() / "bench" / f"load-{digest}"
    with exclusive(program.with_name(".load.lock"), what="another build of the load generator", deadline_s=_BUILD_S):
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    say(f"building the load generator from Go modules into {program.parent} (once; a minute or two)")
    half = program.with_name(f".half-{program.name}")
    flags = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    try:
        if golang.found() is None:
            golang.install()
        build: list[str | Path] = [golang.go_command(), "build", "-trimpath", "-ldflags", "-s -w", "-o", half, "."]
        run(build, cwd=_SOURCES, env=flags, deadline_s=_BUILD_S)
    except ClusterError as error:
        raise BenchError(f"the load generator can't be built: {error}") from error
    os.replace(half, program)


def _run(target: Target, kind: str, *words: str | int) -> tuple[Seen, Usage]:
    program = ensure_generator()
    seconds = int(words[-1])
    pinned = ["taskset", "--cpu-list", str(target.cores.load), str(program), kind, *map(str, words)]
    with Usage(target.server, target.cores) as usage:
        # One core: Go's collector would otherwise start threads for all the machine's.
        done = subprocess.run(
            pinned,
            env={**os.environ, "GOMAXPROCS": "1"},
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE_S,
            check=False,
        )
    if done.returncode:
        raise BenchError(f"the load generator failed: {done.stderr.strip()[-500:]}")
    said = json.loads(done.stdout)
    return Seen(**{**said, "answers": {code: Quantiles(**each) for code, each in said["answers"].items()}}), usage
