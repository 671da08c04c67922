"""What `kubectl bankmodel rollout status` and `history` show, as a user reads it."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console, RenderableType

from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.plugin.drawing import draw, headline
from bankmodel_operator.plugin.history import draw_history
from bankmodel_operator.plugin.seen import seen
from support.saved_trials import (
    NOW,
    REJECTED,
    STABLE,
    baking,
    climbing,
    model_in,
    outlook,
    preparing,
    serving,
    verdict,
)

_ON_STEP = outlook(Reason.ON_STEP, "Revision aa11bb22cc (version 2026.12) gets 5 % of the requests (step 2 of 4).")
_CLIMBING = model_in(
    climbing(),
    _ON_STEP,
    canary={"requests": 57, "needed": 100, "eta": "2026-11-25T10:12:00Z"},
    rollout={
        "judged": "2026-11-25T09:59:30Z",
        "verdicts": [
            verdict("errors", "PASS", value="0%", message="0 of 57 requests failed"),
            verdict("latency", "UNKNOWN", value="18ms", limit="20ms", message="57 of 100 requests; p99 is [18] ms"),
        ],
    },
)


def test_a_step_shows_held_time_checks_requests_and_what_it_waits_for() -> None:
    assert (
        _shown(draw(seen(_CLIMBING), NOW))
        == """\
mortgage-approval  lending  OnStep
Revision aa11bb22cc (version 2026.12) gets 5 % of the requests (step 2 of 4).

        REVISION    VERSION  DIGEST        SINCE
stable  3f8a02c61d  2026.11  9f2c4b1d0a6e  2026-11-22 06:00Z (3d4h)
canary  aa11bb22cc  2026.12  1b7e6a0c95d2  2026-11-25 09:30Z (30m)

STEP  ASKS FOR       HOLD            HELD
1     copies of all  15m             done
2     5 %            10m             [########............] 4m of 10m, 6m left
3     50 %           10m             next
4     100 %          until in force  next
bake  everything     10m             next

CHECK    VERDICT  VALUE  LIMIT  REQUESTS  MEANING
errors   PASS     0%     1%     57        0 of 57 requests failed
latency  UNKNOWN  18ms   20ms   57        57 of 100 requests; p99 is [18] ms

requests   57 of 100 needed, expected 2026-11-25 10:12Z (in 12m)
done       in 32m at the earliest (2026-11-25 10:32Z)
given up   in 29d23h (2026-12-25 09:30Z, spec.rollout.deadline)
figures    taken 30s ago
waits for  check latency UNKNOWN: 57 of 100 requests; p99 is [18] ms
           6m of the hold are left
"""
    )


def test_a_bake_shows_whom_it_can_return_to() -> None:
    model = model_in(baking(), outlook(Reason.BAKING, "Revision aa11bb22cc answers everything."))

    assert (
        _shown(draw(seen(model), NOW))
        == """\
mortgage-approval  lending  Baking
Revision aa11bb22cc answers everything.

        REVISION    VERSION  DIGEST        SINCE
stable  aa11bb22cc  2026.12  1b7e6a0c95d2  2026-11-25 09:30Z (30m)
before  3f8a02c61d  2026.11  9f2c4b1d0a6e  2026-11-22 06:00Z (3d4h)

STEP  ASKS FOR       HOLD            HELD
1     copies of all  15m             done
2     5 %            10m             done
3     50 %           10m             done
4     100 %          until in force  done
bake  everything     10m             [########............] 4m of 10m, 6m left

done       in 6m at the earliest (2026-11-25 10:06Z)
waits for  no check has been judged on this step yet
           6m of the bake are left
"""
    )


def test_steps_that_an_order_may_have_passed_over_are_not_called_done() -> None:
    shown = _shown(draw(seen(model_in(baking(is_ordered=True))), NOW))

    assert "3     50 %           10m             over, promoted by order\n" in shown


def test_a_bake_whose_ladder_was_lost_shows_the_bake_alone() -> None:
    shown = _shown(draw(seen(model_in(replace(baking(), ladder=None))), NOW))

    assert "STEP  ASKS FOR    HOLD  HELD\nbake  everything  10m   [####" in shown


def test_history_shows_reasons_and_lead_times() -> None:
    earlier = {"revision": "0000000000", "version": "2026.10", "sha256": "ab" * 32}
    stood = {"from": "2026-10-01T00:00:00Z", "until": "2026-11-22T06:00:00Z"}
    times = {"applied": "2026-11-22T05:00:00Z", "ready": "2026-11-22T05:00:40Z", "promoted": "2026-11-22T06:00:00Z"}
    model = model_in(
        serving(),
        rejected=[REJECTED],
        history=[{**earlier, **stood}],
        leadTime={"revision": STABLE.revision, **times},
    )

    assert (
        _shown(draw_history(seen(model), NOW))
        == """\
Stable
REVISION    VERSION  DIGEST        FROM               UNTIL              FOR
3f8a02c61d  2026.11  9f2c4b1d0a6e  2026-11-22 06:00Z  now                3d4h
0000000000  2026.10  abababababab  2026-10-01 00:00Z  2026-11-22 06:00Z  52d6h

Taken back
REVISION    VERSION  DIGEST        AT                 CAUSE  REASON       MESSAGE
aa11bb22cc  2026.12  1b7e6a0c95d2  2026-11-25 09:50Z  Model  CheckFailed  Check errors: 9% of 212 requests failed, limit 1%.

Lead time of the last change
REVISION    APPLIED            READY  FIRST TRAFFIC  PROMOTED
3f8a02c61d  2026-11-22 05:00Z  +40s   -              +1h
"""
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (model_in(climbing(held=None)), "its weight is not in force yet: not every stable pod confirms it (for 5m)"),
        (
            model_in(climbing(), annotations={"serving.bankmodel.io/paused": "fraud looks at it"}),
            "paused by annotation: fraud looks at it",
        ),
        (model_in(climbing(), spec={"rollout": {"paused": True}}), "paused: spec.rollout.paused is true"),
        (model_in(preparing(), spec={"suspend": True}), "suspended: spec.suspend is true"),
        (model_in(climbing(is_promoted=True)), "it is to be promoted, by order"),
        (model_in(climbing(), observedGeneration=1), "the operator has not looked at this spec yet (generation 2"),
        (model_in(serving(), rollout={"state": "Dancing"}), "its state is not known to this version"),
    ],
    ids=["not-in-force", "annotation", "spec", "suspended", "ordered", "unseen", "newer-operator"],
)
def test_it_says_why_it_waits(model: dict[str, Any], said: str) -> None:
    assert said in _shown(draw(seen(model), NOW))


def test_time_that_nobody_watched_is_not_shown_as_held() -> None:
    an_hour_later = NOW + timedelta(hours=1)

    assert "4m of 10m, 6m left" in _shown(draw(seen(_CLIMBING), an_hour_later))


def test_a_model_nobody_looked_at_is_drawn() -> None:
    model = model_in(serving())
    del model["status"]

    assert "the operator has not looked at this spec yet" in _shown(draw(seen(model), NOW))


def test_the_line_of_a_log_does_not_change_with_time() -> None:
    model = seen(_CLIMBING)

    assert headline(model, NOW) == headline(model, NOW + timedelta(minutes=1))


def _shown(picture: RenderableType) -> str:
    """Without the blanks that fill a row."""
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(picture)
    written = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return "".join(f"{line.rstrip()}\n" for line in written.splitlines())
