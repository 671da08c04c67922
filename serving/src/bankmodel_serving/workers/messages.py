"""What a worker tells its supervisor, one line of JSON each. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any, assert_never

from bankmodel_serving.readiness import ReadyState
from bankmodel_serving.snapshot import Snapshot, as_json, from_json

__all__ = ["Failed", "Message", "Report", "Started", "decode", "encode"]


@dataclass(frozen=True)
class Report:
    """How a worker is, whenever it is asked. `pulse`: its event loop's last sign of life, in monotonic seconds."""

    state: ReadyState
    pulse: float
    snapshot: Snapshot


@dataclass(frozen=True)
class Started:
    """The model is loaded and the scoring port open. `model` is what `/model` tells of it."""

    model: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A worker can't start: these would have been its last words."""

    reason: str
    message: str


Message = Report | Started | Failed


def encode(message: Message) -> bytes:
    """One line, its end included."""
    return json.dumps(_document(message)).encode() + b"\n"  # orjson would make null of a sum that is infinite


def decode(line: bytes) -> Message:
    """The message in a line that `encode` wrote."""
    kind, *fields = json.loads(line)
    match kind:
        case "report":
            state, pulse, families = fields
            return Report(ReadyState(*state), pulse, from_json(families))
        case "started":
            return Started(*fields)
        case _:
            return Failed(*fields)


def _document(message: Message) -> list[Any]:
    match message:
        case Report(state, pulse, snapshot):
            return ["report", [state.is_ready, state.reason, state.message], pulse, as_json(snapshot)]
        case Started(model):
            return ["started", model]
        case Failed(reason, text):
            return ["failed", reason, text]
        case _:
            assert_never(message)
