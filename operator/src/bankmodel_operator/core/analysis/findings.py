"""What one check finds in a window, before it is judged: a value, whether it is within its limit, and whether a breach is proven.

Used by `judge` alone. A check may have several parts (a limit and a ratio; several inputs); each gets its share of the error probability.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isinf
from typing import Final

from bankmodel_operator.api.v1alpha1.checks import Latency, ScoreShift
from bankmodel_operator.core.analysis import latency as latencies
from bankmodel_operator.core.analysis.rates import Bounds, bounds, exceeds, requests_until_within
from bankmodel_operator.core.analysis.samples import Histogram, Tally
from bankmodel_operator.core.analysis.shift import compare, is_real
from bankmodel_operator.core.analysis.verdicts import Rung, as_percent, as_seconds
from bankmodel_operator.core.analysis.window import Window

__all__ = [
    "Finding",
    "error_findings",
    "fallback_findings",
    "flip_findings",
    "latency_findings",
    "missing_findings",
    "shift_findings",
]

_FAILED_ATTEMPTS: Final = ("error", "timeout", "unreachable", "skipped")
_FAILED_COPIES: Final = ("error", "timeout", "unreachable")
_MOST_OUTSIDE: Final = 0.1
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing`: the reason there is nothing to compare, in one word; then `sentence` says it to people, and the rest means nothing.

    `is_proven`: the breach is more than chance, at all looks together. `until_within`: requests before it can be within again.
    """

    sentence: str
    missing: str = ""
    value: str = ""
    limit: str = ""
    requests: int = 0
    is_within: bool = False
    is_proven: bool = False
    events: int | None = None
    range: Bounds | None = None
    until_within: int | None = None


def error_findings(window: Window, rung: Rung, limit: float, alpha: float) -> tuple[Finding, ...]:
    """By what callers would have met: as the forwarding pods counted it; in bake as the canary's own pods did."""
    match rung:
        case Rung.BAKE:
            events, trials = window.of_canary.errors, window.of_canary.requests
        case Rung.WEIGHT:
            events, trials = _failed(window.forwarding.attempts, _FAILED_ATTEMPTS)
        case Rung.SHADOW:
            events, trials = _failed(window.forwarding.copies, _FAILED_COPIES)
    refused = (window.forwarding.attempts if rung is Rung.WEIGHT else window.forwarding.copies).get("refused", 0)
    if not trials and refused:
        # 403 says that the peer has not read the table: nobody's verdict on the model, and no success either.
        return (
            Finding(
                f"the canary's pods refused all {refused} requests: they have not read the routing table", "Refused"
            ),
        )
    return (_rate(events, trials, limit, alpha, "requests failed"),)


def fallback_findings(window: Window, limit: float, alpha: float) -> tuple[Finding, ...]:
    """Own answers of the stable among the requests that were the canary's."""
    trials, events = sum(window.forwarding.attempts.values()), sum(window.forwarding.fallbacks.values())
    return (_rate(min(events, trials), trials, limit, alpha, "requests were answered by the stable instead"),)


def flip_findings(window: Window, limit: float, alpha: float) -> tuple[Finding, ...]:
    """Decisions that differ, among those that could be compared."""
    sent = window.forwarding
    if sent.copies.get("ok") and not sent.compared:
        text = (
            "no decision could be compared: name a cutoff in the check or in the card, and see that both answer a score"
        )
        return (Finding(text, "NothingCompared"),)
    return (_rate(sent.flips, sent.compared, limit, alpha, "decisions differ"),)


def missing_findings(window: Window, inputs: tuple[str, ...], limit: float, alpha: float) -> tuple[Finding, ...]:
    """One for each input."""
    counts = window.of_canary
    names = inputs or tuple(sorted(counts.missing))
    if not names:
        text = "no input is counted: the canary has no card with baselines of its inputs, or has not answered yet"
        return (Finding(text, "InputsNotCounted"),)
    return tuple(_missing(name, counts.missing, counts.rows, limit, alpha=alpha / len(names)) for name in names)


def latency_findings(window: Window, check: Latency, alpha: float, *, rung: Rung, least: int) -> tuple[Finding, ...]:
    """The limit, and the ratio to the stable, of those that are set; after promotion there is no stable to compare with."""
    ratio = None if rung is Rung.BAKE else check.max_ratio_to_stable
    share = alpha / (1 if check.max is None or ratio is None else 2)
    found = []
    if check.max is not None:
        found.append(_latency(window, float(check.quantile), check.max.total_seconds(), share))
    if ratio is not None:
        found.append(_ratio(window, float(check.quantile), float(ratio), share, least=least))
    return tuple(found)


def shift_findings(window: Window, check: ScoreShift, alpha: float, *, least: int) -> tuple[Finding, ...]:
    """Against the card's baseline or the stable's scores."""
    is_card = check.against == "Card"
    scores, baseline = window.of_canary.scores, window.baseline if is_card else window.of_stable.scores
    if scores is None or not scores.total:
        return (Finding("the canary has reported no score yet", "NoScores"),)
    if baseline is None or not baseline.total:
        if is_card:
            return (
                Finding(
                    "the canary's card has no baseline of its score: compare with Stable, or export one", "NoBaseline"
                ),
            )
        return (Finding("the stable has reported no score in this step", "NoScoresOfStable"),)
    if scores.edges != baseline.edges or window.of_canary.is_mixed or (not is_card and window.of_stable.is_mixed):
        return (Finding("scores are counted in different bins and can't be compared", "DifferingBins"),)
    if not is_card and baseline.total < least:
        text = f"{baseline.total} of {least} scores of the stable to compare with"
        return (Finding(text, "StableTooFew", requests=scores.total),)
    return (_shift(scores, baseline, float(check.max_psi), alpha, is_card=is_card),)


