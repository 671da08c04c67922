"""What the split may cost a caller: a hop, never two, and of copies not a byte. The figures are `make verify-rollout ITEM=8`."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import tiny_models
from support.hops import hops_of
from support.revisions import Caller, Revisions, number, revisions

_CROSSED = (
    ("a sends b all", "b sends a all"),
    ("a passes on to b", "b passes on to a"),
    ("a passes on to b", "b sends a all"),
)
_REQUESTS = 200  # more than may wait for a canary that hangs


def test_a_request_makes_one_hop_at_most_though_both_pods_would_hand_it_on(tmp_path: Path) -> None:
    found = list(hops_of(tmp_path, _CROSSED))

    assert [1] * len(_CROSSED) == [each.most for each in found]
    assert [each.asked for each in found] == [each.answered for each in found]


def test_copies_change_no_byte_of_an_answer_and_those_for_a_canary_that_hangs_are_counted(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.passthrough("FP32"), tmp_path / "m.onnx")
    with revisions(tmp_path, {"a": model, "b": model}) as found:
        before = _answers(found)
        found.follow("a", revision="b", mirror=True)
        mirrored = _answers(found)
        with _stopped(found.pods["b"].process.pid):
            hanging = _answers(found)
        dropped = found.pods["a"].metric("bankmodel_shadow_copies_total", to="b", result="dropped")

    assert before == mirrored == hanging
    assert dropped is not None
    assert dropped > 0


def _answers(found: Revisions) -> list[tuple[int, str]]:
    with Caller(found.pods["a"]) as caller:
        said = [caller.ask(number(index / 7, id=str(index))) for index in range(_REQUESTS)]
    return [(answer.status, answer.text) for answer in said]


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
