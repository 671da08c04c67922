"""ControllerRevision: what a revision is, written once. Deployment, Service and PDB are made from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest


@dataclass(frozen=True, slots=True)
class Record:
    """`number`: counts the model's revisions up. `image`: the serving image as resolved back then."""

    revision: str
    number: int
    inputs: Mapping[str, Any]
    image: str
    template: Mapping[str, Any]


def record_manifest(parent: Parent, record: Record, *, marks: Mapping[str, str] | None = None) -> Manifest:
    """The ControllerRevision. Its `data` is immutable in the API server, too; `marks` are annotations, and are not."""
    name = names.revision_object(parent.name, record.revision)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": parent.metadata(name, revision=record.revision, annotations=marks),
        "revision": record.number,
        "data": {"inputs": record.inputs, "image": record.image, "template": record.template},
    }


def read_record(live: Manifest) -> Record:
    """The record in a live ControllerRevision of ours."""
    data = live["data"]
    return Record(
        revision=live["metadata"]["labels"][names.LABEL_REVISION],
        number=live["revision"],
        inputs=data["inputs"],
        image=data["image"],
        template=data["template"],
    )


def rebuilt_record(deployment: Manifest, *, revision: str, number: int, inputs: Mapping[str, Any]) -> Record:
    """For a record deleted by hand: what runs is recorded again, so that nothing restarts."""
    template = deployment["spec"]["template"]
    containers = template["spec"]["containers"]
    image = next(container["image"] for container in containers if container["name"] == names.CONTAINER_SERVING)
    return Record(revision, number, inputs=inputs, image=image, template=template)
