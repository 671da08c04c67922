"""What a stretch of an operator's life cost: time, processor time, memory, and what it wrote and did."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.audit_tail import AuditTail
from support.operator_process import OperatorProcess

__all__ = ["Spent", "cpu_s", "peak_mib", "spending"]

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Spent:
    """Known once the stretch is over. `writes` are those in the namespaces that were asked for, without the Lease."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    passes: int = 0
    writes: Counter[str] = field(default_factory=Counter)

    @property
    def percent_of_a_core(self) -> float:
        return round(100 * self.cpu_s / self.wall_s, 1)

    def writes_each(self, count: int) -> float:
        return round(self.writes.total() / count, 1)


@contextmanager
def spending(operator: OperatorProcess, audit: AuditTail, *namespaces: str) -> Iterator[Spent]:
    """Measured from entering to leaving; no namespace: all of them."""
    spent, began = Spent(), time.monotonic()
    before_s, passes, writes = cpu_s(operator), operator.passes(), audit.writes(*namespaces)
    yield spent
    spent.wall_s = time.monotonic() - began
    spent.cpu_s = cpu_s(operator) - before_s
    spent.passes = int(operator.passes() - passes)
    spent.writes = audit.writes(*namespaces) - writes


def peak_mib(operator: OperatorProcess) -> float:
    """The most memory it ever held (RSS)."""
    lines = Path(f"/proc/{operator.pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024)


def cpu_s(operator: OperatorProcess) -> float:
    """Processor time since it was started."""
    fields = Path(f"/proc/{operator.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