def _failed(results: Tally, failures: Iterable[str]) -> tuple[int, int]:
    """Failures, and all that count: what was dropped, refused or is a word of tomorrow says neither."""
    events = sum(results.get(result, 0) for result in failures)
    return events, events + results.get("ok", 0)


def _rate(events: int, trials: int, limit: float, alpha: float, what: str) -> Finding:
    if trials <= 0:
        return Finding("nothing was counted in this step yet", "NoData", limit=as_percent(limit))
    between = bounds(events, trials, alpha)
    return Finding(
        f"{events} of {trials} {what}: {as_percent(events / trials)}, limit {as_percent(limit)}; "
        f"the true rate is between {as_percent(between.lower)} and {as_percent(between.upper)}",
        value=as_percent(events / trials),
        limit=as_percent(limit),
        requests=trials,
        is_within=events <= limit * trials,
        is_proven=exceeds(events, trials, limit, alpha),
        events=events,
        range=between,
        until_within=requests_until_within(events, limit),
    )


def _missing(name: str, missing: Tally, rows: int, limit: float, *, alpha: float) -> Finding:
    if name not in missing:
        return Finding(f"input {name} is not counted: it has no baseline in the canary's card", "InputsNotCounted")
    # Inputs are folded one after the other: a count may be a batch ahead of the rows.
    return _rate(missing[name], max(rows, missing[name]), limit, alpha, f"values of {name} were missing")


def _latency(window: Window, share: float, limit: float, alpha: float) -> Finding:
    histogram = window.of_canary.latency
    seen = None if histogram is None else latencies.quantile(histogram, share)
    if histogram is None or seen is None:
        return Finding("no latency was counted in this step yet", "NoData", limit=as_seconds(limit))
    if window.of_canary.is_mixed:
        return Finding("pods of the canary count latency in different bins", "DifferingBins")
    total, allowed = histogram.total, int((1 - share) * histogram.total + _ROUNDING)
    above, perhaps = latencies.surely_above(histogram, limit), latencies.possibly_above(histogram, limit)
    is_between = above <= allowed < perhaps
    advice = f", {perhaps} perhaps: put the limit on an edge of the histogram" if is_between else ""
    return Finding(
        f"the {share:g} quantile is {as_seconds(seen)}, limit {as_seconds(limit)}; {above} of {total} took longer for sure{advice}",
        "LimitBetweenEdges" if is_between else "",
        value=as_seconds(seen),
        limit=as_seconds(limit),
        requests=total,
        is_within=perhaps <= allowed,
        is_proven=latencies.is_beyond(histogram, share, limit, alpha),
        events=above,
        range=bounds(above, total, alpha),
        until_within=requests_until_within(perhaps, 1 - share),
    )


def _ratio(window: Window, share: float, ratio: float, alpha: float, *, least: int) -> Finding:
    mine, theirs = window.of_canary.latency, window.of_stable.latency
    seen = None if mine is None else latencies.quantile(mine, share)
    if mine is None or seen is None:
        return Finding("no latency was counted in this step yet", "NoData", limit=f"{ratio:g} x stable")
    if window.of_canary.is_mixed or window.of_stable.is_mixed:
        return Finding("pods of one revision count latency in different bins", "DifferingBins")
    if theirs is None or theirs.total < least:
        text = f"{theirs.total if theirs else 0} of {least} requests of the stable to compare with"
        return Finding(text, "StableTooFew", value=as_seconds(seen), requests=mine.total)
    return _compared(mine, theirs, share, ratio, alpha)


def _compared(mine: Histogram, theirs: Histogram, share: float, ratio: float, alpha: float) -> Finding:
    """A breach is proven in the bins that each has, whatever they are; whether it is within, in bins that both have."""
    is_proven = latencies.is_beyond_stable(mine, theirs, share, ratio, alpha=alpha)
    read = (mine, theirs) if is_proven else latencies.in_common_bins(mine, theirs)
    if read is None:
        text = "canary and stable count latency in bins that can't be compared: serve both with one serving.image, or set max instead"
        return Finding(text, "DifferingBins", requests=mine.total)
    seen, reference = (latencies.quantile(each, share) or 0.0 for each in read)
    if isinf(reference):
        text = "the stable takes longer than pods measure"
        return Finding(text, "BeyondBins", value=as_seconds(seen), requests=mine.total)
    return Finding(
        f"the {share:g} quantile is {as_seconds(seen)}, the stable's {as_seconds(reference)}, limit {ratio:g} times that",
        value=as_seconds(seen),
        limit=as_seconds(ratio * reference),
        requests=mine.total,
        is_within=not is_proven and seen <= ratio * reference,
        is_proven=is_proven,
    )


def _shift(scores: Histogram, baseline: Histogram, limit: float, alpha: float, *, is_card: bool) -> Finding:
    shift = compare(scores, baseline)
    if shift is None:
        return Finding("there are no scores to compare", "NoScores")
    rest = shift.beyond_chance
    text = (
        f"PSI {shift.psi:.3f} of {scores.total} scores against {baseline.total}, {shift.chance:.3f} of it by chance: {rest:.3f}, "
        f"limit {limit:g}"
    )
    is_proven = rest > limit and is_real(scores, baseline, alpha, is_baseline_earlier=is_card)
    is_outside = shift.outside > _MOST_OUTSIDE and not is_proven
    return Finding(
        f"{text}; {as_percent(shift.outside)} of the scores are outside of all bins" if is_outside else text,
        "ScoresOutside" if is_outside else "",
        value=f"{rest:.3f}",
        limit=f"{limit:g}",
        requests=scores.total,
        is_within=rest <= limit,
        is_proven=is_proven,
    )
