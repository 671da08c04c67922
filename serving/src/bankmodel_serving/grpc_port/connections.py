"""How many gRPC connections are open: the kernel is asked, since grpcio does not tell. Used by the drain and the metrics."""

import os
from collections.abc import Iterable, Set
from contextlib import suppress
from pathlib import Path

__all__ = ["count_connections", "open_connections"]

_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_FILES = Path("/proc/self/fd")
_ESTABLISHED = "01"


def open_connections(port: int) -> int:
    """Established connections of this process to its port; 0 where there is no /proc (macOS)."""
    own = _own_sockets()
    return sum(count_connections(table.read_text().splitlines(), port, own) for table in _TABLES if table.exists())


def count_connections(lines: Iterable[str], port: int, own: Set[str]) -> int:
    """Those in one of the kernel's tables whose inode is among `own`: workers of one pod have the same port.

    A line is `sl local remote st queues timer retransmits uid timeout inode …`; ports are hexadecimal.
    """
    local = f":{port:04X}"
    fields = (line.split(maxsplit=10) for line in lines)
    return sum(
        len(each) > 9 and each[1].endswith(local) and each[3] == _ESTABLISHED and each[9] in own for each in fields
    )


def _own_sockets() -> frozenset[str]:
    """Inodes of the sockets that this process has open."""
    found = set()
    for entry in _FILES.iterdir() if _FILES.exists() else ():
        with suppress(OSError):  # closed meanwhile
            found.add(os.readlink(entry).removeprefix("socket:[").removesuffix("]"))
    return frozenset(found)
