"""Rounds: each contender in turn on the same core with the same rows, several times over; what is told is the median.

All contenders of a model run side by side, but only the one that is measured is awake: the others are stopped (SIGSTOP).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from statistics import median

from bench import rows
from bench.contenders import Contender
from bench.cores import Cores
from bench.errors import BenchError, ContenderFailed
from bench.place import Place, new_place
from bench.process import Server
from bench.reference import ReferenceModel, all_rows
from bench.truth import Truth
from bench.wires import Figures, Target
from cluster.paths import CHECKOUT

__all__ = ["LIMIT", "Case", "Effort", "Refusal", "Result", "Row", "measure"]

LIMIT = "onnxruntime"
_GRACE_S = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True, order=True)
class Case:
    """One load: rows in a request, connections (the limit has none), and what share of the contender's own saturation, as
    measured in the same round before: 1 is saturation itself."""

    rows: int
    connections: int
    share: float = 1.0


@dataclass(frozen=True)
class Effort:
    """How long it takes."""

    rounds: int = 3
    seconds: int = 2


@dataclass(frozen=True)
class Row:
    """The median of all rounds for one contender and one load; for the limit `connections` is 0."""

    contender: str
    case: Case
    figures: Figures


@dataclass(frozen=True)
class Refusal:
    """Why a contender has no figures: at all, or under one load."""

    contender: str
    case: Case | None
    why: str


@dataclass(frozen=True)
class Result:
    """What came of one model."""

    model: str
    rows: tuple[Row, ...]
    ready_s: dict[str, float]
    resident_mib: dict[str, float]
    refused: tuple[Refusal, ...]

    def figures(self, contender: str, case: Case) -> Figures | None:
        """The row of CONTENDER under that load; None if there is none."""
        return next((row.figures for row in self.rows if (row.contender, row.case) == (contender, case)), None)

    def limit(self, count: int) -> Figures | None:
        """onnxruntime alone with COUNT rows a call."""
        return self.figures(LIMIT, Case(count, 0))


@dataclass
class _Running:
    """One started contender and what was seen of it so far."""

    contender: Contender
    server: Server
    place: Place
    bodies: dict[int, Path]
    seen: dict[Case, list[Figures]] = field(default_factory=dict)


def measure(
    model: ReferenceModel,
    contenders: Sequence[Contender],
    cases: Sequence[Case],
    *,
    effort: Effort,
    cores: Cores,
    folder: Path,
    say: Say,
) -> Result:
    """Start every contender with MODEL, check its answers, then measure all cases in alternating rounds."""
    batches = {count: rows.batches(all_rows(model.name), count) for count in sorted({case.rows for case in cases})}
    limit: dict[Case, list[Figures]] = {Case(count, 0): [] for count in batches}
    refused: list[Refusal] = []
    running: list[_Running] = []
    with ExitStack() as stack:
        for contender in contenders:
            say(f"{model.name}: starting {contender.title}")
            try:
                running.append(_started(contender, model, batches, stack=stack, cores=cores, folder=folder))
            except ContenderFailed as error:
                refused.append(Refusal(contender.name, None, str(error)))
                say(f"{model.name}: refused: {error}")
        for turn in range(effort.rounds):
            say(f"{model.name}: round {turn + 1} of {effort.rounds}")
            for case, seen in limit.items():
                seen.append(_limit(model, case.rows, effort.seconds, cores))
            for case in cases:
                say(f"{model.name}:   {case.rows} rows, {case.connections} connections, {case.share:.0%} load")
                _one_turn(running, case, effort=effort, cores=cores, refused=refused)
        memory = {each.contender.name: each.server.resident_mib() for each in running}
    ready = {each.contender.name: each.server.ready_s for each in running}
    return Result(model.name, tuple(_medians(limit, running, refused)), ready, memory, tuple(refused))


def _started(
    contender: Contender,
    model: ReferenceModel,
    batches: dict[int, list[rows.Feeds]],
    *,
    stack: ExitStack,
    cores: Cores,
    folder: Path,
) -> _Running:
    place = new_place(model, folder / f"{model.name}-{contender.name}")
    server = stack.enter_context(Server(contender.name, contender.plan(place), place.folder / "log", [cores.server]))
    truth, bodies = Truth(model), {}
    try:
        for count, some in batches.items():
            contender.wire.check(contender.name, place, some, truth)
            bodies[count] = place.folder / f"bodies-{count}"
            contender.wire.write_bodies(some, bodies[count])
    finally:
        server.pause()
    return _Running(contender, server, place, bodies)


def _one_turn(running: list[_Running], case: Case, *, effort: Effort, cores: Cores, refused: list[Refusal]) -> None:
    for each in running:
        if _is_refused(refused, each.contender.name, case):
            continue
        target = Target(each.server, each.place, each.bodies[case.rows], cores)
        each.server.resume()
        try:
            if (seen := _load(each, target, case, effort.seconds)) is not None:
                each.seen.setdefault(case, []).append(seen)
        except ContenderFailed as error:
            refused.append(Refusal(each.contender.name, case, str(error)))
        finally:
            each.server.pause()


def _is_refused(refused: Sequence[Refusal], name: str, case: Case) -> bool:
    """Under this load, or under the saturation that its rate is a share of."""
    return any(each.contender == name and each.case in (case, replace(case, share=1.0)) for each in refused)


def _load(each: _Running, target: Target, case: Case, seconds: int) -> Figures | None:
    wire, connections = each.contender.wire, case.connections
    if case.share == 1:
        return wire.closed_loop(target, connections=connections, seconds=seconds)
    per_s = each.seen[replace(case, share=1.0)][-1].per_s * case.share
    return wire.paced(target, per_s=per_s, connections=connections, seconds=seconds)


def _limit(model: ReferenceModel, count: int, seconds: int, cores: Cores) -> Figures:
    pinned = ["taskset", "--cpu-list", str(cores.server), sys.executable, "-m", "bench.raw"]
    words = [*pinned, str(model.path), model.name, str(count), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests")}
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False
    )
    if done.returncode:
        raise BenchError(f"onnxruntime alone failed: {done.stderr[-500:]}")
    return Figures(**json.loads(done.stdout))


def _medians(limit: dict[Case, list[Figures]], running: Sequence[_Running], refused: list[Refusal]) -> Iterator[Row]:
    for case, seen in limit.items():
        yield Row(LIMIT, case, _median(seen))
    for each in running:
        for case, seen in each.seen.items():
            if not _is_refused(refused, each.contender.name, case):
                yield Row(each.contender.name, case, _median(seen))


def _median(seen: Sequence[Figures]) -> Figures:
    return Figures(**{each.name: median(getattr(one, each.name) for one in seen) for each in fields(Figures)})
