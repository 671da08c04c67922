"""One scoring server under load, for the bars that no comparison of contenders shows: workers, memory, start, overload."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import rows
from bench.campaign import Effort
from bench.contenders import CONTENDERS, OURS, our_plan
from bench.cores import Cores, processor_s
from bench.generator import Seen, pace
from bench.place import new_place
from bench.process import Server
from bench.reference import all_rows, ensure
from bench.truth import Truth
from bench.wire_http import V2_PATH
from bench.wires import Figures, Target

__all__ = ["Stand", "our_server", "start_figures"]

_MODEL = "boosting"


@dataclass(frozen=True)
class Stand:
    """A running server with its bodies; its answers were checked."""

    target: Target

    def saturated(self, connections: int, effort: Effort) -> Figures:
        """The round with the median requests/s of several."""
        wire = CONTENDERS[OURS].wire
        seen = [
            wire.closed_loop(self.target, connections=connections, seconds=effort.seconds) for _ in range(effort.rounds)
        ]
        middle = median(each.per_s for each in seen) if len(seen) % 2 else seen[0].per_s
        return next(each for each in seen if each.per_s == middle)

    def paced(self, per_s: float, connections: int, seconds: int) -> Seen:
        """A fixed rate, every status told."""
        return pace(self.target, V2_PATH, per_s=per_s, connections=connections, seconds=seconds)[0]

    def shares(self) -> list[float]:
        """How the processor time so far is spread over its processes."""
        spent = [processor_s([pid]) for pid in self.target.server.pids]
        return [each / max(sum(spent), 1e-9) for each in spent]


@contextmanager
def our_server(folder: Path, cores: Cores, on: Sequence[int], *flags: str, rows_a_request: int = 1) -> Iterator[Stand]:
    """This server on gradient boosting, pinned to the cores ON."""
    model = ensure(_MODEL)
    place = new_place(model, folder)
    batches = rows.batches(all_rows(_MODEL), rows_a_request)
    wire = CONTENDERS[OURS].wire
    wire.write_bodies(batches, folder / "bodies")
    with Server(OURS, our_plan(place, *flags), folder / "log", on) as server:
        wire.check(OURS, place, batches, Truth(model))
        yield Stand(Target(server, place, folder / "bodies", cores))


def start_figures(folder: Path, cores: Cores) -> tuple[float, float, float]:
    """Of a new process: MiB after a stretch of load, seconds from start to ready, seconds of processor time in them."""
    with our_server(folder, cores, [cores.server]) as stand:
        stand.saturated(32, Effort(rounds=1, seconds=2))
        server = stand.target.server
        return server.resident_mib(), server.ready_s, server.ready_processor_s
