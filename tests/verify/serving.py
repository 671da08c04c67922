"""`make verify-serving`: the bars of scoring, an item each. Everything is measured in this run, on this machine; ratios are judged.

What can't be measured is no success: an item that breaks off is SHORT with the reason (see `verify.__main__`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bankmodel.batch.cores import available_cores
from bench import batch
from bench.campaign import Case, Effort, Result, measure
from bench.contenders import CONTENDERS, OURS
from bench.cores import Cores, the_cores
from bench.errors import BenchError
from bench.generator import Quantiles, Seen, ensure_generator
from bench.reference import ensure
from bench.wire_http import ensure_wrk
from bench.wires import Figures
from system.place import CHECKOUT
from verify.lines import Line, at_least, at_most
from verify.on_server import our_server, start_figures

__all__ = ["SERVING", "figures_of", "judge_overload"]

_FOLDER = CHECKOUT / "build" / "verify-serving"
_EFFORT = Effort(rounds=3, seconds=2)
_ONE, _MANY, _BATCH = Case(1, 1), Case(1, 32), Case(32, 32)
_NOISE = 0.05
_OVERLOAD_CONNECTIONS = 512
_BATCH_FILE_ROWS = 2_000_000


def item_1() -> Iterator[Line]:
    """1 row, JSON, gradient boosting, 32 connections: against onnxruntime alone, MLServer and KServe."""
    result = _measured("boosting", (OURS, "mlserver", "kserve"), (_MANY,))
    ours = figures_of(result, OURS, _MANY)
    yield _share_of_limit("1 row, 32 connections: requests/s of onnxruntime's calls/s", result, _MANY, 0.40)
    for peer in ("mlserver", "kserve"):
        theirs = figures_of(result, peer, _MANY)
        yield at_least(f"  times {CONTENDERS[peer].title}", round(ours.per_s / theirs.per_s, 1), 20, "x")
    yield from _noise(result, OURS, _MANY)


def item_2() -> Iterator[Line]:
    """32 rows, JSON, gradient boosting, 32 connections: against onnxruntime alone."""
    result = _measured("boosting", (OURS,), (_BATCH,))
    yield _share_of_limit("32 rows, 32 connections: requests/s of onnxruntime's calls/s", result, _BATCH, 0.70)
    yield from _noise(result, OURS, _BATCH)


def item_3() -> Iterator[Line]:
    """1 row, 1 connection: the median against one call of onnxruntime."""
    result = _measured("boosting", (OURS,), (_ONE,))
    ours, limit = figures_of(result, OURS, _ONE), _limit(result, _ONE)
    ratio = round(ours.p50_us / limit.p50_us, 1)
    yield at_most(f"1 connection: p50 {ours.p50_us:.0f} us, of a call's {limit.p50_us:.1f} us", ratio, 11, "x")
    yield from _noise(result, OURS, _ONE)


def item_4() -> Iterator[Line]:
    """1 row, 32 connections: p99 against p50, and p99 at half the load it can carry."""
    half = Case(1, 32, 0.5)
    result = _measured("boosting", (OURS,), (_MANY, half))
    full, paced = figures_of(result, OURS, _MANY), figures_of(result, OURS, half)
    yield at_most("32 connections: p99 / p50", round(full.p99_us / full.p50_us, 2), 3, "x")
    yield at_most(f"half the load, {paced.per_s:,.0f}/s: p99", round(paced.p99_us / 1000, 3), 1, " ms")
    yield from _noise(result, OURS, half)


def item_5() -> Iterator[Line]:
    """20 named columns with words and missing values, 1 row, 32 connections: against onnxruntime on the same feeds."""
    result = _measured("scorecard", (OURS,), (_MANY,))
    yield _share_of_limit("20 mixed columns, 1 row: requests/s of onnxruntime's calls/s", result, _MANY, 0.50)
    yield from _noise(result, OURS, _MANY)


def item_6() -> Iterator[Line]:
    """gRPC, 1 row, 32 connections: against MLServer's gRPC."""
    result = _measured("boosting", ("bankmodel-grpc", "mlserver-grpc"), (_MANY,))
    ours, theirs = figures_of(result, "bankmodel-grpc", _MANY), figures_of(result, "mlserver-grpc", _MANY)
    what = f"gRPC, 32 connections: {ours.per_s:,.0f} calls/s, times MLServer's {theirs.per_s:,.0f}"
    yield at_least(what, round(ours.per_s / theirs.per_s, 2), 2, "x")
    yield from _noise(result, "bankmodel-grpc", _MANY)


def item_7() -> Iterator[Line]:
    """Two workers against one, by processor time: two cores carry as much as their seconds hold requests."""
    cores = _cores()
    with our_server(_FOLDER / "one", cores, [cores.server]) as one:
        alone = one.saturated(_MANY.connections, _EFFORT)
    with our_server(_FOLDER / "two", cores, [cores.server, cores.load], "--workers", "2") as two:
        both = two.saturated(2 * _MANY.connections, _EFFORT)  # as many callers for each worker
        shares = two.shares()
    what = f"two workers: 2 x {alone.cpu_us:.1f} us / {both.cpu_us:.1f} us of processor time a request"
    yield at_least(what, round(2 * alone.cpu_us / both.cpu_us, 2), 1.8, "x")
    yield at_least("  processes that did a tenth of the work or more", sum(share >= 0.1 for share in shares), 2)


