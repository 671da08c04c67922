"""The certificate for gRPC's callers: the pair in use at the moment of each handshake. TLS 1.2 or newer, as grpcio has it."""

import logging

import grpc

from bankmodel_serving.tls import Pair, TlsFiles, uncommon_key

__all__ = ["server_credentials"]

_LOG = logging.getLogger(__name__)


def server_credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    """To be made when there is a pair. grpcio asks before each handshake; open connections go on with what they have."""
    first = shown = tls.pair
    if first is None:
        raise ValueError("there is no pair yet")

    def fresh() -> grpc.ServerCertificateConfiguration | None:
        """On a thread of grpcio's; None: nothing new. Two at once may both tell of the same pair, which is harmless."""
        nonlocal shown
        pair = tls.pair
        if pair is shown or pair is None:
            return None
        shown = pair
        return _configuration(pair)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(first), fresh, require_client_authentication=bool(first.client_ca)
    )


def _configuration(pair: Pair) -> grpc.ServerCertificateConfiguration:
    if key := uncommon_key(pair.certificate):  # tried with grpcio's own client
        why = f"its key is {key}; gRPC clients built on BoringSSL refuse it; RSA, ECDSA P-256 or P-384 suit all"
        _LOG.warning("certificate not fit for all gRPC clients", extra={"error": why})
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], pair.client_ca or None)
