"""Rules that hold whatever happens and in whatever order: users, pods, crashes, frozen leaders, upgrades."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.plan import plan
from bankmodel_operator.core.rollout import decide
from bankmodel_operator.core.states import TRANSITIONS, Draining, Progressing
from support.bankmodels import DIGEST
from support.simulated_cluster import Conflict, Crashed, Simulation
from support.trial_lives import check_conditions

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}
DIGESTS = {str(number): f"{number:064x}" for number in range(1, 5)}


KINDS = ("ConfigMap", "Service", "Deployment", "ControllerRevision", "PodDisruptionBudget", "NetworkPolicy")


class Life(RuleBasedStateMachine):
    """A model's life. Every pass goes through `_watch`, which checks the decision against what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Simulation(model=HTTP)
        self.generation = 0
        self.selected = ""
        self.templates: dict[str, Any] = {}
        self.frozen: list[Callable[[], None]] = []

    @rule()
    def one_pass(self) -> None:
        self._watch(None)

    @rule(write=st.integers(0, 6))
    def crash(self, write: int) -> None:
        self._watch(write)

    @rule(version=st.sampled_from(sorted(DIGESTS)))
    def ask_for_a_version(self, version: str) -> None:
        self.cluster.serve_version(version, DIGESTS[version])

    @rule(replicas=st.integers(1, 5))
    def scale(self, replicas: int) -> None:
        self.cluster.scale(replicas)

    @rule(value=st.booleans())
    @precondition(lambda self: not self.frozen)  # who asks for a stop in that moment may see one write more
    def suspend(self, value: bool) -> None:
        self.cluster.edit(suspend=value)

    @rule()
    @precondition(lambda self: not self.frozen)  # the fence against two faults at once would be a second memory
    def lose_the_status(self) -> None:
        self.cluster.lose_status()
        self.generation = min(self.generation, self.cluster.table().get("generation", 0))

    @rule(number=st.integers(1, 9))
    def upgrade_the_operator(self, number: int) -> None:
        self.cluster.operator_upgrade(f"registry.example/bankmodel-serving:{number}")

    @rule(kind=st.sampled_from(KINDS))
    @precondition(lambda self: not self.frozen)  # a third fault at once
    def somebody_deletes_a_child(self, kind: str) -> None:
        for each in self.cluster.of_kind(kind)[:1]:
            del self.cluster.objects[kind, each["metadata"]["name"]]

    @rule(kind=st.sampled_from(KINDS))
    def the_api_server_refuses_a_kind(self, kind: str) -> None:
        self.cluster.refuses = {kind: "denied by policy"}

    @rule()
    def the_api_server_takes_everything_again(self) -> None:
        self.cluster.refuses = {}

    @rule()
    def controllers_run(self) -> None:
        self.cluster.run_controllers()

    @rule(data=st.data(), ready=st.booleans())
    @precondition(lambda self: self.cluster.pods)
    def a_pod_turns(self, data: st.DataObject, ready: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.pods)))
        (self.cluster.make_ready if ready else self.cluster.fail)(name)

    @rule()
    def all_pods_become_ready(self) -> None:
        self.cluster.make_all_ready()

    @rule()
    def pods_read_the_table(self) -> None:
        self.cluster.read_tables()

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.cluster.wait(seconds)

    @rule()
    def a_leader_freezes_before_its_writes(self) -> None:
        """It has saved its status and will wake later, when its successor may have acted."""
        observation = self.cluster.observe()
        decision = decide(observation, self.cluster.settings, self.cluster.now)
        todo = plan(decision.desired, observation.owned, owner=self.cluster.model, prune=decision.prune)
        writes = list(self.cluster.writes_of(decision, todo))
        if writes and decision.status != observation.status:
            writes[0]()
            self.frozen = writes[1:]

    @rule()
    @precondition(lambda self: self.frozen)
    def the_successor_acts_and_the_frozen_leader_wakes(self) -> None:
        self._watch(None)
        before = self.cluster.selected(), self.cluster.table()
        for write in self.frozen:
            try:
                write()
            except Conflict:
                break
        self.frozen = []

        assert before == (self.cluster.selected(), self.cluster.table())

    @invariant()
    def a_revision_keeps_its_pod_template_for_life(self) -> None:
        for deployment in self.cluster.of_kind("Deployment"):
            name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
            recorded = self.cluster.objects.get(("ControllerRevision", name), {}).get("data", {}).get("template")
            assert recorded in (None, template)

    def teardown(self) -> None:
        """In a fair environment it always gets there, and is then at rest."""
        self.cluster.edit(suspend=False)
        self.cluster.refuses = {}
        decision = self.cluster.settle(60)
        writes = self.cluster.writes
        self.cluster.reconcile()

        asked = self.cluster.model["spec"]["model"]["version"]
        assert asked == self.cluster.model["status"]["stable"]["version"]
        assert self.cluster.selected() == self.cluster.model["status"]["stable"]["revision"]
        assert decision.state_name == "Serving"
        assert self.cluster.condition("Ready")["status"] == "True"
        assert len(self.cluster.of_kind("Deployment")) == 1
        assert writes == self.cluster.writes

    def _watch(self, crash_before_write: int | None) -> None:
        observation = self.cluster.observe()
        decision = decide(observation, self.cluster.settings, self.cluster.now)
        assert decision == decide(observation, self.cluster.settings, self.cluster.now)
        before = self.cluster.model.get("status") or {}
        with contextlib.suppress(Crashed):
            self.cluster.reconcile(crash_before_write=crash_before_write)
        self._check_turn(before, decision)
        self._check_capacity(decision)
        self._check_table_and_selector()
        check_conditions(decision.status)

    def _check_turn(self, before: dict[str, Any], decision: Decision) -> None:
        source, goal = decode(before), decision.state
        allowed = {end for (start, _), end in TRANSITIONS.items() if start is type(source)}
        assert type(source) is type(goal) or type(goal) in allowed
        assert decode(decision.status) == goal

    def _check_capacity(self, decision: Decision) -> None:
        if not decision.desired or not isinstance(decision.state, Progressing | Draining):
            return
        sizes = {
            each["metadata"]["name"].rpartition("-")[2]: each["spec"]["replicas"]
            for each in decision.desired
            if each["kind"] == "Deployment"
        }
        state = decision.state
        protected = (
            [state.stable.revision] if isinstance(state, Progressing) else [state.stable.revision, state.superseded]
        )
        assert all(sizes.get(revision, state.capacity) >= state.capacity for revision in protected)

    def _check_table_and_selector(self) -> None:
        generation = self.cluster.table().get("generation", self.generation)
        assert generation >= self.generation
        self.generation = generation
        selected = self.cluster.selected()
        if selected != self.selected:
            assert not selected or self.cluster.ready_pods(selected) > 0
            self.selected = selected


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
