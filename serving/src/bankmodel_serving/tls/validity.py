"""When a PEM file's certificates are valid, what key the first has, and how to tell them from others. Pure; Python's ssl module does not tell it of one's own certificate.

A dozen lines of DER: a certificate is a sequence whose first member holds, behind an optional version, serial number,
signature algorithm and issuer, the two times, the subject, and the key with its algorithm (RFC 5280, 4.1).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bankmodel_serving.errors import CertificateInvalid

__all__ = ["Validity", "fingerprints", "uncommon_key", "validity_of"]

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_UNCOMMON_KEYS = {  # object identifiers as they are in a certificate (RFC 8410, RFC 5480)
    bytes.fromhex("06032b6570"): "Ed25519",
    bytes.fromhex("06032b6571"): "Ed448",
    bytes.fromhex("06052b81040023"): "P-521",
}
_FINGERPRINT = 16
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


@dataclass(frozen=True)
class Validity:
    """From when until when, in Unix seconds."""

    not_before: float
    not_after: float

    def problem(self, now: float) -> str | None:
        """Why callers will refuse it at this moment, if they will."""
        if now < self.not_before:
            return f"the certificate is not valid before {_shown(self.not_before)}; callers will refuse it"
        if now > self.not_after:
            return f"the certificate expired on {_shown(self.not_after)}; callers will refuse it"
        return None


def validity_of(pem: bytes) -> Validity:
    """The time in which all certificates of this file are valid: a chain ends with its first link."""
    blocks = _BLOCK.findall(pem)
    if not blocks:
        raise CertificateInvalid("it holds no certificate: -----BEGIN CERTIFICATE----- is missing")
    found = [_validity(_der(block)) for block in blocks]
    return Validity(max(each.not_before for each in found), min(each.not_after for each in found))


def fingerprints(pem: bytes) -> tuple[str, ...]:
    """Of each certificate, in its order: enough of its sha256 to tell it from every other. Raises CertificateInvalid."""
    return tuple(hashlib.sha256(_der(block)).hexdigest()[:_FINGERPRINT] for block in _BLOCK.findall(pem))


def uncommon_key(pem: bytes) -> str | None:
    """Which key the first certificate has, if it is one that only some TLS libraries can use; of a PEM that `validity_of` has read."""
    der = _der(_BLOCK.findall(pem)[0])
    _, rest = _member(_member(_from_validity(der))[1])  # behind validity and subject
    algorithm, _ = _member(_member(rest)[0])
    return next((name for identifier, name in _UNCOMMON_KEYS.items() if identifier in algorithm), None)


def _der(block: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(block.split()), validate=True)
    except binascii.Error as error:
        raise CertificateInvalid(f"the certificate in it is not base64: {error}") from error


def _validity(der: bytes) -> Validity:
    try:
        times, _ = _member(_from_validity(der), _SEQUENCE)
        before, after = _member(times)[0], _member(_member(times)[1])[0]
        return Validity(_moment(times[0], before), _moment(_member(times)[1][0], after))
    except (IndexError, ValueError) as error:
        raise CertificateInvalid(f"the certificate in it can't be read: {error}") from error


def _from_validity(der: bytes) -> bytes:
    certificate, _ = _member(der, _SEQUENCE)
    rest, _ = _member(certificate, _SEQUENCE)
    if rest[0] == _VERSION:
        _, rest = _member(rest)
    for _ in ("serial number", "signature algorithm", "issuer"):
        _, rest = _member(rest)
    return rest


def _member(der: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """The content of the first member, and what follows it."""
    if tag is not None and der[0] != tag:
        raise ValueError(f"tag {der[0]:#x} where {tag:#x} was expected")
    size, start = der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if len(der) < start + size:
        raise ValueError(f"{start + size - len(der)} bytes are missing")
    return der[start : start + size], der[start + size :]


def _moment(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"tag {tag:#x} where a time was expected")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
