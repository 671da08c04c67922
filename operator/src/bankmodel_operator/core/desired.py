"""Every child that must exist in a state, in the order to write it. Decides nothing: the state has it all.

The order matters where one object prepares for another: records first, then the table, so that pods know
their new role before the stable Service sends callers their way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core import names
from bankmodel_operator.core.children.autoscaler import autoscaler
from bankmodel_operator.core.children.budget import budget
from bankmodel_operator.core.children.deployment import deployment
from bankmodel_operator.core.children.evidence import evidence_child
from bankmodel_operator.core.children.networkpolicy import network_policy
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.children.podmonitor import pod_monitor
from bankmodel_operator.core.children.record import Record, record_manifest
from bankmodel_operator.core.children.routing import Table, grant, routing, table
from bankmodel_operator.core.children.service import revision_service, stable_service
from bankmodel_operator.core.ledger import Ledger
from bankmodel_operator.core.live import find, live_records, next_number, routing_of, selected_revision
from bankmodel_operator.core.names import ObjectRef
from bankmodel_operator.core.observation import ClusterFacts, CoreSettings, Manifest, Observation, format_time
from bankmodel_operator.core.pods import ready_count
from bankmodel_operator.core.ports import asked_ports, has_peer_port, opened_ports
from bankmodel_operator.core.revision import inputs_of, name_of
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    NotUnderstood,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Unseen,
    Withdrawing,
)
from bankmodel_operator.core.template import pod_template


@dataclass(frozen=True, slots=True)
class Written:
    """What a pass adds to the state: the table's generation, the marks of records, and the evidence to be kept."""

    generation: int
    ledger: Ledger
    evidence: str = ""


def desired_children(
    state: State, observation: Observation, settings: CoreSettings, written: Written, now: datetime
) -> tuple[Manifest, ...]:
    """The children of this state; none before the first is allowed and none where the state is not understood."""
    sizes = replicas_of(state, observation.model.spec.serving.replicas)
    if not sizes:
        return ()
    model, parent = observation.model, Parent.of(observation.model)
    records = known_records(state, observation)
    active = {revision: records[revision] for revision in sizes if revision in records}
    kept = _kept(records, active, model.spec.revision_history_limit)
    scrapers = (settings.operator_namespace, *settings.monitoring_namespaces)
    return (
        *_records(state, parent, (*active.values(), *kept), written.ledger),
        table_child(state, observation, written.generation, now),
        *([evidence_child(parent, written.evidence)] if written.evidence else []),
        network_policy(
            parent, model.spec.serving.callers, scrapers, ports=opened_ports(each.template for each in active.values())
        ),
        *_of_revisions(state, parent, active, sizes=sizes, is_annotated=uses_annotations(model, observation.cluster)),
        stable_service(
            parent,
            _selector(state, observation),
            fence=str(written.generation),
            ports=answering_ports(state, observation),
        ),
        *_of_model(model, parent, observation.cluster),
    )


def replicas_of(state: State, asked: int) -> dict[str, int]:
    """Replicas of each revision that runs in this state, the one that answers first."""
    match state:
        case Unseen() | NotUnderstood():
            return {}
        case Starting(target):
            return {target.revision: asked}
        case Serving(stable):
            return {stable.revision: asked}
        case Progressing(stable, target, capacity):
            return {stable.revision: max(asked, capacity), target.revision: max(asked, capacity)}
        case Preparing(stable, canary, capacity) | Climbing(stable, canary, capacity):
            whole = max(asked, capacity)
            return {stable.revision: whole, canary.revision: _canary_size(state, whole)}
        case Withdrawing(stable, canary, capacity, canary_capacity):
            return {stable.revision: max(asked, capacity), canary.revision: canary_capacity}
        case Baking(stable, before, capacity):
            return {stable.revision: max(asked, capacity), before.revision: capacity}
        case Draining(stable, superseded, capacity):
            return {stable.revision: max(asked, capacity), superseded: capacity}
        case _:
            assert_never(state)


def _canary_size(state: Preparing | Climbing, whole: int) -> int:
    if state.is_promoted:
        return whole
    return state.ladder.capacity_from(max(state.rung, state.highest) if isinstance(state, Climbing) else 0, whole)


def stable_of(state: State) -> Revision | None:
    """The revision that answers by default."""
    match state:
        case Unseen() | Starting() | NotUnderstood():
            return None
        case _:
            return state.stable


