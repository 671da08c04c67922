"""The split with real processes: exact, sticky, safe, obedient, and never more than one hop."""

import gzip
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import tiny_models
from support.revisions import Caller, Revisions, in_s, number, revisions
from support.scoring_process import Answer, ScoringProcess
from support.tiny_models import ModelFile

Models = dict[str, ModelFile]
FROM = "x-bankmodel-from"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The stable `a` answers x, the canary `b` exp(x), which is infinite and so an error above 89."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "a": tiny_models.save(tiny_models.passthrough("FP32"), folder / "a.onnx"),
        "b": tiny_models.save(tiny_models.exponential(), folder / "b.onnx"),
    }


@pytest.fixture(scope="module")
def shared(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Revisions]:
    with revisions(tmp_path_factory.mktemp("shared"), models) as found:
        yield found


@pytest.fixture
def fresh(models: Models, tmp_path: Path) -> Iterator[Revisions]:
    """For those who do them harm."""
    with revisions(tmp_path, models, "--forward-timeout", "0.3") as found:
        yield found


def _who(answer: Answer) -> tuple[str, str]:
    """The revision that answered, as header and body say it."""
    return answer.headers["x-bankmodel-revision"], answer.json["parameters"]["revision"]


def _shares(pod: ScoringProcess, count: int, **rest: Any) -> Counter[tuple[str, str]]:
    with Caller(pod) as caller:
        return Counter(_who(caller.ask(number(1.0, **rest))) for _ in range(count))


@pytest.mark.parametrize("weight", [0, 1, 5, 50, 99, 100])
def test_without_a_key_the_share_is_exact(shared: Revisions, weight: int) -> None:
    shared.follow("a", revision="b", weight=weight)
    found = _shares(shared.pods["a"], 1000)

    assert (1000 - 10 * weight, 10 * weight) == (found[("a", "a")], found[("b", "b")])
    assert weight == shared.pods["a"].metric("bankmodel_routing_effective_weight")
    assert 0 == shared.pods["b"].metric("bankmodel_routing_effective_weight")


def test_the_canarys_answer_comes_as_it_gave_it(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    with Caller(shared.pods["a"]) as caller:
        plain = caller.ask(number(0.0, id="4711"), {"x-request-id": "r-1"})
        packed = caller.ask(gzip.compress(json.dumps(number(0.0)).encode()), {"content-encoding": "gzip"})
        wrong = caller.ask({"inputs": []})
        binary = caller.ask(number(0.0, parameters={"binary_data_output": True}))

    assert ("4711", "2", [1.0]) == (plain.json["id"], plain.json["model_version"], plain.json["outputs"][0]["data"])
    assert ("r-1", [1.0]) == (plain.headers["x-request-id"], packed.json["outputs"][0]["data"])
    assert (400, "b") == (wrong.status, wrong.headers["x-bankmodel-revision"])
    length = int(binary.headers["inference-header-content-length"])
    assert ("application/octet-stream", 4) == (binary.headers["content-type"], len(binary.text) - length)


def test_who_names_a_version_gets_that_version(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    with Caller(shared.pods["a"]) as caller:
        answer = caller.ask(number(1.0), path="/v2/models/m/versions/1/infer")

    assert ("a", "a") == _who(answer)


@pytest.mark.parametrize("sticky", [{"parameter": "customer"}, {"input": "customer"}])
def test_the_same_customer_meets_the_same_revision(shared: Revisions, sticky: dict[str, str]) -> None:
    def asked(customer: int) -> dict[str, Any]:
        if "parameter" in sticky:
            return number(1.0, parameters={"customer": f"c-{customer}"})
        request = number(1.0)
        request["inputs"].append({"name": "customer", "datatype": "BYTES", "shape": [1, 1], "data": [f"c-{customer}"]})
        return request

    met = []
    for weight in (20, 50):
        shared.follow("a", revision="b", weight=weight, sticky=sticky)
        with Caller(shared.pods["a"]) as caller:
            rounds = [{customer: _who(caller.ask(asked(customer)))[0] for customer in range(200)} for _ in range(2)]
        assert rounds[0] == rounds[1]
        met.append({customer for customer, revision in rounds[0].items() if revision == "b"})

    assert met[0] < met[1]
    assert 20 < len(met[0]) < 65 < len(met[1]) < 135


def test_without_a_single_key_it_is_the_stable_revisions(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100, sticky={"input": "x"})
    two_rows = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}]}
    before = {
        why: shared.pods["a"].metric("bankmodel_split_unkeyed_total", reason=why) or 0 for why in ("missing", "mixed")
    }
    with Caller(shared.pods["a"]) as caller:
        found = [_who(caller.ask(request))[0] for request in (number(7.0), two_rows, number(None))]  # type: ignore[arg-type]

    assert ["b", "a", "a"] == found
    for why in ("missing", "mixed"):
        assert before[why] + 1 == shared.pods["a"].metric("bankmodel_split_unkeyed_total", reason=why)


