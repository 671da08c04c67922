"""The verdict on a step: every check against the window's evidence. Called once a pass by the rollout's decision.

FAIL: a breach that chance does not explain, at all looks of a step and all its checks together, with the spec's confidence; or
the first breach of a critical check. PASS: enough requests in this very step, fresh figures of every pod, and the observed value within
the limit. Everything else is UNKNOWN, with the reason. Evidence that proves a breach stays proof when pods fall silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import isnan
from typing import Final

from bankmodel_operator.api.v1alpha1.checks import Check, PrometheusQuery
from bankmodel_operator.core.analysis import findings
from bankmodel_operator.core.analysis.findings import Finding
from bankmodel_operator.core.analysis.verdicts import Answer, CheckResult, Rung, Verdict
from bankmodel_operator.core.analysis.window import Window

__all__ = ["RESTARTS", "RESTARTS_ALLOWED", "applies", "judge", "queries_beyond"]

RESTARTS: Final = "restarts"
RESTARTS_ALLOWED: Final = 1
_INTERVALS_UNTIL_STALE: Final = 3
_BREACHES_IN_A_ROW: Final = 3
"""Answers of an outside query say nothing about chance; three in a row are not one spike."""
_Doubt = tuple[str, str]
"""A word, and a sentence for people."""
_SEVERITY: Final = (Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL)


def judge(
    checks: Sequence[Check],
    window: Window,
    *,
    rung: Rung,
    confidence: float,
    min_requests: int,
    now: datetime,
    scrape_interval: timedelta,
    answers: Mapping[str, Answer] | None = None,
) -> tuple[CheckResult, ...]:
    """A result for every check that applies in this rung, in their order, and last the built-in one on restarts."""
    due = [check for check in checks if applies(check, rung)]
    proving = sum(check.prometheus is None and not check.critical for check in due)
    alpha = (1 - confidence) / max(proving, 1)
    stale = _stale(window, rung, now, scrape_interval)
    results = []
    for check in due:
        least = check.min_requests or min_requests
        if check.prometheus is not None:
            answer = _fresh((answers or {}).get(check.name), now, scrape_interval)
            parts: tuple[Finding, ...] = (_asked(check, check.prometheus, answer, window),)
        else:
            parts = _find(check, window, rung, alpha, least)
        results.append(_worst(_result(check, part, window, now, least=least, stale=stale) for part in parts))
    return (*results, _restarts(window, min_requests, stale))


def applies(check: Check, rung: Rung) -> bool:
    """Whether it can be measured there at all: flips need copies, fallbacks a share, and comparisons with the stable a stable."""
    if check.decision_flips is not None:
        return rung is Rung.SHADOW
    if check.fallback_rate is not None:
        return rung is Rung.WEIGHT
    if check.score_shift is not None:
        return rung is not Rung.BAKE or check.score_shift.against == "Card"
    if check.latency is not None:
        return rung is not Rung.BAKE or check.latency.max is not None
    return True


def queries_beyond(checks: Iterable[Check], answers: Mapping[str, Answer]) -> dict[str, bool | None]:
    """For `window.note_answers`: which outside queries are beyond their limits; None: no answer that counts."""
    asked = ((check.name, check.prometheus) for check in checks if check.prometheus is not None)
    return {name: _is_beyond(query, answers[name].value) for name, query in asked if name in answers}


def _find(check: Check, window: Window, rung: Rung, alpha: float, least: int) -> tuple[Finding, ...]:
    if check.error_rate is not None:
        return findings.error_findings(window, rung, float(check.error_rate.max), alpha)
    if check.latency is not None:
        return findings.latency_findings(window, check.latency, alpha, rung=rung, least=least)
    if check.score_shift is not None:
        return findings.shift_findings(window, check.score_shift, alpha, least=least)
    if check.decision_flips is not None:
        return findings.flip_findings(window, float(check.decision_flips.max), alpha)
    if check.fallback_rate is not None:
        return findings.fallback_findings(window, float(check.fallback_rate.max), alpha)
    if check.missing_rate is not None:
        return findings.missing_findings(window, check.missing_rate.inputs, float(check.missing_rate.max), alpha)
    return (Finding("this operator does not know what the check limits", "CheckNotUnderstood"),)


def _result(
    check: Check, part: Finding, window: Window, now: datetime, *, least: int, stale: _Doubt | None
) -> CheckResult:
    requests = _counted(check, part, window)
    needed = _needed(part, least)
    verdict, reason, prefix = _verdict(check, part, requests=requests, least=least, stale=stale)
    return CheckResult(
        name=check.name,
        verdict=verdict,
        reason=reason,
        message=prefix + part.sentence,
        value=part.value,
        limit=part.limit,
        requests=requests,
        needed=needed,
        eta=_eta(window, requests, needed, now) if verdict is Verdict.UNKNOWN else None,
        events=part.events,
        lower=None if part.range is None else part.range.lower,
        upper=None if part.range is None else part.range.upper,
        is_critical=check.critical,
    )


def _verdict(
    check: Check, part: Finding, *, requests: int, least: int, stale: _Doubt | None
) -> tuple[Verdict, str, str]:
    """Verdict, reason, and what to say before the finding's own sentence."""
    if part.missing:
        return Verdict.UNKNOWN, part.missing, ""
    if part.is_proven:
        return Verdict.FAIL, "LimitExceeded", ""
    if check.critical and not part.is_within:
        return Verdict.FAIL, "CriticalBreach", ""
    if stale is not None:
        word, sentence = stale
        return Verdict.UNKNOWN, word, f"{sentence}; "
    if not part.is_within:
        return Verdict.UNKNOWN, "NotYetCertain", "beyond the limit, which may still be chance; "
    if requests < least:
        return Verdict.UNKNOWN, "TooFewRequests", f"{requests} of {least} requests; "
    return Verdict.PASS, "WithinLimit", ""


