"""TLS between the pods of one model: each shows the certificate it serves callers with, and trusts nothing else.

Trusted are the own certificate (its first link alone, not those who signed it) and, where the Secret has one, `ca.crt` beside it,
which lets a renewal pass unnoticed. Names are not checked: pods meet at the addresses in the routing table.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from bankmodel_serving.errors import CertificateInvalid
from bankmodel_serving.tls.validity import fingerprints

__all__ = ["PeerContexts", "Shown", "authority_beside", "peer_contexts", "shown_to_peers"]

_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class PeerContexts:
    """How to answer other pods, and how to ask them."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@dataclass(frozen=True)
class Shown:
    """By what two pods can be told to trust each other: fingerprints of the certificate and of those in `ca.crt` beside it.
    `problem`: why pods can't show each other this certificate, in OpenSSL's words; empty where they can."""

    certificate: str = ""
    authorities: tuple[str, ...] = ()
    problem: str = ""


def authority_beside(certificate: str) -> str:
    """Where cert-manager writes who signed this certificate."""
    return str(Path(certificate).with_name("ca.crt"))


def peer_contexts(certificate: str, key: str) -> PeerContexts:
    """Made of usable files, and tried on each other; raises CertificateInvalid, with the cause alone, where pods would not
    trust each other."""
    try:
        found = PeerContexts(
            _context(ssl.PROTOCOL_TLS_SERVER, certificate, key), _context(ssl.PROTOCOL_TLS_CLIENT, certificate, key)
        )
        _shake_hands(found)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error)
        raise CertificateInvalid(why) from error
    return found


def shown_to_peers(certificate: bytes, path: str, problem: str) -> Shown:
    """Of a certificate that was read from `path` and can serve callers."""
    beside = Path(authority_beside(path))
    try:
        authorities = fingerprints(beside.read_bytes()) if beside.exists() else ()
    except (OSError, CertificateInvalid):
        authorities = ()
    return Shown(fingerprints(certificate)[0], authorities, problem)


def _context(protocol: int, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    context.load_cert_chain(certificate, key, password=lambda: b"")
    first, end, _ = Path(certificate).read_text("ascii", "replace").partition(_END)
    context.load_verify_locations(cadata=first[first.index("-----BEGIN") :] + end)
    authority = Path(authority_beside(certificate))
    if authority.exists():
        context.load_verify_locations(cafile=authority)
    return context


def _shake_hands(contexts: PeerContexts) -> None:
    """In memory: what is wrong shows when the files are read, and not only when a canary gets no requests."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = contexts.server.wrap_bio(to_server, to_client, server_side=True)
    client = contexts.client.wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
