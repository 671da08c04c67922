"""Rules of a trial that hold whatever happens and in whatever order: users, pods, requests, time, crashes, frozen leaders.

A short run is part of the suite; BANKMODEL_TRIAL_STEPS=100000 makes it that long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bankmodel_operator.core.analysis.evidence import from_json
from bankmodel_operator.core.children.evidence import read_evidence
from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.observation import Observation, parse_time
from bankmodel_operator.core.plan import plan
from bankmodel_operator.core.rollout import decide
from bankmodel_operator.core.states import TRANSITIONS, Baking, Climbing, Draining, Preparing, Serving, Withdrawing
from support.simulated_cluster import Conflict, Crashed, Simulation
from support.simulated_trials import ABORT, HTTP, PAUSED, PROMOTE
from support.taken_back import TakenBack
from support.trial_lives import DIGESTS, HOLD_S, LADDER, LEASE_S, LEAST, TRIED, Rung, check_conditions, tell_of_a_life

_PAIR = ("Deployment", "ControllerRevision")


class Trials(RuleBasedStateMachine):
    """A model's life with a ladder. Every pass goes through `_watch`, which checks the decision against what is."""

    def __init__(self) -> None:
        super().__init__()
        tell_of_a_life()
        self.cluster = Simulation(model=HTTP, rollout=LADDER)
        self.cluster.settle()
        self.cluster.serve_version("2", DIGESTS["2"])
        self.generation = 0
        self.selected = self.cluster.selected()
        self.rung: Rung | None = None
        self.frozen: list[Callable[[], None]] = []
        self.taken_back = TakenBack()
        self.is_vandalised = False
        """Somebody deleted a Deployment: what capacity is left then is not the operator's doing."""

    # The operator

    @rule()
    def one_pass(self) -> None:
        self._watch(None)

    @rule(passes=st.integers(2, 12), requests=st.sampled_from([0, 3, 30]), seconds=st.sampled_from([1, 5, 30]))
    def all_goes_well_for_a_while(self, passes: int, requests: int, seconds: int) -> None:
        for _ in range(passes):
            self._watch(None)
            self.cluster.run_controllers()
            self.cluster.make_all_ready()
            self.cluster.read_tables()
            self._serve(requests, 0)
            self.cluster.ask_pods()
            self.cluster.wait(seconds)

    @rule(write=st.integers(0, 6))
    def crash(self, write: int) -> None:
        self._watch(write)

    @rule()
    def a_leader_freezes_before_its_writes(self) -> None:
        """It has saved its status and will wake later, when its successor may have acted: not before the lease has run out."""
        observation = self.cluster.observe()
        decision = decide(observation, self.cluster.settings, self.cluster.now)
        todo = plan(decision.desired, observation.owned, owner=self.cluster.model, prune=decision.prune)
        writes = list(self.cluster.writes_of(decision, todo))
        if writes and decision.status != observation.status:
            self._note_turn(observation, decision)
            writes[0]()
            self.cluster.window = None
            self.frozen = writes[1:]
            self.cluster.wait(LEASE_S)

    @rule()
    @precondition(lambda self: self.frozen)
    def the_successor_acts_and_the_frozen_leader_wakes(self) -> None:
        self._watch(None)
        before, sizes = (self.cluster.selected(), self.cluster.table()), self._sizes()
        for write in self.frozen:
            try:
                write()
            except Conflict:
                break
        self.frozen = []
        assert before == (self.cluster.selected(), self.cluster.table())
        asked, now = self.cluster.observe().model.spec.serving.replicas, self._sizes()  # a size asked for may come late
        assert all(now.get(revision, 0) >= min(size, asked) for revision, size in sizes.items())

    @rule(number=st.integers(1, 9))
    def upgrade_the_operator(self, number: int) -> None:
        self.cluster.operator_upgrade(f"registry.example/bankmodel-serving:{number}")

    @rule()
    @precondition(lambda self: not self.frozen)
    def lose_the_status(self) -> None:
        self.cluster.lose_status()
        self.taken_back = TakenBack()
        self.cluster.window = None
        self.rung = None

    # People

    @rule(version=st.sampled_from(sorted(DIGESTS)))
    def ask_for_a_version(self, version: str) -> None:
        self.cluster.serve_version(version, DIGESTS[version])

    @rule(replicas=st.integers(1, 5))
    def scale(self, replicas: int) -> None:
        self.cluster.scale(replicas)

    @rule(cpu=st.sampled_from(["100m", "200m"]))
    def change_resources(self, cpu: str) -> None:
        serving = {**self.cluster.model["spec"].get("serving", {}), "resources": {"requests": {"cpu": cpu}}}
        self.cluster.edit(serving=serving)

    @rule(value=st.booleans())
    @precondition(lambda self: not self.frozen)
    def suspend(self, value: bool) -> None:
        self.cluster.edit(suspend=value)

    @rule(steps=st.sampled_from([[], [5], [5, 25, 50], [100]]), shadow=st.booleans())
    def edit_the_ladder(self, steps: list[int], shadow: bool) -> None:
        rungs = [{"weight": weight, "hold": f"{HOLD_S}s"} for weight in steps]
        self._edit_rollout(steps=rungs, shadow={"hold": f"{HOLD_S}s"} if shadow else None)

    @rule(retry=st.sampled_from(["", "once", "twice"]))
    def ask_for_a_retry(self, retry: str) -> None:
        self._edit_rollout(retry=retry)

    @rule(deadline=st.sampled_from(["5m", "720h"]), progress=st.sampled_from(["10s", "10m"]))
    def edit_deadlines(self, deadline: str, progress: str) -> None:
        self._edit_rollout(deadline=deadline, progressDeadline=progress)

    @rule(key=st.sampled_from([ABORT, PROMOTE]), whom=st.sampled_from(["canary", "stable"]))
    def order(self, key: str, whom: str) -> None:
        named = (self.cluster.model.get("status", {}).get(whom) or {}).get("revision")
        if named:
            self._annotations()[key] = named

    @rule(key=st.sampled_from([ABORT, PROMOTE, PAUSED]))
    def take_an_order_back(self, key: str) -> None:
        self._annotations().pop(key, None)

    @rule()
    def pause(self) -> None:
        self._annotations()[PAUSED] = "month's end"

    # The cluster

    @rule(kind=st.sampled_from(("ConfigMap", "Service", "ControllerRevision", "PodDisruptionBudget", "Deployment")))
    @precondition(lambda self: not self.frozen and self._is_whole())
    def somebody_deletes_a_child(self, kind: str) -> None:
        """Who deletes a Deployment and its record together leaves nothing to make either from."""
        for each in self.cluster.of_kind(kind)[:1]:
            del self.cluster.objects[kind, each["metadata"]["name"]]
            self.is_vandalised = True

    @rule()
    def controllers_run(self) -> None:
        self.cluster.run_controllers()

    @rule(data=st.data(), ready=st.booleans())
    @precondition(lambda self: self.cluster.pods)
    def a_pod_turns(self, data: st.DataObject, ready: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.pods)))
        (self.cluster.make_ready if ready else self.cluster.fail)(name)

    @rule(data=st.data())
    @precondition(lambda self: self.cluster.pods)
    def a_pod_reads_the_table(self, data: st.DataObject) -> None:
        self.cluster.read_table(data.draw(st.sampled_from(sorted(self.cluster.pods))))

    @rule()
    def all_pods_are_asked(self) -> None:
        self.cluster.ask_pods()

    @rule()
    def all_pods_fall_silent(self) -> None:
        self.cluster.reports.clear()

    @rule(requests=st.sampled_from([1, 10, 60]), errors=st.sampled_from([0, 0, 1]))
    def requests_come(self, requests: int, errors: int) -> None:
        self._serve(requests, errors * requests)
        self.cluster.ask_pods()

    @rule(seconds=st.sampled_from([1, 7, 31, 61, 130, 700, 10_000]))
    def time_passes(self, seconds: int) -> None:
        self.cluster.wait(seconds)

    # What must always be

    @invariant()
    def a_share_has_the_capacity_for_it(self) -> None:
        """By what pods really do now, not by what was written."""
        if self.is_vandalised:
            return
        sizes = self._sizes()
        for name in self.cluster.pods:
            grant = self.cluster.sends(name)
            takers = [
                each for each in self.cluster.pods if self.cluster.takes(each).get("revision") == grant.get("revision")
            ]
            if grant.get("weight") and takers:
                whole = min(size for revision, size in sizes.items() if revision in name)
                assert sizes.get(grant["revision"], 0) >= 1
                assert sizes[grant["revision"]] >= math.ceil(grant["weight"] * min(whole, 1) / 100)

    def teardown(self) -> None:
        """In a fair environment it always gets there, and is then at rest."""
        self.frozen = []
        self.cluster.edit(suspend=False)
        self._edit_rollout(deadline="720h", progressDeadline="10m")
        for key in (ABORT, PROMOTE, PAUSED):
            self._annotations().pop(key, None)
        for _ in range(300):
            decision = self._watch(None)
            if self._is_at_rest(decision):
                break
            self.cluster.run_controllers()
            self.cluster.make_all_ready()
            self.cluster.read_tables()
            self._serve(100, 0)
            self.cluster.ask_pods()
            self.cluster.wait(15)
        else:
            raise AssertionError(f"it does not come to rest: {self.cluster.model['status']}")
        writes = self.cluster.writes
        self.cluster.reconcile()

        assert writes == self.cluster.writes
        assert self.cluster.selected() == self.cluster.model["status"]["stable"]["revision"]
        assert [self.cluster.selected()] == list(self._sizes())
        self._check_outcome()

    def _check_outcome(self) -> None:
        """What was asked for serves; or it is rejected, and that is said."""
        status, asked = self.cluster.model["status"], self.cluster.model["spec"]["model"]
        if status["stable"]["sha256"] == asked["sha256"] and self.cluster.condition("Ready")["status"] == "True":
            return
        assert asked["sha256"] in [entry["sha256"] for entry in status.get("rejected", ())]
        assert self.cluster.condition("Stalled")["status"] == "True"

    def _is_at_rest(self, decision: Decision) -> bool:
        if not isinstance(decision.state, Serving) or self.cluster.condition("Reconciling")["status"] == "True":
            return False
        observation = self.cluster.observe()
        again = decide(observation, self.cluster.settings, self.cluster.now)
        todo = plan(again.desired, observation.owned, owner=self.cluster.model, prune=again.prune)
        return not list(self.cluster.writes_of(again, todo))

    # Looking

    def _watch(self, crash_before_write: int | None) -> Decision:
        observation, now = self.cluster.observe(), self.cluster.now
        if self.rung and not self._is_remembered(self.rung):
            self.rung = Rung(self.rung.canary, self.rung.index, self.rung.since)
        decision = decide(observation, self.cluster.settings, now)
        before, held = self.cluster.table(), self.cluster.selected()
        has_crashed, writes = False, self.cluster.writes
        try:
            assert decision == self.cluster.reconcile(crash_before_write=crash_before_write)
        except Crashed:
            has_crashed = True
        is_saved = self.cluster.writes > writes or not has_crashed
        if is_saved:
            self._note_turn(observation, decision)
        self._check_table(before, decision, has_crashed=has_crashed)
        self._check_selector(held, decision)
        check_conditions(decision.status)
        assert has_crashed or len(self.cluster.of_kind("Deployment")) <= 3  # one more is made before another is deleted
        return decision

    def _note_turn(self, observation: Observation, decision: Decision) -> None:
        """At most one turn, by the table; up only with everything that it needs."""
        source, goal = decode(observation.status), decision.state
        allowed = {end for (start, _), end in TRANSITIONS.items() if start is type(source)}
        assert type(source) is type(goal) or type(goal) in allowed
        assert decode(decision.status) == goal
        self.taken_back.note(source, goal, observation)
        if isinstance(goal, Climbing):
            self._check_climb(source, goal)
        if isinstance(goal, Baking) and isinstance(source, Climbing):
            assert source.on.is_last
            assert self.cluster.ready_pods(goal.stable.revision) >= goal.capacity
        if isinstance(source, Withdrawing) and isinstance(goal, Serving):
            self._check_off(source)
        if isinstance(source, Baking) and isinstance(goal, Draining) and goal.stable == source.stable:
            is_named = self._annotations().get(PROMOTE) == goal.stable.revision
            assert is_named or self.cluster.now - source.since >= observation.model.spec.rollout.bake
        if not isinstance(goal, Climbing):
            self.rung = None

    def _check_climb(self, source: Any, goal: Climbing) -> None:
        rung = self.rung
        is_up = not isinstance(source, Climbing) or goal.rung > source.rung
        if not is_up:
            if (goal.rung, goal.since) != (source.rung, source.since):
                self.rung = Rung(goal.canary.revision, goal.rung, goal.since)
            return
        assert PAUSED not in self._annotations() or (isinstance(source, Preparing) and goal.is_promoted)
        assert self.cluster.ready_pods(goal.canary.revision) >= 1
        assert self.cluster.ready_pods(goal.stable.revision) >= 1
        if not goal.is_promoted:
            assert goal.rung == (source.rung + 1 if isinstance(source, Climbing) else 0)
        if isinstance(source, Climbing) and not goal.is_promoted:
            assert source.watched is not None
            assert rung is not None
            assert (rung.canary, rung.index) == (source.canary.revision, source.rung)
            assert (self.cluster.now - rung.since).total_seconds() >= HOLD_S
            assert rung.answered >= LEAST
            assert rung.failed <= 0.1 * rung.answered
        self.rung = Rung(goal.canary.revision, goal.rung, goal.since)

    def _check_off(self, source: Withdrawing) -> None:
        """Nobody sends the canary anything that it would take, when its pods go."""
        canary = source.canary.revision
        senders = [name for name in self.cluster.pods if self.cluster.sends(name).get("revision") == canary]
        takers = [name for name in self.cluster.pods if self.cluster.takes(name).get("revision") == canary]
        assert not (senders and takers)

    def _check_table(self, before: Mapping[str, Any], decision: Decision, *, has_crashed: bool) -> None:
        table = self.cluster.table()
        if table:
            assert table.get("generation", 0) >= self.generation or not before
            self.generation = table.get("generation", 0)  # lost with the status, only pods that read it know the number
        grant, had = table.get("canary") or {}, before.get("canary") or {}
        is_raised = grant.get("weight", 0) > (
            had.get("weight", 0) if had.get("revision") == grant.get("revision") else 0
        )
        if is_raised:
            assert self.cluster.ready_pods(grant["revision"]) >= 1
            assert isinstance(decision.state, Climbing)
            assert decision.state.canary.revision == grant["revision"]
        if table != before or not has_crashed:
            rejected = {
                entry["revision"]
                for entry in self.cluster.model.get("status", {}).get("rejected", ())
                if not entry.get("again")
            }
            assert not (grant.get("weight") or grant.get("mirror")) or grant["revision"] not in rejected
        is_ordered_off = grant.get("weight") and self._annotations().get(ABORT) == grant.get("revision")
        assert has_crashed or not is_ordered_off
        if grant.get("weight"):
            assert grant["revision"] != table["stable"]
            assert (parse_time(grant["notAfter"]) - self.cluster.now).total_seconds() <= 600 or table == before

    def _check_selector(self, before: str, decision: Decision) -> None:
        selected = self.cluster.selected()
        if selected and selected != before:
            assert self.cluster.ready_pods(selected) > 0

    def _serve(self, requests: int, errors: int) -> None:
        """And what callers of the canary's share met, where it has one."""
        self.cluster.serve(requests, errors=errors)
        rung = self.rung
        if rung is None:
            return
        senders = [name for name in self.cluster.pods if self.cluster.sends(name).get("revision") == rung.canary]
        rung.answered += requests * len(senders)
        rung.failed += errors * len(senders)

    def _is_remembered(self, rung: Rung) -> bool:
        """Whether the operator has anything of this rung, in memory or kept: not after a crash just when it began."""
        kept = self.cluster.objects.get(("ConfigMap", f"{self.cluster.name}-evidence"))
        window = self.cluster.window or from_json(read_evidence(kept))
        return window is not None and window.started == rung.since

    def _sizes(self) -> dict[str, int]:
        deployments = self.cluster.of_kind("Deployment")
        return {each["metadata"]["name"].rpartition("-")[2]: each["spec"]["replicas"] for each in deployments}

    def _is_whole(self) -> bool:
        """Whether every revision has both its record and what runs."""
        found = {kind: {each["metadata"]["name"] for each in self.cluster.of_kind(kind)} for kind in _PAIR}
        stable = f"{self.cluster.name}-{(self.cluster.model.get('status', {}).get('stable') or {}).get('revision')}"
        return found["Deployment"] <= found["ControllerRevision"] and stable in found["Deployment"]

    def _annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.cluster.model["metadata"].setdefault("annotations", {})
        return found

    def _edit_rollout(self, **rollout: Any) -> None:
        merged = {**self.cluster.model["spec"]["rollout"], **rollout}
        self.cluster.edit(rollout={key: value for key, value in merged.items() if value is not None})


TestTrials = Trials.TestCase
TestTrials.settings = TRIED
