"""Reads from a serving pod's /metrics what it says of its certificate. Called by `telemetry.scrape`; silence is None."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from bankmodel_operator.core.observation import Certificate, Peers
from bankmodel_operator.telemetry.exposition import read_labels

__all__ = ["parse_certificate", "parse_peers", "read_number"]

_CERTIFICATE_FACTS = (
    "bankmodel_tls_certificate_not_before_timestamp_seconds",
    "bankmodel_tls_certificate_not_after_timestamp_seconds",
    "bankmodel_tls_last_reload_successful",
)
_CERTIFICATE = re.compile(rf"^({'|'.join(_CERTIFICATE_FACTS)})(?:\{{[^}}]*\}})?\s+(\S+)", re.MULTILINE)
_PEERS = re.compile(r"^bankmodel_tls_peers_usable\{(.*)\} \S+$", re.MULTILINE)
_LONGEST = 120


def parse_certificate(exposition: str) -> Certificate | None:
    """What the pod shows its callers: the narrowest, if several processes report. None: nothing, or it did not say."""
    found: dict[str, list[int]] = {}
    for name, text in _CERTIFICATE.findall(exposition):
        number = read_number(text)
        if number is None:
            return None
        found.setdefault(name, []).append(number)
    try:
        before, after, latest = (found[name] for name in _CERTIFICATE_FACTS)
        return Certificate(_moment(max(before)), _moment(min(after)), bool(min(latest)))
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def parse_peers(exposition: str) -> Peers | None:
    """What other pods are shown, and trust."""
    found = _PEERS.search(exposition)
    if found is None:
        return None
    labels = read_labels(found[1])
    authorities = frozenset(filter(None, labels.get("authorities", "").split(",")))
    return Peers(labels.get("certificate", ""), authorities, labels.get("problem", "")[:_LONGEST])


def read_number(text: str) -> int | None:
    """A number of the exposition, cut to a whole one; None for NaN, infinity and words."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
