"""Two processor cores: one for the contender, one for the load. Pins processes to them, and reads what Linux says they used."""

import os
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

__all__ = ["Cores", "busy_s", "processor_s", "resident_mib", "the_cores"]

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4)  # idle and iowait, in /proc/stat


@dataclass(frozen=True)
class Cores:
    """Which core does what."""

    server: int
    load: int


def the_cores() -> Cores:
    """The first two that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError(
            "the benchmark needs two processor cores, one for the server and one for the load; there is one"
        )
    return Cores(allowed[0], allowed[1])


def busy_s(core: int) -> float:
    """Seconds CORE was busy since the machine started, with what the machine below took from it."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            ticks = [int(field) for field in fields[:8]]
            return (sum(ticks) - sum(ticks[i] for i in _IDLE_FIELDS)) / _TICKS
    raise BenchError(f"/proc/stat has no core {core}")


def processor_s(pids: list[int]) -> float:
    """Processor time that these processes used so far, their threads included; one that has ended counts as nothing."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_mib(pids: list[int]) -> float:
    """Memory these processes hold, shared pages counted once per process: what `kubectl top` would come near."""
    kib = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kib += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return kib / 1024