def _needed(part: Finding, least: int) -> int | None:
    """How many requests it takes in all before it can pass, if no further one is bad."""
    if part.missing or (part.until_within is None and not part.is_within):
        return None
    return least if part.until_within is None else max(least, part.until_within)


def _counted(check: Check, part: Finding, window: Window) -> int:
    """What the check rests on. Of rows, which may come many in one request, no more than there were requests of the canary."""
    if check.error_rate is not None or check.fallback_rate is not None:
        return part.requests
    if check.prometheus is not None:
        return window.of_canary.requests
    return min(part.requests, window.of_canary.requests)


def _stale(window: Window, rung: Rung, now: datetime, interval: timedelta) -> _Doubt | None:
    """Why figures can't be trusted to be whole; None when they can."""
    limit_s = _INTERVALS_UNTIL_STALE * interval.total_seconds()
    if window.last is None:
        return "NoData", "no pod has reported in this step yet"
    age_s = (now - window.last).total_seconds()
    if age_s > limit_s:
        return "Stale", f"the newest figures are {age_s:.0f} s old"
    # In bake the old one only waits; before, it counts what the canary is sent.
    counting = (window.canary,) if rung is Rung.BAKE else (window.canary, window.stable)
    if not {pod.revision for pod in window.pods.values()}.issuperset(counting):
        return "NoPods", "no pod of the canary or of the stable is there to report"
    silent = sum(window.silent(revision, now, longer_than_s=limit_s) for revision in counting)
    if silent:
        return "PodsSilent", f"{silent} pods have not reported for {limit_s:.0f} s"
    return None


def _restarts(window: Window, least: int, stale: _Doubt | None) -> CheckResult:
    requests, count = window.of_canary.requests, window.restarts
    result = CheckResult(
        RESTARTS,
        Verdict.UNKNOWN,
        "TooFewRequests",
        f"{count} restarts of the canary's containers; {requests} of {least} requests",
        value=str(count),
        limit=str(RESTARTS_ALLOWED),
        requests=requests,
        needed=least,
    )
    if count > RESTARTS_ALLOWED:
        text = f"the canary's containers restarted {count} times in this step"
        return replace(result, verdict=Verdict.FAIL, reason="Restarted", message=text)
    if stale is not None:
        word, sentence = stale
        return replace(result, reason=word, message=sentence)
    if requests < least:
        return result
    text = f"{count} restarts of the canary's containers"
    return replace(result, verdict=Verdict.PASS, reason="WithinLimit", message=text)


def _fresh(answer: Answer | None, now: datetime, interval: timedelta) -> Answer | None:
    is_old = answer is not None and now - answer.at > _INTERVALS_UNTIL_STALE * interval
    return None if is_old else answer


def _asked(check: Check, query: PrometheusQuery, answer: Answer | None, window: Window) -> Finding:
    is_beyond = None if answer is None else _is_beyond(query, answer.value)
    if answer is None or answer.value is None or is_beyond is None:
        return Finding(f"no answer: {(answer and answer.reason) or 'it was not asked lately'}", "NoAnswer")
    limit = " to ".join(format(each, "f") if each is not None else "any" for each in (query.min, query.max))
    streak = window.streaks.get(check.name, 0)
    return Finding(
        f"the answer is {answer.value:g}, limits {limit}"
        + (f"; beyond them {streak} times in a row" if is_beyond else ""),
        value=f"{answer.value:g}",
        limit=limit[:32],
        requests=window.of_canary.requests,
        is_within=not is_beyond,
        is_proven=is_beyond and streak >= _BREACHES_IN_A_ROW,
    )


def _is_beyond(query: PrometheusQuery, value: float | None) -> bool | None:
    if value is None or isnan(value):  # NaN compares as false either way, and would pass
        return None
    return (query.min is not None and value < query.min) or (query.max is not None and value > query.max)


def _worst(results: Iterable[CheckResult]) -> CheckResult:
    return max(results, key=lambda result: _SEVERITY.index(result.verdict))


def _eta(window: Window, requests: int, needed: int | None, now: datetime) -> datetime | None:
    """When there will be enough at the pace of this step so far."""
    passed = now - window.started
    if needed is None or requests <= 0 or passed <= timedelta():
        return None
    try:
        return now + passed * (max(needed - requests, 0) / requests)
    except OverflowError:
        return None
