"""The scoring port that the workers share: found free, and kept, before any of them starts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bankmodel_serving.listener import cannot_listen

__all__ = ["reserved_port"]


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[int]:
    """Keep the port (0 picks a free one) as long as this lasts; raises SettingsInvalid if somebody else has it.

    The socket is bound and never listens, so that it gets no connection. Sockets with SO_REUSEPORT would also share with
    another server of the same user: hence the first look without.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with _bound(family, address, socket.SO_REUSEADDR) as alone:
            found = alone.getsockname()
        kept = _bound(family, found, socket.SO_REUSEPORT)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    with kept:
        yield int(found[1])


def _bound(family: socket.AddressFamily, address: tuple[object, ...], option: int) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, option, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found
