"""Whether this process answers, and if not, why: written by start-up and drain, read by both ports."""

from dataclasses import dataclass

__all__ = ["DRAINING", "READY", "STARTING", "STUCK_S", "Readiness", "ReadyState", "is_stuck"]

STUCK_S = 15.0
"""Without a sign of life for that long a scoring loop is taken for dead."""


@dataclass(frozen=True)
class ReadyState:
    """`reason` is CamelCase and ends up as the condition's reason; `message` is a sentence for people."""

    is_ready: bool
    reason: str
    message: str


STARTING = ReadyState(False, "Starting", "the model is being checked, loaded and warmed up")
READY = ReadyState(True, "Serving", "the model answers")
DRAINING = ReadyState(False, "Draining", "the process was told to stop and finishes what is in flight")


class Readiness:
    """The current state. One thread writes, any thread reads: replacing one frozen value needs no lock."""

    def __init__(self) -> None:
        self.state = STARTING
        self.pulse = 0.0  # monotonic seconds of the event loop's last sign of life; 0 before it starts

    def fail(self, reason: str, message: str) -> None:
        self.state = ReadyState(False, reason, message)


def is_stuck(pulse: float, now: float) -> bool:
    """Whether an event loop has given no sign of life for too long; one that never did is still starting."""
    return bool(pulse) and now - pulse > STUCK_S