def item_8() -> Iterator[Line]:
    """One process, gRPC off: memory after load, and the time from its start to ready."""
    seen = [start_figures(_FOLDER / "start", _cores()) for _ in range(_EFFORT.rounds)]
    memory, ready, computed = (median(each) for each in zip(*seen, strict=True))
    yield at_most("resident memory after 2 s of load", round(memory, 1), 90, " MiB")
    yield at_most(f"process start to ready ({computed:.2f} s of processor time)", round(ready, 2), 0.5, " s")


def item_9() -> Iterator[Line]:
    """Twice the load it can carry, 32 rows a request, --queue-time 0.0025 (the default is patient, ADR 15)."""
    cores = _cores()
    short = ("--queue-time", "0.0025")
    with our_server(_FOLDER / "patient", cores, [cores.server], rows_a_request=32) as patient:
        carried = patient.saturated(32, _EFFORT).per_s
    with our_server(_FOLDER / "overload", cores, [cores.server], *short, rows_a_request=32) as stand:
        calm = stand.paced(0.1 * carried, 32, _EFFORT.seconds)
        twice = stand.paced(2 * carried, _OVERLOAD_CONNECTIONS, _EFFORT.seconds)
    yield from judge_overload(calm, twice, f"{2 * carried:,.0f}/s")


def item_10() -> Iterator[Line]:
    """`bankmodel score` on a large file: CPU of a million rows more, against onnxruntime alone on arrays in memory."""
    with TemporaryDirectory() as folder:
        seen = batch.measure(Path(folder), rows=_BATCH_FILE_ROWS, workers=available_cores())
    what = f"batch: {seen.raw_cpu_s:.1f} s of {seen.score_cpu_s:.1f} s of processor time for a million rows are onnxruntime's"
    yield at_least(what, round(100 * seen.cpu_share, 1), 100 * batch.BAR, " %")
    yield Line(
        f"  ({seen.score_rate:,.0f} rows/s, onnxruntime alone {seen.raw_rate:,.0f}: {seen.share:.0%})", "", "", True
    )


def judge_overload(calm: Seen, twice: Seen, rate: str) -> Iterator[Line]:
    """Three lines: nothing but 200 and 503, both seen and nothing lost; how slow the accepted; how quick the refusals."""
    missing = [code for code in ("200", "503") if code not in twice.answers]
    others = sorted(set(twice.answers) - {"200", "503"})
    is_sound = not (missing or others or twice.broken or twice.unsent)
    what = f"twice the load ({rate}), short queue: only 200 and 503, both seen, all sent, none broken"
    figure = f"missing {missing}, others {others}, unsent {twice.unsent}, broken {twice.broken}"
    yield Line(what, "yes" if is_sound else figure, "yes", is_sound)
    accepted, refused = twice.answers.get("200"), twice.answers.get("503")
    if accepted is None or "200" not in calm.answers:
        yield Line("  accepted: p99 / unloaded p99", "nothing accepted", "<= 10x", False)
    else:
        yield _slowed(accepted, calm.answers["200"])
    if refused is None:
        yield Line("  refused: p99 until the 503", "nothing refused", "<= 5 ms", False)
    else:
        yield at_most(f"  refused {refused.count}: p99 until the 503", round(refused.p99_us / 1000, 2), 5, " ms")


def _slowed(accepted: Quantiles, calm: Quantiles) -> Line:
    what = f"  accepted {accepted.count}: p99 {accepted.p99_us / 1000:.2f} ms / unloaded {calm.p99_us / 1000:.2f} ms"
    return at_most(what, round(accepted.p99_us / calm.p99_us, 1), 10, "x")


def _measured(model: str, contenders: Sequence[str], cases: Sequence[Case]) -> Result:
    chosen = [CONTENDERS[name] for name in contenders]
    return measure(ensure(model), chosen, cases, effort=_EFFORT, cores=_cores(), folder=_FOLDER, say=_say)


@cache
def _cores() -> Cores:
    ensure_wrk()
    ensure_generator()
    return the_cores()


def figures_of(result: Result, contender: str, case: Case) -> Figures:
    """The figures, or the reason why there are none."""
    if (found := result.figures(contender, case)) is None:
        why = [each.why for each in result.refused if each.contender == contender]
        raise BenchError(f"no figures for {contender}: {'; '.join(why) or 'not measured'}")
    return found


def _limit(result: Result, case: Case) -> Figures:
    if (found := result.limit(case.rows)) is None:
        raise BenchError(f"no figures for onnxruntime alone with {case.rows} rows")
    return found


def _share_of_limit(what: str, result: Result, case: Case, bar: float) -> Line:
    ours, limit = figures_of(result, OURS, case), _limit(result, case)
    told = f"{what} ({ours.per_s:,.0f} of {limit.per_s:,.0f})"
    return at_least(told, round(100 * ours.per_s / limit.per_s, 1), 100 * bar, " %")


def _noise(result: Result, contender: str, case: Case) -> Iterator[Line]:
    """Not a bar: what a reader must know of the machine before believing a figure that is short."""
    seen = figures_of(result, contender, case)
    if seen.others_share > _NOISE:
        what = f"  (others took {seen.others_share:.0%} of the server's core; processor time a request"
        yield Line(f"{what} {seen.cpu_us:.1f} us, onnxruntime's {_limit(result, case).cpu_us:.1f})", "", "", True)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


SERVING = {
    str(number): item
    for number, item in enumerate(
        (item_1, item_2, item_3, item_4, item_5, item_6, item_7, item_8, item_9, item_10), start=1
    )
}
