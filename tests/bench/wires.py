"""How a contender is asked, over whatever wire: files of bodies, a check of its answers, load. Declared for `campaign`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from bench.cores import Cores
from bench.place import Place
from bench.process import Server
from bench.rows import Feeds
from bench.truth import Truth

__all__ = ["Figures", "Outputs", "Target", "Wire"]

Outputs = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Figures:
    """One measurement. Shares are of one core: near 1 the load generator was the limit (`load_share`), and what others
    took of the server's core (`others_share`) went to nobody's figure. `cpu_us` is the server's for one request."""

    per_s: float
    p50_us: float
    p99_us: float
    p999_us: float
    cpu_us: float
    load_share: float = 0.0
    others_share: float = 0.0


@dataclass(frozen=True)
class Target:
    """A running contender, where it listens, and the bodies it gets."""

    server: Server
    place: Place
    bodies: Path
    cores: Cores


class Wire(Protocol):
    """One way to ask."""

    def write_bodies(self, batches: Sequence[Feeds], file: Path) -> None:
        """Put all bodies into FILE, in the form that the load generator reads."""

    def check(self, name: str, place: Place, batches: Sequence[Feeds], truth: Truth) -> None:
        """Raise WrongAnswer or ContenderFailed unless the answers are those of `session.run`."""

    def closed_loop(self, target: Target, *, connections: int, seconds: int) -> Figures:
        """Each connection sends its next request when the last one is answered."""

    def paced(self, target: Target, *, per_s: float, connections: int, seconds: int) -> Figures | None:
        """So many requests a second, whatever the server does; None where this can't be made over the wire."""
