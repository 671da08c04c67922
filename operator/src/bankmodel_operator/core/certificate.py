"""How it stands with the certificate callers are shown: what the pods report, put into a condition with the days left.

The operator may not read Secrets, and need not: the pods know best what they have in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bankmodel_operator.core.desired import stable_of
from bankmodel_operator.core.observation import Certificate, Event, Observation, PodSeen, format_time, parse_time
from bankmodel_operator.core.peers import unfit
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.states import Progressing, Starting, State

CONDITION = "CertificateValid"
SOON = timedelta(days=14)
SOON_SHARE = 4
"""Nobody is alarmed before this part of a certificate's life is left: one of a day is renewed within it."""


class CertificateReason(StrEnum):
    """Stable words for the condition's `reason`; docs/runbooks.md has a section for each that needs somebody."""

    VALID = "Valid"
    NOT_REPORTED = "NotReported"
    EXPIRES_SOON = "ExpiresSoon"
    EXPIRED = "Expired"
    NOT_YET_VALID = "NotYetValid"
    INVALID = "CertificateInvalid"
    NOT_FOR_PEERS = "CertificateNotForPeers"


ALARMING = frozenset(CertificateReason) - {CertificateReason.VALID, CertificateReason.NOT_REPORTED}


@dataclass(frozen=True, slots=True)
class Standing:
    """The condition, and the certificate in use as far as it is known."""

    status: str
    reason: CertificateReason
    message: str
    certificate: Certificate | None = None


def standing(state: State, observation: Observation, now: datetime) -> Standing | None:
    """None where no TLS is asked for. Silence changes nothing that was known, except that time goes on."""
    tls = observation.model.spec.serving.tls
    if tls is None:
        return None
    pods = [pod for pod in _pods(state, observation) if pod.report is not None]
    unusable = next((pod for pod in pods if _cannot_use(pod)), None)
    reported = _worst([pod.report.certificate for pod in pods if pod.report and pod.report.certificate])
    certificate = reported or _saved(observation.status)
    if unusable is not None:
        return _invalid(unusable, tls.secret_name, certificate, now)
    if reported is None and (before := _still_invalid(observation.status, certificate)):
        return before
    if certificate is None:
        words = "No pod has reported its certificate yet."
        return Standing("Unknown", CertificateReason.NOT_REPORTED, words)
    found = _judged(certificate, tls.secret_name, now)
    return _between_pods(found, pods, observation) if found.reason is CertificateReason.VALID else found


def saved_form(found: Standing | None) -> Mapping[str, str] | None:
    """`status.certificate`."""
    if found is None or found.certificate is None:
        return None
    certificate = found.certificate
    return {"notBefore": format_time(certificate.not_before), "notAfter": format_time(certificate.not_after)}


def alarm(found: Standing | None, observation: Observation) -> Event | None:
    """When it begins to need somebody, or needs somebody for another reason."""
    if found is None or found.reason not in ALARMING or _condition(observation.status).get("reason") == found.reason:
        return None
    return Event("Warning", str(found.reason), found.message)


def _pods(state: State, observation: Observation) -> Sequence[PodSeen]:
    """Those that answer or are to: a superseded revision may have had another Secret."""
    stable = stable_of(state)
    coming = (state.target,) if isinstance(state, Starting | Progressing) else ()
    revisions = (*((stable,) if stable else ()), *coming)
    return [pod for revision in revisions for pod in alive(observation.pods, revision.revision)]


def _between_pods(found: Standing, pods: Sequence[PodSeen], observation: Observation) -> Standing:
    """Of a certificate that serves callers: whether the next canary would get requests with it. Said long before one comes."""
    rollout, tls = observation.model.spec.rollout, observation.model.spec.serving.tls
    if tls is None or not (rollout.steps or rollout.shadow):
        return found
    told = [pod.report.peers for pod in pods if pod.report and pod.report.peers]
    problem = next((each.problem for each in told if each.problem), "")
    before = _condition(observation.status)
    if problem:
        message = f"Callers are served. {unfit(problem, tls.secret_name)}"
    elif not told and before.get("reason") == CertificateReason.NOT_FOR_PEERS:
        message = str(before.get("message", ""))
    else:
        return found
    return Standing(found.status, CertificateReason.NOT_FOR_PEERS, message, found.certificate)


def _cannot_use(pod: PodSeen) -> bool:
    report = pod.report
    if report is None:
        return False
    is_refused = report.certificate is not None and not report.certificate.is_latest
    return is_refused or report.ready_reason == CertificateReason.INVALID


def _worst(found: Sequence[Certificate]) -> Certificate | None:
    if not found:
        return None
    return Certificate(max(each.not_before for each in found), min(each.not_after for each in found))


def _saved(status: Mapping[str, Any]) -> Certificate | None:
    saved = status.get("certificate") or {}
    try:
        return Certificate(parse_time(saved["notBefore"]), parse_time(saved["notAfter"]))
    except (KeyError, TypeError, ValueError):
        return None


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((each for each in status.get("conditions") or () if each.get("type") == CONDITION), {})


def _still_invalid(status: Mapping[str, Any], certificate: Certificate | None) -> Standing | None:
    before = _condition(status)
    if before.get("reason") != CertificateReason.INVALID:
        return None
    return Standing("False", CertificateReason.INVALID, str(before.get("message", "")), certificate)


def _invalid(pod: PodSeen, secret: str, certificate: Certificate | None, now: datetime) -> Standing:
    words = pod.report.ready_message if pod.report and pod.report.ready_reason == CertificateReason.INVALID else None
    if words:
        message = f"Pod {pod.name}: {words}. Correct Secret {secret}; the pod goes on by itself."
    else:
        left = f", which expires {_when(certificate, now)}" if certificate else ""
        message = (
            f"Pod {pod.name} cannot use what Secret {secret} holds now, and goes on with the certificate before"
            f"{left}. kubectl logs {pod.name} has the cause; correct the Secret."
        )
    return Standing("False", CertificateReason.INVALID, message, certificate)


def _judged(certificate: Certificate, secret: str, now: datetime) -> Standing:
    left, life = certificate.not_after - now, certificate.not_after - certificate.not_before
    if left <= timedelta(0):
        message = (
            f"The certificate expired on {certificate.not_after:%Y-%m-%d}; callers refuse it. Renew Secret {secret}."
        )
        return Standing("False", CertificateReason.EXPIRED, message, certificate)
    if certificate.not_before > now:
        message = (
            f"The certificate is not valid before {format_time(certificate.not_before)}; callers refuse it until then. "
            f"If that is a mistake, renew Secret {secret}."
        )
        return Standing("False", CertificateReason.NOT_YET_VALID, message, certificate)
    message = f"The certificate expires {_when(certificate, now)}"
    if left < min(SOON, life / SOON_SHARE):
        return Standing("True", CertificateReason.EXPIRES_SOON, f"{message}; renew Secret {secret}.", certificate)
    return Standing("True", CertificateReason.VALID, f"{message}.", certificate)


def _when(certificate: Certificate, now: datetime) -> str:
    """Changes once a day, so that an idle model's status is written no more often."""
    days, date = (certificate.not_after - now).days, f"on {certificate.not_after:%Y-%m-%d}"
    if days < 0:
        return f"since {certificate.not_after:%Y-%m-%d}"
    if days == 0:
        return f"within a day, {date}"
    return f"in {days} day{'s' if days > 1 else ''}, {date}"
