"""What a stretch of load cost: the server's processor time, the load generator's, and what others took of the server's core."""

import resource
from types import TracebackType
from typing import Self

from bench.cores import Cores, busy_s
from bench.process import Server
from bench.wires import Figures

__all__ = ["Usage"]


class Usage:
    """Measured from entering to leaving; the load generator must be a child that has ended by then."""

    def __init__(self, server: Server, cores: Cores) -> None:
        self._server = server
        self._cores = cores

    def __enter__(self) -> Self:
        self._at_start = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        spent = [after - before for before, after in zip(self._at_start, self._now(), strict=True)]
        self.server_s, self.load_s, self.core_s = spent

    def figures(self, *, requests: float, seconds: float, p50_us: float, p99_us: float, p999_us: float) -> Figures:
        """The whole measurement, with what the load generator said."""
        return Figures(
            per_s=requests / seconds,
            p50_us=p50_us,
            p99_us=p99_us,
            p999_us=p999_us,
            cpu_us=self.server_s / requests * 1e6,
            load_share=self.load_s / seconds,
            others_share=max(0.0, self.core_s - self.server_s) / seconds,
        )

    def _now(self) -> tuple[float, float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self._server.processor_s(), children.ru_utime + children.ru_stime, busy_s(self._cores.server)
