"""What was measured, as a Markdown table, a JSON file and a picture. Called at the end of a benchmark."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.campaign import LIMIT, Case, Effort, Result, Row
from bench.contenders import CONTENDERS
from bench.picture import draw
from bench.reference import MODELS

__all__ = ["write"]

_SATURATED, _DISTURBED = 0.97, 0.05
_HEAD = "| contender | rows | connections | requests/s | of the limit | p50 ms | p99 ms | p99.9 ms | CPU µs/request | RSS MiB | ready s |"


def write(results: Sequence[Result], effort: Effort, folder: Path) -> str:
    """Write serving.json, serving.md and serving.svg into FOLDER; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join([_machine(effort), "", *(line for result in results for line in _section(result))])
    (folder / "serving.md").write_text(text + "\n")
    (folder / "serving.json").write_text(json.dumps(_document(results, effort), indent=1) + "\n")
    (folder / "serving.svg").write_text(draw(results))
    return text


def title_of(contender: str) -> str:
    """As it stands in tables."""
    return "onnxruntime alone (the limit)" if contender == LIMIT else CONTENDERS[contender].title


def _machine(effort: Effort) -> str:
    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, onnxruntime {version('onnxruntime')}, "
        f"{datetime.now(UTC):%Y-%m-%d}; one core for the server, one for the load; median of {effort.rounds} alternating "
        f"rounds of {effort.seconds} s; 512 different rows in turn"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _section(result: Result) -> Iterator[str]:
    yield f"### {MODELS[result.model].title}"
    yield ""
    yield _HEAD
    yield "|---" * _HEAD.count(" | ") + "|---|"
    for row in sorted(
        result.rows, key=lambda row: (row.case.rows, row.case.connections, -row.case.share, -row.figures.per_s)
    ):
        yield _line(result, row)
    yield ""
    for refusal in result.refused:
        load = f", {refusal.case.rows} rows, {_connections(refusal.case)}" if refusal.case else ""
        yield f"- no figures for {title_of(refusal.contender)}{load}: {' '.join(refusal.why.split())[:300]}"
    yield from _doubts(result)
    yield ""


def _line(result: Result, row: Row) -> str:
    figures, name = row.figures, row.contender
    limit = result.limit(row.case.rows)
    share = f"{figures.per_s / limit.per_s:.0%}" if limit else ""
    times = " | ".join(f"{value / 1000:.3f}" for value in (figures.p50_us, figures.p99_us, figures.p999_us))
    memory = f"{result.resident_mib[name]:.0f}" if name in result.resident_mib else ""
    ready = f"{result.ready_s[name]:.2f}" if name in result.ready_s else ""
    return (
        f"| {title_of(name)} | {row.case.rows} | {_connections(row.case)} | {figures.per_s:,.0f} | {share} | {times} "
        f"| {figures.cpu_us:.1f} | {memory} | {ready} |"
    )


def _connections(case: Case) -> str:
    return f"{case.connections or ''}" if case.share == 1 else f"{case.connections} at {case.share:.0%} load"


def _doubts(result: Result) -> Iterator[str]:
    """What a reader must know before believing a row."""
    for row in result.rows:
        where = f"{title_of(row.contender)}, {row.case.rows} rows, {_connections(row.case)} connections"
        if row.case.share == 1 and row.figures.load_share > _SATURATED:  # paced load always spins
            yield f"- {where}: the load generator's core was full ({row.figures.load_share:.0%}); the server may do more"
        if row.figures.others_share > _DISTURBED:
            yield f"- {where}: other processes took {row.figures.others_share:.0%} of the server's core"


def _document(results: Sequence[Result], effort: Effort) -> dict[str, object]:
    return {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "onnxruntime": version("onnxruntime"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "effort": asdict(effort),
        "results": [asdict(result) for result in results],
    }
