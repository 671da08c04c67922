"""A cluster in memory for the core: objects with uid and resourceVersion, Deployments that make pods, fences that hold.

It has no API and no clock of its own. `Simulation.reconcile` is the shell's pass without the network, and can crash
at any write; what a Kubernetes API server would refuse raises `Conflict`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core import names, pods
from bankmodel_operator.core.analysis.samples import Histogram, Sample
from bankmodel_operator.core.analysis.window import Window
from bankmodel_operator.core.decision import Decision
from bankmodel_operator.core.observation import (
    ClusterFacts,
    CoreSettings,
    Described,
    Observation,
    PodSeen,
    Refusal,
    Report,
    parse_time,
)
from bankmodel_operator.core.plan import Plan, plan
from bankmodel_operator.core.rollout import decide
from support.bankmodels import a_bankmodel
from support.frozen import frozen
from support.pod_counts import LATENCY_EDGES
from support.simulated_pods import START, a_pod_status, described

Object = dict[str, Any]
SETTINGS = CoreSettings("registry.example/bankmodel-serving:1", "bankmodel-system", ("monitoring",))


class Conflict(Exception):
    """Somebody else wrote, or has the name."""


class Crashed(Exception):
    """The operator was killed before this write."""


class Simulation:
    """One model and everything of it."""

    def __init__(self, **spec: Any) -> None:
        self.now = START
        self.settings = SETTINGS
        self.facts = ClusterFacts(version="v1.37.2")
        self.objects: dict[tuple[str, str], Object] = {}
        self.pods: dict[str, Object] = {}
        self.reports: dict[str, Report] = {}
        self.descriptions: dict[str, Described] = {}
        self.counted: dict[str, tuple[int, int]] = {}
        self.attempted: dict[str, dict[str, list[int]]] = {}
        self.durations: dict[str, Histogram] = {}
        """How long each pod took for its requests; a pod that is not in here took no time."""
        self.held: dict[str, Mapping[str, Any]] = {}
        """The table each pod has read."""
        self.window: Window | None = None
        self.writes = 0
        self.refuses: dict[str, str] = {}
        """Kinds of which the API server takes nothing, with its words."""
        self._refusals: tuple[Refusal, ...] = ()
        self._numbers = itertools.count(1)
        self.model = a_bankmodel(**{"rollout": {"steps": []}, **spec})
        self.model["metadata"] |= {"uid": "model-uid", "generation": 1, "creationTimestamp": START.isoformat()}

    # What users and the cluster do

    def edit(self, **spec: Any) -> None:
        """A user applies another spec."""
        self.model["spec"] = {**self.model["spec"], **spec}
        self.model["metadata"]["generation"] += 1

    def serve_version(self, version: str, digest: str) -> None:
        self.edit(model={"version": version, "sha256": digest, "source": {"http": {"url": "https://m.example/m"}}})

    def scale(self, replicas: int) -> None:
        self.edit(serving={**self.model["spec"].get("serving", {}), "replicas": replicas})

    def lose_status(self) -> None:
        self.model.pop("status", None)

    def edit_status(self, **parts: Any) -> None:
        """Somebody writes into the status by hand; None takes a part out."""
        edited = {**self.model["status"], **parts}
        self.model["status"] = frozen({key: part for key, part in edited.items() if part is not None})

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run_controllers(self) -> None:
        """Deployments make and remove pods; pods of a deleted Deployment go."""
        wanted: dict[str, int] = {}
        for deployment in self.of_kind("Deployment"):
            revision = deployment["spec"]["selector"]["matchLabels"][names.LABEL_REVISION]
            wanted[revision] = deployment["spec"]["replicas"]
        for revision in {*wanted, *map(_revision, self.pods.values())}:
            have = sorted(name for name, pod in self.pods.items() if _revision(pod) == revision)
            for name in have[wanted.get(revision, 0) :]:
                del self.pods[name]
                self.reports.pop(name, None)
                self.held.pop(name, None)
            for _ in range(wanted.get(revision, 0) - len(have)):
                self._make_pod(revision)

    def make_ready(self, name: str) -> None:
        self.pods[name]["status"] = a_pod_status(ready=True)

    def fail(self, name: str, *, restarts: int = 0) -> None:
        self.pods[name]["status"] = a_pod_status(ready=False, restarts=restarts)

    def make_all_ready(self) -> None:
        for name in self.pods:
            self.make_ready(name)

    def read_tables(self) -> None:
        """Every pod has read the table, and is asked."""
        for name in self.pods:
            self.read_table(name)
        self.ask_pods()

    def read_table(self, name: str) -> None:
        """One pod reads the table; a lower generation than it holds is refused, as by a real pod."""
        table, held = self.table(), self.held.get(name, {})
        if table.get("generation", 0) >= held.get("generation", 0):
            self.held[name] = table

    def ask_pods(self) -> None:
        """Every pod says what it holds and has counted. Callers of a superseded one have moved on."""
        for name, pod in self.pods.items():
            table = self.held.get(name, {})
            self.reports[name] = replace(
                self.reports.get(name, Report()),
                generation=table.get("generation", 0),
                connections=0 if _revision(pod) in table.get("superseded", ()) else 3,
                effective_weight=int(self.sends(name).get("weight", 0)),
                is_mirroring=bool(self.sends(name).get("mirror", False)),
                sample=self._sample(name, _revision(pod)),
                described=self.descriptions.get(_revision(pod), described()),
            )

    def sends(self, name: str) -> Mapping[str, Any]:
        """What this pod's own table lets it send to the canary now: the grant, or nothing."""
        return self._grant(name) if self.held.get(name, {}).get("stable") == _revision(self.pods[name]) else {}

    def takes(self, name: str) -> Mapping[str, Any]:
        """What this pod, as a canary, would take from the stable now by its own table."""
        grant = self._grant(name)
        return grant if grant.get("revision") == _revision(self.pods[name]) else {}

    def _grant(self, name: str) -> Mapping[str, Any]:
        grant: Mapping[str, Any] = self.held.get(name, {}).get("canary") or {}
        return grant if "notAfter" in grant and parse_time(grant["notAfter"]) > self.now else {}

    def answer_requests(self, count: int, *, errors: int = 0) -> None:
        """Every pod that has something to answer answers so many requests, and the canary, or a new stable in bake,
        fails so many of them; then all pods read the table and are asked."""
        self.read_tables()
        self.serve(count, errors=errors)
        self.ask_pods()

    def serve(self, count: int, *, errors: int = 0) -> None:
        """The same without anybody reading or asking."""
        for name, pod in self.pods.items():
            table, sent = self.held.get(name, {}), self.sends(name)
            if sent.get("weight") or sent.get("mirror"):
                tally = self.attempted.setdefault(name, {}).setdefault(sent["revision"], [0, 0])
                tally[0] += count - errors
                tally[1] += errors
            is_first = _revision(pod) == table.get("stable")
            if not (is_first or self.takes(name)):
                continue
            requests, failed = self.counted.get(name, (0, 0))
            fails = 0 if is_first and not table.get("superseded") else errors
            self.counted[name] = requests + count, failed + fails

    def _sample(self, name: str, revision: str) -> Sample:
        requests, errors = self.counted.get(name, (0, 0))
        route = "stable" if revision == self.held.get(name, {}).get("stable") else "peer"
        tallies = {to: {"ok": ok, "error": bad} for to, (ok, bad) in self.attempted.get(name, {}).items()}
        return Sample(
            at=self.now,
            revision=revision,
            requests={route: requests},
            errors={route: errors},
            latency={
                route: self.durations.get(name, Histogram(LATENCY_EDGES, (requests, *(0 for _ in LATENCY_EDGES))))
            },
            attempts=tallies,
            copies=tallies,
        )

    # What the operator does

    def observe(self) -> Observation:
        own = [each for each in self.objects.values() if _controller(each) == "model-uid"]
        foreign = [each for each in self.objects.values() if _controller(each) != "model-uid"]
        return Observation(
            model=_read(json.dumps({key: part for key, part in self.model.items() if key != "status"})),
            status=self.model.get("status") or {},
            owned=tuple(own),
            foreign=tuple(foreign),
            pods=self._seen_pods(),
            cluster=self.facts,
            refusals=self._refusals,
            window=self.window,
        )

    def _seen_pods(self) -> tuple[PodSeen, ...]:
        return tuple(pods.see(pod, self.reports.get(name)) for name, pod in sorted(self.pods.items()))

    def reconcile(self, *, crash_before_write: int | None = None) -> Decision:
        """One pass; with `crash_before_write` the operator dies before that write (0: the status)."""
        observation = self.observe()
        decision = decide(observation, self.settings, self.now)
        todo = plan(decision.desired, observation.owned, owner=self.model, prune=decision.prune)
        self._refusals = ()
        self.window = None if crash_before_write is not None else decision.window
        for number, write in enumerate(self.writes_of(decision, todo)):
            if number == crash_before_write:
                raise Crashed(f"before write {number}")
            write()
        for nudge in decision.nudges:
            self.pods[nudge.pod]["metadata"].setdefault("annotations", {})[names.ANNOTATION_ROUTING_GENERATION] = (
                nudge.value
            )
        return decision

    def writes_of(self, decision: Decision, todo: Plan) -> Iterator[Any]:
        if decision.status != (self.model.get("status") or {}):
            yield lambda: self._save(decision.status)
        for body in todo.create:
            yield lambda body=body: self._create(body)
        for change in todo.apply:
            yield lambda change=change: self._apply(change.body)
        for removal in todo.delete:
            yield lambda removal=removal: self._delete(removal)

    def settle(self, passes: int = 40) -> Decision:
        """A fair environment: pods become ready, tables are read, time goes on, until nothing is to be done."""
        for _ in range(passes):
            before = self.writes
            decision = self.reconcile()
            if self.writes == before and not decision.nudges and decision.state_name == "Serving":
                return decision
            self.run_controllers()
            self.make_all_ready()
            self.read_tables()
            self.wait(1)
        raise AssertionError(f"did not settle: {self.model.get('status')}")

    def go(self, passes: int = 1, *, seconds: float = 1, requests: int = 0, errors: int = 0) -> Decision:
        """A fair environment for so many passes."""
        for _ in range(passes):
            decision = self.reconcile()
            self.run_controllers()
            self.make_all_ready()
            self.answer_requests(requests, errors=errors)
            self.wait(seconds)
        return decision

    def until(self, state: str, **fair: Any) -> None:
        """A fair environment until this state."""
        for _ in range(400):
            if self.rollout.get("state") == state:
                return
            self.go(**fair)
        raise AssertionError(f"never {state}: {self.model.get('status')}")

    # What tests look at

    def of_kind(self, kind: str) -> list[Object]:
        return [each for (found, _), each in self.objects.items() if found == kind]

    def get(self, kind: str, name: str) -> Object:
        return self.objects[kind, name]

    def table(self) -> Mapping[str, Any]:
        found = self.objects.get(("ConfigMap", f"{self.name}-routing"))
        table: Mapping[str, Any] = json.loads(found["data"][names.ROUTING_KEY]) if found else {}
        return table

    def selected(self) -> str:
        service = self.objects.get(("Service", self.name), {})
        return str(service.get("spec", {}).get("selector", {}).get(names.LABEL_REVISION, ""))

    def condition(self, kind: str) -> Mapping[str, Any]:
        return next(each for each in self.model["status"]["conditions"] if each["type"] == kind)

    def ready_pods(self, revision: str) -> int:
        return pods.ready_count(self._seen_pods(), revision)

    @property
    def name(self) -> str:
        return str(self.model["metadata"]["name"])

    @property
    def rollout(self) -> Mapping[str, Any]:
        rollout: Mapping[str, Any] = self.model.get("status", {}).get("rollout", {})
        return rollout

    # The API server

    def put_foreign(self, api_version: str, kind: str, name: str, **metadata: Any) -> None:
        body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}
        self.objects[kind, name] = frozen(body)

    def _save(self, status: Mapping[str, Any]) -> None:
        self.writes += 1
        self.model["status"] = frozen(status)

    def _create(self, body: Mapping[str, Any]) -> None:
        if self._is_refused(body):
            return
        key = body["kind"], body["metadata"]["name"]
        if key in self.objects:
            raise Conflict(f"{key} exists")
        self._store(body, uid=f"uid-{next(self._numbers)}")

    def _apply(self, body: Mapping[str, Any]) -> None:
        if self._is_refused(body):
            return
        live = self.objects.get((body["kind"], body["metadata"]["name"]))
        fence = body["metadata"]["uid"], body["metadata"]["resourceVersion"]
        if live is None or (live["metadata"]["uid"], live["metadata"]["resourceVersion"]) != fence:
            raise Conflict(f"{body['kind']} {body['metadata']['name']} is not what was observed")
        self._store(body, uid=live["metadata"]["uid"])

    def _is_refused(self, body: Mapping[str, Any]) -> bool:
        words = self.refuses.get(body["kind"], "")
        if words:
            self._refusals += (Refusal(names.ref_of(body), words),)
        return bool(words)

    def _store(self, body: Mapping[str, Any], *, uid: str) -> None:
        self.writes += 1
        metadata = {**body["metadata"], "uid": uid, "resourceVersion": str(next(self._numbers))}
        given = {"spec": {**body["spec"], "clusterIP": "10.96.0.1"}} if body["kind"] == "Service" else {}
        self.objects[body["kind"], body["metadata"]["name"]] = frozen({**body, **given, "metadata": metadata})

    def _delete(self, removal: Any) -> None:
        live = self.objects.get((removal.ref.kind, removal.ref.name))
        fence = removal.uid, removal.resource_version
        if live is None or (live["metadata"]["uid"], live["metadata"]["resourceVersion"]) != fence:
            raise Conflict(f"{removal.ref} is not what was observed")
        self.writes += 1
        del self.objects[removal.ref.kind, removal.ref.name]

    def _make_pod(self, revision: str) -> None:
        name = f"{self.name}-{revision}-{next(self._numbers)}"
        metadata = {"name": name, "uid": name, "labels": names.pod_labels(self.name, revision)}
        self.pods[name] = {"metadata": metadata, "status": a_pod_status(ready=False)}

    def operator_upgrade(self, image: str) -> None:
        """Another operator takes over, with another default image."""
        self.settings = replace(self.settings, serving_image=image)


@lru_cache(maxsize=64)
def _read(model: str) -> BankModel:
    return BankModel.model_validate(json.loads(model))


def _revision(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["labels"][names.LABEL_REVISION])


def _controller(manifest: Mapping[str, Any]) -> str:
    owners = manifest["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")
