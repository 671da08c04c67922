"""How often a good canary is taken back by mistake, and how soon a bad one is: `python -m verify.statistics` (PYTHONPATH=tests).

Prints the tables of docs/analysis.md and exits with 1 when an unchanged canary fails more often than the confidence allows. Six
minutes on one core; `--steps` for fewer steps. The short form is tests/unit/operator_analysis/test_statistics.py.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np

from support import simulated_steps as simulated
from support.pod_counts import LATENCY_EDGES, OLDER_EDGES
from support.simulated_steps import Story

__all__ = ["main"]

ALPHA = 0.05
TOTALS = (50, 200, 1_000, 10_000, 100_000)
LIMIT_PSI = 0.2
NOW, OLDER = LATENCY_EDGES, OLDER_EDGES
_BINS = {
    "": (NOW, NOW),
    "; the stable's image is older": (NOW, OLDER),
    "; both images are older": (OLDER, OLDER),
}


def main() -> int:
    """Print the tables; 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="verify.statistics")
    parser.add_argument("--steps", type=int, default=400, help="steps of each kind (rates: ten times as many)")
    steps = parser.parse_args().steps
    began, is_ok = time.monotonic(), True
    print("| unchanged canary, FAIL in a step of … requests | " + " | ".join(f"{total:,}" for total in TOTALS) + " |")
    print("|---|" + "---|" * len(TOTALS))
    for name, story, count in _unchanged(steps):
        shares = [_share(story, total, count) for total in TOTALS]
        is_ok = is_ok and (name.startswith("usual") or max(shares) <= ALPHA)
        print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)
    print(
        "\n| bad canary | found with requests: 10 % of steps | half | 90 % | never in 20,000 |\n|---|---|---|---|---|"
    )
    for name, story, count in _bad(steps):
        print(_until_line(name, story, count), flush=True)
    print("\n| unchanged canary, PASS at its first look with … requests | 100 | 200 | 500 |\n|---|---|---|---|")
    for line in _passing(steps):
        print(line, flush=True)
    print(f"\n{'all ok' if is_ok else 'short'}; {time.monotonic() - began:.0f} s")
    return 0 if is_ok else 1


def _unchanged(steps: int) -> Iterator[tuple[str, Story, int]]:
    """Names, stories and how many steps."""
    yield "errors exactly at the limit of 1 %", simulated.rate_exceeded(0.01, 0.01, ALPHA), 10 * steps
    yield (
        "5 % above a time, exactly as the 0.95 quantile allows",
        simulated.rate_exceeded(0.05, 0.05, ALPHA),
        10 * steps,
    )
    yield "latency exactly 1.5 times the stable's, limit 1.5", simulated.slower(1.5, 0.95, 1.5, ALPHA), steps
    for name, edges in (("the canary's image is older", (OLDER, NOW)), ("the stable's image is older", (NOW, OLDER))):
        yield f"the same, {name}", simulated.slower(1.5, 0.95, 1.5, ALPHA, edges=edges), steps
    for name, baseline in (("a card of 2,000", 2_000), ("a card of 100,000", 100_000), ("the stable", None)):
        story = simulated.failing_shift(simulated.UNCHANGED, None, ALPHA, baseline=baseline)
        yield f"any shift called real, against {name}", story, steps
        story = simulated.failing_shift(simulated.UNCHANGED, LIMIT_PSI, ALPHA, baseline=baseline)
        yield f"score shift FAIL at PSI 0.2, against {name}", story, steps
        yield (
            f"usual: PSI above 0.2 at any look, against {name}",
            simulated.psi_beyond(LIMIT_PSI, baseline=baseline),
            steps,
        )


def _bad(steps: int) -> Iterator[tuple[str, Story, int]]:
    for rate in (0.02, 0.03, 0.05, 0.1, 0.5):
        yield f"{rate:.0%} errors, limit 1 %", simulated.rate_exceeded(rate, 0.01, ALPHA, count=2_000), steps
    yield (
        "5 % errors, limit 1 %, one of four checks",
        simulated.rate_exceeded(0.05, 0.01, ALPHA / 4, count=2_000),
        steps,
    )
    for factor in (2.0, 3.0, 5.0, 10.0):
        for name, edges in _BINS.items():
            story = simulated.slower(factor, 0.95, 1.5, ALPHA, count=200, edges=edges)
            yield f"{factor:g} times slower, limit 1.5 times the stable{name}", story, steps // 4
    for psi in (0.5, 1.0):
        shares = simulated.shifted(psi)
        for name, baseline in (("a card of 2,000", 2_000), ("a card of 100,000", 100_000), ("the stable", None)):
            story = simulated.failing_shift(shares, LIMIT_PSI, ALPHA, baseline=baseline, count=400)
            yield f"PSI {psi:g} against {name}", story, steps // 4


def _share(story: Story, total: int, steps: int) -> float:
    found = simulated.until(story, total, steps=steps, seed=total)
    return sum(each is not None for each in found) / steps


def _until_line(name: str, story: Story, steps: int) -> str:
    found = simulated.until(story, 20_000, steps=steps, seed=7)
    said = np.array([each if each is not None else 10**9 for each in found])
    tenths = [int(np.percentile(said, each, method="higher")) for each in (10, 50, 90)]
    written = " | ".join(f"{each:,}" if each < 10**9 else "more" for each in tenths)
    return f"| {name} | {written} | {np.mean(said == 10**9):.1%} |"


def _passing(steps: int) -> Iterator[str]:
    random = np.random.default_rng(11)
    counts = (100, 200, 500)
    for rate in (0.0, 0.001, 0.005):
        shares: Sequence[float] = [float(np.mean(random.binomial(n, rate, 10 * steps) <= 0.01 * n)) for n in counts]
        yield _shares_line(f"errors {rate:.1%}, limit 1 %", shares)
    for factor, quantile in ((1.0, 0.95), (1.0, 0.99), (2.0, 0.95)):
        for name, edges in _BINS.items():
            shares = [
                _mean(
                    simulated.passing_latency(random, n, quantile, 1.5, factor=factor, edges=edges)
                    for _ in range(steps)
                )
                for n in counts
            ]
            what = "latency as the stable's" if factor == 1.0 else f"for comparison: {factor:g} times slower"
            yield _shares_line(f"{what}, {quantile:g} quantile, limit 1.5 times{name}", shares)
    for name, baseline in (("2,000", 2_000), ("100,000", 100_000)):
        unchanged = simulated.UNCHANGED
        shares = [
            _mean(simulated.passing_shift(random, n, unchanged, LIMIT_PSI, baseline=baseline) for _ in range(steps))
            for n in counts
        ]
        yield _shares_line(f"scores as the card's of {name}, PSI 0.2", shares)
        moved = simulated.shifted(0.5)
        shares = [
            _mean(simulated.passing_shift(random, n, moved, LIMIT_PSI, baseline=baseline) for _ in range(steps))
            for n in counts
        ]
        yield _shares_line(f"for comparison: scores with PSI 0.5 to that card of {name}", shares)


def _mean(said: Iterator[bool]) -> float:
    return float(np.mean(list(said)))


def _shares_line(name: str, shares: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |"


if __name__ == "__main__":
    sys.exit(main())