def superseded_of(state: State) -> str:
    """The revision that was stable and still runs; empty where there is none."""
    match state:
        case Draining():
            return state.superseded
        case Baking():
            return state.before.revision
        case _:
            return ""


def table_of(state: State, observation: Observation) -> Table:
    """What the pods are to know in this state."""
    stable, superseded = stable_of(state), superseded_of(state)
    return table(
        Parent.of(observation.model),
        stable=stable.revision if stable else None,
        superseded=(superseded,) if superseded else (),
        peers=_peers(state, observation),
        canary=_canary_part(state, observation),
    )


def table_child(state: State, observation: Observation, generation: int, now: datetime) -> Manifest:
    """The routing ConfigMap."""
    parent = Parent.of(observation.model)
    until = grant(routing_of(observation), now)
    return routing(parent, table_of(state, observation), generation, not_after=until)


def peer_address(observation: Observation, revision: str) -> str:
    """Where this revision's pods take each other's requests: the address of its Service. Empty where it has none yet, or
    its pods, made by an older operator, have no such port."""
    service = find(observation, "Service", names.revision_object(observation.model.metadata.name, revision)) or {}
    spec = service.get("spec") or {}
    has_port = any(port.get("name") == "peer" for port in spec.get("ports") or ())
    return str(spec.get("clusterIP") or "") if has_port else ""


def _peers(state: State, observation: Observation) -> dict[str, str]:
    """Of whoever others send requests to: the canary on a rung, and the stable once there are superseded pods."""
    stable = stable_of(state)
    asked = [state.canary.revision] if isinstance(state, Climbing) else []
    asked += [stable.revision] if stable and superseded_of(state) else []
    found = {revision: peer_address(observation, revision) for revision in asked}
    return {revision: address for revision, address in found.items() if address}


def _canary_part(state: State, observation: Observation) -> dict[str, Any] | None:
    """The grant on a rung; before the first, only which inputs to look for."""
    if isinstance(state, Preparing):
        awaits = state.fit.awaits if state.fit else ()
        return {**_grant(state, observation, 0), "awaits": list(awaits)} if awaits else None
    if not isinstance(state, Climbing):
        return None
    return {
        **_grant(state, observation, state.on.weight),
        **({"mirror": True} if state.on.is_shadow else {}),
        **({"awaits": list(state.fit.awaits)} if state.fit.awaits else {}),
    }


def _grant(state: Preparing | Climbing, observation: Observation, weight: int) -> dict[str, Any]:
    canary, sticky, cutoff = state.canary, state.ladder.sticky, _cutoff(observation.model)
    return {
        "revision": canary.revision,
        "weight": weight,
        "mirror": False,
        "salt": f"{observation.model.metadata.name}/{canary.sha256}",
        **({"sticky": dict([sticky])} if sticky else {}),
        **({"cutoff": cutoff} if cutoff is not None else {}),
    }


def _cutoff(model: BankModel) -> float | None:
    """From which score on the decision is the other one, where the spec says so; else the card does."""
    asked = (check.decision_flips for check in model.spec.rollout.checks if check.decision_flips)
    return next((float(each.cutoff) for each in asked if each.cutoff is not None), None)


def answering_ports(state: State, observation: Observation) -> tuple[str, ...]:
    """The ports of the revision that callers reach, or will reach first: not those of one that is on its way."""
    first = state.target if isinstance(state, Starting) else stable_of(state)
    revision = _selector(state, observation).get(names.LABEL_REVISION) or (first.revision if first else "")
    record = known_records(state, observation).get(revision)
    return opened_ports([record.template]) if record else asked_ports(observation.model.spec)


def known_records(state: State, observation: Observation) -> dict[str, Record]:
    """The live records, and that of the target where it has none yet: rendered from the spec and the image
    that was saved with it, not from today's default."""
    records = live_records(observation)
    spec, model = observation.model.spec, observation.model.metadata.name
    inputs = inputs_of(spec)
    name = name_of(inputs)
    image = next((each.image for each in _revisions(state) if each.revision == name), "")
    if name in records or not image:
        return records
    template = pod_template(spec, model=model, revision=name, image=image)
    return {**records, name: Record(name, next_number(records), inputs=inputs, image=image, template=template)}


