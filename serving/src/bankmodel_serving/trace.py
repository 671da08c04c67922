"""What a caller says about a request beside its body, to find it again: the trace and an id. Pure; called by the API.

`traceparent` is W3C Trace Context's. This server calls nobody and makes no span, so there is nothing to propagate: it
gives the caller's own traceparent back in the answer's parameters and in the log, where both can be joined. The
specification defines no header for answers. What does not parse is ignored, as it asks: a broken trace must not
cost anybody a score. The same goes for an `x-request-id` that can't be an id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Caller", "caller_of"]

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REQUEST_ID = re.compile(rb"[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Caller:
    """Empty strings where the caller said nothing usable."""

    request_id: str = ""
    traceparent: str = ""


def caller_of(headers: Mapping[bytes, bytes]) -> Caller:
    """Read the headers of one request, by lower-case name."""
    return Caller(_request_id(headers.get(b"x-request-id", b"")), _traceparent(headers.get(b"traceparent", b"")))


def _request_id(value: bytes) -> str:
    return value.decode("ascii") if _REQUEST_ID.fullmatch(value) else ""


def _traceparent(value: bytes) -> str:
    """In the form of version 00, to which later versions only add; empty if it is none."""
    found = _TRACEPARENT.fullmatch(value)
    if found is None:
        return ""
    version, trace, parent, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None) or not int(trace, 16) or not int(parent, 16):
        return ""
    known = flags if version == b"00" else b"%02x" % (int(flags, 16) & 1)
    return b"-".join((b"00", trace, parent, known)).decode("ascii")
