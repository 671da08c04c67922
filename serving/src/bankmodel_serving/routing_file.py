"""Watches the routing table's file: a stat a quarter of a second, a read only when something changed.

The kubelet swaps a ConfigMap by moving a link named `..data`; looking at the file's own identity sees that as well.
A missing or bad file never takes a good table away.
"""

import logging
import os
from collections.abc import Callable

from bankmodel_serving.errors import RoutingError
from bankmodel_serving.routing import NO_TABLE, Role, RoutingTable, accept, role_of
from bankmodel_serving.routing_reading import parse_table

__all__ = ["RoutingFile"]

_LOG = logging.getLogger(__name__)
_MAX_BYTES = 1 << 20  # a ConfigMap can't be larger


class RoutingFile:
    """The table in force and this pod's role in it. `rejected` is told the reason of each table refused."""

    def __init__(self, path: str, *, model: str, revision: str, rejected: Callable[[str], None]) -> None:
        self._path = path
        self._model = model
        self._revision = revision
        self._rejected = rejected
        self._seen: tuple[int, ...] | None = None
        self.table: RoutingTable = NO_TABLE
        self.role: Role = Role.ALONE

    def poll(self) -> None:
        """Look once; adopt what is new and good, count what is new and bad."""
        identity = self._identity()
        if identity is None or identity == self._seen:
            return
        self._seen = identity
        try:
            self._adopt(accept(self.table, parse_table(self._read(), self._model)))
        except RoutingError as error:
            self._rejected(error.reason)
            _LOG.warning("routing table refused", extra={"reason": error.reason, "error": str(error)})

    def _identity(self) -> tuple[int, ...] | None:
        if not self._path:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)

    def _read(self) -> bytes:
        try:
            with open(self._path, "rb") as file:
                return file.read(_MAX_BYTES)
        except OSError as error:
            raise RoutingError("Unreadable", f"{self._path} can't be read: {error.strerror}") from error

    def _adopt(self, table: RoutingTable) -> None:
        self.table = table
        self.role = role_of(table, self._revision)
        _LOG.info("routing table adopted", extra={"generation": table.generation, "role": self.role.value})
