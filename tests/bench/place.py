"""Where one start of a contender happens: the model, ports of the loopback, a folder of its own."""

import socket
from dataclasses import dataclass
from pathlib import Path

from bench.reference import ReferenceModel

__all__ = ["NAME", "VERSION", "Place", "new_place"]

NAME, VERSION = "m", "1"


@dataclass(frozen=True)
class Place:
    """What a contender is told."""

    model: ReferenceModel
    folder: Path
    port: int
    grpc_port: int
    metrics_port: int


def new_place(model: ReferenceModel, folder: Path) -> Place:
    """A place with free ports; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return Place(model, folder, *_free_ports(3))


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; held together, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
