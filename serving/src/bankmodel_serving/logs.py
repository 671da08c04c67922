"""One JSON object a line on stderr, as log collectors want it. Set up once by the entry points."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

__all__ = ["set_up_logs"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _JsonLines(logging.Formatter):
    def __init__(self, always: Mapping[str, object]) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **self._always,
        }
        line.update({key: value for key, value in vars(record).items() if key not in _OWN})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def set_up_logs(level: str, **always: object) -> None:
    """Send everything at `level` and above to stderr; `always` goes into each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(always))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
