"""Opens the scoring ports: plain HTTP, TLS, or both. Used by the server."""

import asyncio
import ssl

from bankmodel_serving.connection import Site
from bankmodel_serving.listener import Listener
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.settings import Settings
from bankmodel_serving.tls import Keeper, TlsFiles, TlsPaths, TlsPort

__all__ = ["open_peer_port", "open_ports", "tls_files"]


def tls_files(settings: Settings, recorder: Recorder) -> TlsFiles | None:
    """The certificate files to follow; None without TLS."""
    if not settings.tls_cert:
        return None
    paths = TlsPaths(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    return TlsFiles(paths, loaded=lambda result: recorder.tls_reloads.update((result,)))


async def open_ports(
    listener: Listener,
    settings: Settings,
    *,
    site: Site,
    tls: TlsFiles | None,
    recorder: Recorder,
    is_shared: bool,
) -> dict[str, int]:
    """`port` and `tls_port`, those that were opened: with TLS nobody is to be answered in the clear by mistake."""
    opened = {}
    if settings.serves_plaintext:
        opened["port"] = await listener.open(settings.host, settings.port, is_shared=is_shared)
    if tls is not None:
        door = TlsPort(site, _keeper(tls, recorder, settings.header_timeout), asyncio.get_running_loop())
        opened["tls_port"] = listener.open_also(door, settings.host, settings.tls_port, is_shared=is_shared)
    return opened


async def open_peer_port(
    listener: Listener, settings: Settings, *, site: Site, tls: TlsFiles | None, recorder: Recorder, is_shared: bool
) -> dict[str, int]:
    """`peer_port`, where one is asked for: with TLS it speaks that alone, and lets in only pods that show a certificate."""
    if settings.peer_port is None:
        return {}
    if tls is None:
        found = await listener.open(settings.host, settings.peer_port, is_shared=is_shared)
    else:
        door = TlsPort(site, _peer_keeper(tls, recorder, settings.header_timeout), asyncio.get_running_loop())
        found = listener.open_also(door, settings.host, settings.peer_port, is_shared=is_shared)
    return {"peer_port": found}


def _keeper(tls: TlsFiles, recorder: Recorder, handshake_s: float) -> Keeper:
    def context() -> ssl.SSLContext | None:
        return tls.pair.context if tls.pair else None

    return Keeper(context, told=lambda result: recorder.tls_handshakes.update((result,)), handshake_s=handshake_s)


def _peer_keeper(tls: TlsFiles, recorder: Recorder, handshake_s: float) -> Keeper:
    def context() -> ssl.SSLContext | None:
        return tls.pair.peers.server if tls.pair and tls.pair.peers else None

    return Keeper(context, told=lambda result: recorder.tls_handshakes.update((result,)), handshake_s=handshake_s)
