"""Watches the pair's files: a stat each a quarter of a second, a load only when something changed.

The kubelet swaps a Secret by moving a link named `..data`; looking at the files' own identity sees that as well.
A missing or bad pair never takes a good one away.
"""

import logging
import os
from collections.abc import Callable
from time import time

from bankmodel_serving.errors import CertificateInvalid
from bankmodel_serving.tls.context import Pair, TlsPaths, load_pair

__all__ = ["TlsFiles"]

_LOG = logging.getLogger(__name__)
Identity = tuple[tuple[int, ...] | None, ...]


class TlsFiles:
    """The pair for new connections. `loaded` is told "ok" or "failed" of each load."""

    def __init__(self, paths: TlsPaths, loaded: Callable[[str], None]) -> None:
        self._paths = paths
        self._loaded = loaded
        self._seen: Identity | None = None
        self.pair: Pair | None = None
        self.problem: str | None = "the certificate files have not been read yet"  # an older pair may still be in use

    def poll(self) -> bool:
        """Look once; adopt what is new and good, count what is new and bad. True if there was something new."""
        identity = self._identity()
        if identity == self._seen:
            return False
        try:
            pair, problem = load_pair(self._paths), None
        except CertificateInvalid as error:
            pair, problem = None, str(error)
        if identity != self._identity():
            return False  # swapped while we read: certificate and key may be of two pairs
        self._seen, self.problem = identity, problem
        self._adopt(pair)
        return True

    def _identity(self) -> Identity:
        return tuple(map(_identity, self._paths.all))

    def _adopt(self, pair: Pair | None) -> None:
        self._loaded("ok" if pair else "failed")
        if pair is None:
            stays = "new connections go on with the one before" if self.pair else "none is in use: not ready"
            _LOG.error("certificate refused", extra={"error": self.problem, "consequence": stays})
            return
        self.pair = pair
        _LOG.info("certificate adopted", extra={"not_after": pair.validity.not_after})
        if pair.shown.problem:
            why = (
                f"{self._paths.certificate} can't be shown to this model's other pods ({pair.shown.problem}): requests are not "
                "split; it needs the usages server auth and client auth, or none at all"
            )
            _LOG.warning("certificate not for other pods", extra={"error": why})
        if warning := pair.validity.problem(time()):
            _LOG.warning("certificate not valid now", extra={"error": warning})


def _identity(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