def test_an_error_of_the_canary_is_answered_by_the_stable_revision(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", weight=100)
    with Caller(fresh.pods["a"]) as caller:
        answer = caller.ask(number(100.0))

    assert (200, "a", "error") == (answer.status, _who(answer)[1], answer.headers["x-bankmodel-fallback"])
    assert ("error", [100.0]) == (answer.json["parameters"]["fallback"], answer.json["outputs"][0]["data"])
    stable = fresh.pods["a"]
    assert 1 == stable.metric("bankmodel_forward_attempts_total", to="b", result="error")
    assert 1 == stable.metric("bankmodel_forward_fallbacks_total", to="b", reason="error")
    assert 1 == stable.metric("bankmodel_requests_total", route="stable", code="200")
    assert 1 == fresh.pods["b"].metric("bankmodel_requests_total", route="peer", code="500")


@pytest.mark.parametrize(("number_of_signal", "reason"), [(signal.SIGKILL, "unreachable"), (signal.SIGSTOP, "timeout")])
def test_a_canary_that_is_gone_or_hangs_costs_no_answer_and_is_soon_tried_no_more(
    fresh: Revisions, number_of_signal: signal.Signals, reason: str
) -> None:
    fresh.follow("a", revision="b", weight=100)
    with Caller(fresh.pods["a"]) as caller:
        assert "b" == _who(caller.ask(number(1.0)))[0]
        os.kill(fresh.pods["b"].process.pid, number_of_signal)
        answers = [caller.ask(number(1.0)) for _ in range(20)]

    assert {200: 20} == Counter(answer.status for answer in answers)
    said = [answer.headers["x-bankmodel-fallback"] for answer in answers]
    assert [reason] * 5 == said[:5]
    assert "skipped" == said[5]
    assert 20 == sum(
        fresh.pods["a"].metric("bankmodel_forward_fallbacks_total", to="b", reason=each) or 0
        for each in (reason, "skipped")
    )


def test_a_canary_that_comes_back_is_tried_again(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", weight=100)
    with Caller(fresh.pods["a"]) as caller:
        os.kill(fresh.pods["b"].process.pid, signal.SIGSTOP)
        for _ in range(6):
            caller.ask(number(1.0))
        os.kill(fresh.pods["b"].process.pid, signal.SIGCONT)
        deadline = time.monotonic() + 10
        while (found := _who(caller.ask(number(1.0)))[0]) != "b" and time.monotonic() < deadline:
            pass

    assert "b" == found


def test_past_its_time_the_canary_gets_nothing(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100, notAfter=in_s(1.0))
    stable = shared.pods["a"]
    with Caller(stable) as caller:
        deadline = time.monotonic() + 10
        while (answer := caller.ask(number(1.0))).headers[
            "x-bankmodel-revision"
        ] == "b" and time.monotonic() < deadline:
            pass

    assert (("a", "a"), None) == (_who(answer), answer.headers.get("x-bankmodel-fallback"))
    assert 0 == stable.metric("bankmodel_routing_effective_weight")


def test_a_bad_table_leaves_the_last_good_one_in_force(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    stable = shared.pods["a"]
    before = stable.metric("bankmodel_routing_rejected_total", reason="Invalid") or 0
    text = json.loads(shared.table("a").read_text())
    text["canary"]["weight"] = 101
    shared.write("a", json.dumps(text))

    assert before + 1 == stable.metric_becomes("bankmodel_routing_rejected_total", before + 1, reason="Invalid")
    assert {("b", "b"): 10} == _shares(stable, 10)


def test_who_is_not_granted_an_answer_gives_it_itself(shared: Revisions) -> None:
    shared.follow("a", revision="b", weight=100)
    shared.follow("a", revision="b", weight=0, of=("b",))
    with Caller(shared.pods["a"]) as caller:
        answers = [caller.ask(number(1.0)) for _ in range(10)]

    assert {("a", "refused")} == {(_who(each)[0], each.headers["x-bankmodel-fallback"]) for each in answers}


@pytest.mark.parametrize(
    ("pod", "headers", "status"),
    [
        ("b", {FROM: "a"}, 200),
        ("b", {FROM: "a", "x-bankmodel-shadow": "1"}, 403),
        ("b", {FROM: "c"}, 403),
        ("b", {}, 403),
        ("a", {FROM: "b"}, 403),
        ("a", {FROM: "c"}, 200),
    ],
    ids=["share", "copy", "stranger", "nobody", "canary", "superseded"],
)
def test_the_peer_port_answers_whom_the_table_grants_and_never_forwards(
    shared: Revisions, pod: str, headers: dict[str, str], status: int
) -> None:
    shared.follow("a", superseded=("c",), revision="b", weight=100)
    with Caller(shared.pods[pod], shared.pods[pod].peer_port) as caller:
        answer = caller.ask(number(1.0), headers)

    assert (status, pod) == (answer.status, answer.headers["x-bankmodel-revision"])
    assert status == 200 or answer.json["reason"] == "NotGranted"


def test_a_superseded_pod_passes_everything_on_or_answers_itself(fresh: Revisions) -> None:
    fresh.follow("b", superseded=("a",))
    old = fresh.pods["a"]
    with Caller(old) as caller:
        passed = caller.ask(number(0.0))
    with Caller(old) as caller:
        error = caller.ask(number(100.0))
    fresh.pods["b"].process.kill()
    with Caller(old) as caller:
        alone = caller.ask(number(3.0))

    assert (("b", "b"), [1.0]) == (_who(passed), passed.json["outputs"][0]["data"])
    assert (("a", "a"), "error") == (_who(error), error.headers["x-bankmodel-fallback"])
    assert (("a", "a"), [3.0]) == (_who(alone), alone.json["outputs"][0]["data"])


def test_requests_under_way_are_answered_when_the_pod_stops(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", weight=100)
    with Caller(fresh.pods["a"]) as caller:
        caller.ask(number(1.0))
        fresh.pods["a"].terminate()
        fresh.pods["a"].read_log_until("draining")
        answer = caller.ask(number(1.0))

    assert ("b", "b") == _who(answer)
    assert 0 == fresh.pods["a"].wait()


def test_inputs_that_the_canary_awaits_are_looked_for(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", awaits=["income", "x"])
    with Caller(fresh.pods["a"]) as caller:
        for _ in range(3):
            caller.ask(number(1.0))

    stable = fresh.pods["a"]
    assert 3 == stable.metric("bankmodel_awaited_requests_total")
    assert (3, None) == (
        stable.metric("bankmodel_awaited_inputs_absent_total", input="income"),
        stable.metric("bankmodel_awaited_inputs_absent_total", input="x"),
    )


def test_a_mirrored_canary_answers_nobody_and_is_compared(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", mirror=True, cutoff=0.5)
    stable = fresh.pods["a"]
    with Caller(stable) as caller:
        found = [_who(caller.ask(number(value))) for value in (0.0, 1.0, -9.0, 100.0)]

    assert [("a", "a")] * 4 == found
    assert 1 == stable.metric_becomes("bankmodel_shadow_copies_total", 1, to="b", result="error")
    assert 3 == stable.metric_becomes("bankmodel_shadow_copies_total", 3, to="b", result="ok")
    assert (3, 1) == (  # exp(0) is 1
        stable.metric("bankmodel_shadow_compared_total", to="b"),
        stable.metric("bankmodel_shadow_decision_flips_total", to="b"),
    )
    assert 3 == stable.metric("bankmodel_shadow_score_difference_count", to="b")
    assert 1 == stable.metric("bankmodel_routing_mirroring")
    assert 3 == fresh.pods["b"].metric("bankmodel_requests_total", route="shadow", code="200")


def test_a_mirror_that_hangs_delays_nobody_and_its_queue_is_short(fresh: Revisions) -> None:
    fresh.follow("a", revision="b", mirror=True)
    stable = fresh.pods["a"]
    os.kill(fresh.pods["b"].process.pid, signal.SIGSTOP)
    with Caller(stable) as caller:
        started = time.monotonic()
        found = {_who(caller.ask(number(1.0))) for _ in range(200)}
        took = time.monotonic() - started

    assert {("a", "a")} == found
    assert took < 2.0  # each copy waits for 0.3 s
    assert (
        stable.metric("bankmodel_shadow_copies_total", to="b", result="dropped") or 0
    ) > 50  # 64 wait, as many are on their way


def test_the_operator_can_ask_what_is_served(shared: Revisions) -> None:
    stable = shared.pods["a"]
    found = stable.get("/model", stable.metrics_port).json

    assert ("m", "a", "1", stable.sha256) == (found["model"], found["revision"], found["version"], found["sha256"])
    assert [{"name": "x", "datatype": "FP32", "shape": [-1, 1], "required": True}] == found["inputs"]
    assert ({"output": "y", "cutoff": None}, False, False) == (
        found["score"],
        found["has_card"],
        found["has_baseline"],
    )
