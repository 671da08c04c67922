"""Look-ups in an Observation: which of our objects is where, and what the stable Service selects."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.children.record import Record, read_record, rebuilt_record
from bankmodel_operator.core.observation import Manifest, Observation
from bankmodel_operator.core.revision import inputs_of, name_of


def find(observation: Observation, kind: str, name: str) -> Manifest | None:
    """Our object of this kind and name."""
    fits = (each for each in observation.owned if each["kind"] == kind and each["metadata"]["name"] == name)
    return next(fits, None)


def routing_of(observation: Observation) -> Manifest | None:
    """The live routing ConfigMap."""
    return find(observation, "ConfigMap", names.routing_configmap(observation.model.metadata.name))


def deployment_of(observation: Observation, revision: str) -> Manifest | None:
    return find(observation, "Deployment", names.revision_object(observation.model.metadata.name, revision))


def selected_revision(observation: Observation) -> str:
    """The revision that the stable Service sends its callers to; empty before there is one."""
    service = find(observation, "Service", observation.model.metadata.name) or {}
    selector = service.get("spec", {}).get("selector") or {}
    return str(selector.get(names.LABEL_REVISION, ""))


def live_records(observation: Observation) -> dict[str, Record]:
    """Every recorded revision; one whose record was deleted by hand is read back from what runs."""
    recorded = [read_record(each) for each in observation.owned if each["kind"] == "ControllerRevision"]
    records = {record.revision: record for record in recorded}
    return {**_rebuilt(observation, next_number(records)), **records}


def next_number(records: dict[str, Record]) -> int:
    return max((record.number for record in records.values()), default=0) + 1


def _rebuilt(observation: Observation, number: int) -> dict[str, Record]:
    asked = inputs_of(observation.model.spec)
    found: dict[str, Record] = {}
    for deployment in (each for each in observation.owned if each["kind"] == "Deployment"):
        revision = deployment["metadata"].get("labels", {}).get(names.LABEL_REVISION, "")
        if revision:
            inputs = asked if name_of(asked) == revision else {}
            found[revision] = rebuilt_record(deployment, revision=revision, number=number, inputs=inputs)
    return found
