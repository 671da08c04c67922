"""Whether the pods of a stable and of its canary would trust each other, by what they report of their certificates.

Told before the first step: on it, every request for the canary would be one more fallback. What no pod has reported yet, or
an older serving image never does, is against nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankmodel_operator.core.live import live_records
from bankmodel_operator.core.observation import Observation, Peers
from bankmodel_operator.core.pods import alive
from bankmodel_operator.core.standing import named
from bankmodel_operator.core.states import Preparing, Revision
from bankmodel_operator.core.tls import tls_secret

_PURPOSE = "purpose"
"""In each of OpenSSL's words for a certificate that is for servers, or clients, alone."""


def mistrust(state: Preparing, observation: Observation) -> str | None:
    """Why the stable's pods can send the canary's nothing, and what to do; None where nothing is known against it."""
    stable, canary = state.stable, state.canary
    for revision in (stable, canary):
        for name, shown in _shown(observation, revision):
            if shown.problem:
                return f"pod {name} shows it. {unfit(shown.problem, _secret(observation, revision))}"
    if bool(_secret(observation, stable)) is not bool(_secret(observation, canary)):
        return _one_sided(observation, stable, canary)
    return _strangers(observation, stable, canary)


def unfit(problem: str, secret: str) -> str:
    """Of a certificate that serves callers, and no other pods."""
    remedy = (
        "Issue it with the usages server auth and client auth, or with none at all (cert-manager: usages: [server auth, "
        "client auth])"
        if _PURPOSE in problem
        else "Issue it anew"
    )
    return (
        f"The certificate in Secret {secret} can't be shown by one pod to another ({problem}), so a canary would get no requests. "
        f"{remedy}; the pods take it by themselves."
    )


def _one_sided(observation: Observation, stable: Revision, canary: Revision) -> str:
    with_tls, without = (stable, canary) if _secret(observation, stable) else (canary, stable)
    return (
        f"Revision {named(with_tls)} speaks TLS with other pods and revision {named(without)} does not. Change spec.serving.tls "
        "with the stable model first, which needs no trial; then apply the new model."
    )


def _strangers(observation: Observation, stable: Revision, canary: Revision) -> str | None:
    pairs = [(one, other) for one in _shown(observation, stable) for other in _shown(observation, canary)]
    strange = next((pair for pair in pairs if not _trust(pair[0][1], pair[1][1])), None)
    if strange is None:
        return None
    secrets = " and ".join(dict.fromkeys((_secret(observation, stable), _secret(observation, canary))))
    return (
        f"Pods {strange[0][0]} and {strange[1][0]} show different certificates (Secret {secrets}) and have no authority in common in "
        "ca.crt beside them, so they would not trust each other. In mid-renewal that passes within minutes; else give "
        "both revisions the same Secret, or put the ca.crt of one authority into both."
    )


def _trust(one: Peers, other: Peers) -> bool:
    return one.certificate == other.certificate or bool(one.authorities & other.authorities)


def _shown(observation: Observation, revision: Revision) -> Iterator[tuple[str, Peers]]:
    for pod in alive(observation.pods, revision.revision):
        if pod.report and pod.report.peers:
            yield pod.name, pod.report.peers


def _secret(observation: Observation, revision: Revision) -> str:
    """The name of its certificate's Secret; empty without TLS."""
    record = live_records(observation).get(revision.revision)
    return tls_secret(record.template) if record else ""
