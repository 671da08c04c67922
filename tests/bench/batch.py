"""How much of raw onnxruntime `bankmodel score` gets on a large file: `python -m bench.batch`, and an item of `make verify-serving`.

Both with the same number of processes, on the same rows, in alternating rounds. Raw: session.run on arrays that are ready in
memory, nothing read, nothing written, started before the clock. Ours: Parquet in, Parquet out, from the first batch that is
written to the last. CPU time is less disturbed by who else is there: raw counts the loop alone, ours every process, reader and
writer included; the start of the processes drops out between a large file and one of a quarter.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from bankmodel.batch.cores import available_cores
from bankmodel.batch.score import Request, score_file
from bankmodel_serving.engine import Engine

__all__ = ["BAR", "Result", "measure"]

BAR = 0.80
_FEATURES = 30
_TREES = 200
_BATCH_ROWS = 8192
_ROUNDS = 3
_DEADLINE_S = 300
_FEWER = 4  # the small file has a quarter of the rows
_SETTLED = 0.2  # of the rows, after which all processes are at work


@dataclass(frozen=True)
class Result:
    """Medians over the rounds: rows a second, and the CPU seconds that a million rows more take."""

    raw_rate: float
    score_rate: float
    raw_cpu_s: float
    score_cpu_s: float

    @property
    def share(self) -> float:
        return self.score_rate / self.raw_rate

    @property
    def cpu_share(self) -> float:
        return self.raw_cpu_s / self.score_cpu_s


class _Clock:
    """When how many rows were written."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []

    def __call__(self, *, rows: int, done: int, total: int) -> None:
        self.seen.append((rows, time.perf_counter()))

    def rate(self) -> float:
        last, ended = self.seen[-1]
        first, started = next(each for each in self.seen if each[0] >= last * _SETTLED)
        return (last - first) / (ended - started)


def measure(folder: Path, *, rows: int, workers: int) -> Result:
    """Build the model and the file once, then measure both in turn."""
    model, source = _model(folder), _rows(folder, rows)
    few = _rows(folder, rows // _FEWER)
    raw_rates, rates, raw_cpu, cpu = [], [], [], []
    for _ in range(_ROUNDS):
        raw_rate, raw_cpu_s = _raw(model, rows, workers)
        _, small_cpu_s = _score(model, few, folder, workers)
        rate, large_cpu_s = _score(model, source, folder, workers)
        raw_rates.append(raw_rate)
        rates.append(rate)
        raw_cpu.append(raw_cpu_s / rows * 1e6)
        cpu.append((large_cpu_s - small_cpu_s) / (rows - rows // _FEWER) * 1e6)
    return Result(*map(statistics.median, (raw_rates, rates, raw_cpu, cpu)))


def _model(folder: Path) -> Path:
    from skl2onnx import to_onnx  # here, so that the measured processes do not import them
    from sklearn.ensemble import HistGradientBoostingClassifier

    random = np.random.default_rng(0)
    features = random.normal(size=(20_000, _FEATURES)).astype(np.float32)
    positive = features[:, :5].sum(axis=1) + random.normal(size=len(features)) > 0
    trees = HistGradientBoostingClassifier(max_iter=_TREES, early_stopping=False, random_state=0)
    converted = to_onnx(trees.fit(features, positive), features[:1], options={"zipmap": False})
    path = folder / "model.onnx"
    path.write_bytes(converted.SerializeToString())
    return path


def _features(rows: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(rows, _FEATURES)).astype(np.float32)


def _rows(folder: Path, rows: int) -> Path:
    features = _features(rows)
    path = folder / f"rows-{rows}.parquet"
    columns = {f"feature_{at}": features[:, at] for at in range(_FEATURES)}
    parquet.write_table(pa.table({**columns, "id": np.arange(rows)}), path)
    return path


def _score(model: Path, source: Path, folder: Path, workers: int) -> tuple[float, float]:
    clock, before = _Clock(), _cpu_s()
    target = folder / "scores.parquet"
    request = Request(
        model=model, source=source, target=target, keep=("id",), workers=workers, batch_rows=_BATCH_ROWS, force=True
    )
    score_file(request, clock)
    return clock.rate(), _cpu_s() - before


def _raw(model: Path, rows: int, workers: int) -> tuple[float, float]:
    spawn = multiprocessing.get_context("spawn")
    barrier, spent = spawn.Barrier(workers), spawn.Queue()
    share = rows // workers
    processes = [spawn.Process(target=_run_raw, args=(str(model), share, barrier, spent)) for _ in range(workers)]
    for process in processes:
        process.start()
    found = [spent.get(timeout=_DEADLINE_S) for _ in processes]
    for process in processes:
        process.join()
    wall_s, cpu_s = zip(*found, strict=True)
    return share * workers / max(wall_s), sum(cpu_s)


def _run_raw(model: str, rows: int, barrier: Barrier, spent: "multiprocessing.Queue[tuple[float, float]]") -> None:
    engine, features = Engine.load(model), _features(rows)
    engine.run([features[:_BATCH_ROWS]])
    barrier.wait(_DEADLINE_S)
    started, cpu = time.perf_counter(), time.process_time()
    for start in range(0, rows, _BATCH_ROWS):
        engine.run([features[start : start + _BATCH_ROWS]])
    spent.put((time.perf_counter() - started, time.process_time() - cpu))


def _cpu_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def main() -> None:
    """Measure and print; ends with 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=available_cores())
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), rows=wanted.rows, workers=wanted.workers)
    verdict = "ok" if found.cpu_share >= BAR else "short"
    print(
        f"bankmodel score {found.score_rate:,.0f} rows/s, onnxruntime {found.raw_rate:,.0f} rows/s: {found.share:.0%}"
    )
    print(
        f"CPU for a million rows more: {found.score_cpu_s:.1f} s, onnxruntime {found.raw_cpu_s:.1f} s: {found.cpu_share:.0%}"
    )
    print(f"bar {BAR:.0%} of CPU: {verdict}")
    raise SystemExit(verdict != "ok")


if __name__ == "__main__":
    main()