def uses_annotations(model: BankModel, cluster: ClusterFacts) -> bool:
    """Whether Prometheus is to find the pods by the annotations of their Service."""
    scrape = model.spec.monitoring.scrape
    return scrape == "Annotations" or (scrape == "Auto" and not cluster.pod_monitor)


def needed(observation: Observation) -> tuple[ObjectRef, ...]:
    """Every name the model needs now, to be looked up before a child is made: somebody else may have it."""
    model = observation.model
    own = names.revision_object(model.metadata.name, name_of(inputs_of(model.spec)))
    trial = (observation.status.get("rollout") or {}).get("state") in ("Preparing", "Climbing", "Withdrawing", "Baking")
    shared = [
        ObjectRef("v1", "Service", model.metadata.name),
        ObjectRef("v1", "ConfigMap", names.routing_configmap(model.metadata.name)),
        ObjectRef("networking.k8s.io/v1", "NetworkPolicy", model.metadata.name),
        ObjectRef("apps/v1", "ControllerRevision", own),
        ObjectRef("apps/v1", "Deployment", own),
        ObjectRef("v1", "Service", own),
        ObjectRef("policy/v1", "PodDisruptionBudget", own),
        *([ObjectRef("v1", "ConfigMap", names.evidence_configmap(model.metadata.name))] if trial else []),
    ]
    parent = Parent.of(model)
    return (*shared, *(names.ref_of(manifest) for manifest in _of_model(model, parent, observation.cluster)))


def _revisions(state: State) -> tuple[Revision, ...]:
    """The revisions that the state knows in full."""
    match state:
        case Starting(target):
            return (target,)
        case Progressing(stable, target):
            return (stable, target)
        case Preparing(stable, canary) | Climbing(stable, canary) | Withdrawing(stable, canary):
            return (stable, canary)
        case Baking(stable, before):
            return (stable, before)
        case Serving(stable) | Draining(stable):
            return (stable,)
        case Unseen() | NotUnderstood():
            return ()
        case _:
            assert_never(state)


def _records(state: State, parent: Parent, records: Iterable[Record], ledger: Ledger) -> Iterable[Manifest]:
    """With what is to survive a lost status. A bake is marked once it is completed."""
    baked = state.stable if isinstance(state, Serving) else None
    for record in records:
        yield record_manifest(parent, record, marks=ledger.marks(record.revision, baked))


def _of_revisions(
    state: State, parent: Parent, active: Mapping[str, Record], *, sizes: Mapping[str, int], is_annotated: bool
) -> Iterable[Manifest]:
    since = {each.revision: each.since for each in _revisions(state)}
    for revision, record in active.items():
        yield revision_service(
            parent,
            revision,
            is_annotated=is_annotated,
            ports=opened_ports([record.template]),
            has_peer=has_peer_port(record.template),
        )
        if sizes[revision] > 1:
            yield budget(parent, revision)
        # a superseded revision has no entry of its own: its role began with the drain
        role_since = since.get(revision) or (state.since if isinstance(state, Draining) else None)
        fence = format_time(role_since) if role_since else ""
        yield deployment(parent, record, sizes[revision], fence=fence)


def _of_model(model: BankModel, parent: Parent, cluster: ClusterFacts) -> Iterable[Manifest]:
    """What is there only where it is asked for."""
    monitoring, scaling = model.spec.monitoring, model.spec.serving.autoscaling
    if scaling:
        yield autoscaler(parent, scaling)
    if monitoring.scrape in ("Auto", "PodMonitor") and cluster.pod_monitor:
        yield pod_monitor(parent, monitoring.labels)


def _kept(records: Mapping[str, Record], active: Mapping[str, Record], limit: int) -> list[Record]:
    retired = [record for revision, record in records.items() if revision not in active]
    return sorted(retired, key=lambda record: (-record.number, record.revision))[:limit]


def _selector(state: State, observation: Observation) -> dict[str, str]:
    """The stable revision's pods, once one of them is ready; until then callers stay where they are.

    The guard matters after a crash between save and act: the pods that were ready may be gone by now.
    """
    stable, selected, model = stable_of(state), selected_revision(observation), observation.model.metadata.name
    if stable is None:
        return {}
    if ready_count(observation.pods, stable.revision):
        return names.selector(model, stable.revision)
    return names.selector(model, selected) if selected else {}
