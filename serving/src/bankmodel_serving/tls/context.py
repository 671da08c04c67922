"""An SSLContext from files: what we offer and what we ask of callers. The only place that decides it."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from bankmodel_serving.errors import CertificateInvalid
from bankmodel_serving.tls.peers import PeerContexts, Shown, authority_beside, peer_contexts, shown_to_peers
from bankmodel_serving.tls.validity import Validity, validity_of

__all__ = ["Pair", "TlsPaths", "load_pair"]

_MAX_BYTES = 1 << 20  # a Secret can't be larger


@dataclass(frozen=True)
class TlsPaths:
    """PEM files. `client_ca` empty: callers need no certificate."""

    certificate: str
    key: str
    client_ca: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        beside = authority_beside(self.certificate)
        return tuple(path for path in (self.certificate, self.key, self.client_ca, beside) if path)


@dataclass(frozen=True)
class Pair:
    """What new connections are met with: as Python's ssl has it, and as PEM for gRPC, which has an OpenSSL of its own.

    `client_ca` is empty where callers need no certificate. Without `peers` this pod answers callers, and speaks to no
    other pod.
    """

    context: ssl.SSLContext
    validity: Validity
    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes
    peers: PeerContexts | None = None
    shown: Shown = field(default_factory=Shown)


def load_pair(paths: TlsPaths) -> Pair:
    """Always a fresh context: one that is in use must not be touched by a pair that turns out bad, a CA that was taken
    out must not be trusted on, and tickets given under the old one must not open the new. Raises CertificateInvalid."""
    certificate = _read(paths.certificate)
    try:
        validity = validity_of(certificate)
    except CertificateInvalid as error:
        raise CertificateInvalid(f"{paths.certificate}: {error}") from error
    key, client_ca = _read(paths.key), _read(paths.client_ca) if paths.client_ca else b""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _load_chain(context, paths)
    if paths.client_ca:
        _ask_for_certificates(context, paths.client_ca)
    else:
        context.num_tickets = 1  # callers keep connections; the usual second ticket is work for nothing
    try:
        peers, problem = peer_contexts(paths.certificate, paths.key), ""
    except CertificateInvalid as error:
        peers, problem = None, str(error)
    shown = shown_to_peers(certificate, paths.certificate, problem)
    return Pair(context, validity, certificate, key, client_ca, peers=peers, shown=shown)


def _load_chain(context: ssl.SSLContext, paths: TlsPaths) -> None:
    try:
        context.load_cert_chain(paths.certificate, paths.key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"the key in {paths.key} does not belong to the certificate in {paths.certificate}"
        else:
            why = f"{paths.certificate} and {paths.key} can't be used: {error.reason or 'not a private key in PEM'}"
        raise CertificateInvalid(why) from error
    except OSError as error:
        raise CertificateInvalid(f"{paths.key} can't be read: {error.strerror}") from error


def _ask_for_certificates(context: ssl.SSLContext, client_ca: str) -> None:
    """Mutual TLS. No tickets (TLS 1.3): a caller whose certificate has expired must not go on with one for hours."""
    try:
        context.load_verify_locations(cafile=client_ca)
    except OSError as error:  # ssl.SSLError is one
        why = getattr(error, "reason", None) or error.strerror or "no certificate in PEM"
        raise CertificateInvalid(f"{client_ca} can't be used as client CA: {why}") from error
    if not context.cert_store_stats()["x509_ca"]:
        raise CertificateInvalid(f"{client_ca} can't be used as client CA: no certificate in it is a CA's")
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise CertificateInvalid(f"{path} is not there") from error
    except OSError as error:
        raise CertificateInvalid(f"{path} can't be read: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise CertificateInvalid(f"{path} is larger than {_MAX_BYTES} bytes")
    return content


def _no_password() -> str:
    raise CertificateInvalid("the key is protected by a password; give it without one, in a Secret")
