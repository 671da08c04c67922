"""What the metrics port answers, whoever asks for the facts: one process, or the supervisor of several.

Pure: a request and the facts in, status, body and content type out.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from bankmodel_serving.connection import error_body
from bankmodel_serving.exposition import CONTENT_TYPE, render
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import ReadyState
from bankmodel_serving.snapshot import Snapshot

__all__ = ["MAX_CONNECTIONS", "Facts", "answer"]

MAX_CONNECTIONS = 64
_JSON = "application/json"
Answer = tuple[int, bytes, str]


class Facts(Protocol):
    """What there is to tell. `stuck` says who gives no sign of life; empty: nobody. `described`: the model; None while it is loaded."""

    def ready(self) -> ReadyState: ...

    def stuck(self) -> str: ...

    def snapshot(self) -> Snapshot: ...

    def described(self) -> Mapping[str, Any] | None: ...


def answer(request: Request, facts: Facts) -> Answer:
    """The answer to one request of the metrics port."""
    if request.method != b"GET":
        return 405, error_body("only GET is possible here"), _JSON
    match request.path:
        case b"/metrics":
            return 200, render(facts.snapshot()), CONTENT_TYPE
        case b"/livez":
            return _livez(facts.stuck())
        case b"/readyz":
            return _readyz(facts.ready())
        case b"/model":
            return _model(facts.described())
        case _:
            return 404, error_body("here are /metrics, /livez, /readyz and /model"), _JSON


def _livez(stuck: str) -> Answer:
    return (503, error_body(stuck, "Stuck"), _JSON) if stuck else (200, b'{"live":true}', _JSON)


def _model(described: Mapping[str, Any] | None) -> Answer:
    if described is None:
        return 503, error_body("the model is not loaded yet", "Starting"), _JSON
    return 200, orjson.dumps(described), _JSON


def _readyz(state: ReadyState) -> Answer:
    if state.is_ready:
        return 200, b'{"ready":true}', _JSON
    return 503, orjson.dumps({"ready": False, "reason": state.reason, "message": state.message}), _JSON
