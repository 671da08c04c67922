"""A worker's end of the line to its supervisor: a socket from before the fork. Used by the worker's `serve`.

An empty line is the supervisor's question, answered from a thread so that a scoring loop that hangs is seen. When the
line ends the supervisor is gone, killed perhaps: the worker goes too, or it would hold the port with nobody to ask.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable

from bankmodel_serving.workers.messages import Message, Report, encode

__all__ = ["Channel"]

_LOG = logging.getLogger(__name__)


class Channel:
    """Says what happens by itself, and reports when asked."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Tell the supervisor; may be called from any thread."""
        with self._lock:
            self._line.sendall(encode(message))

    def follow(self, report: Callable[[], Report]) -> None:
        """From now on answer the supervisor's questions with `report`, and end with it."""
        threading.Thread(target=self._run, args=(report,), name="supervisor", daemon=True).start()

    def _run(self, report: Callable[[], Report]) -> None:
        try:
            with self._line.makefile("rb") as questions:
                for _ in questions:
                    self.say(report())
            _LOG.error("the supervisor is gone")
        except Exception:
            _LOG.exception("no report can be made for the supervisor")
        os._exit(1)  # at once: a drain is for callers who can still be counted
