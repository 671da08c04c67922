"""What keeps a revision from being started at all, found before any child is made."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.conditions import Outlook, Reason
from bankmodel_operator.core.names import ref_of
from bankmodel_operator.core.observation import Manifest, Observation
from bankmodel_operator.core.plan import is_leaving


def obstacle(observation: Observation, *, is_new: bool) -> Outlook | None:
    """The first obstacle; `is_new`: the spec's revision does not run yet, so that its source matters, too."""
    taken = [each for each in observation.foreign if not is_leftover(each, observation)]
    if taken:
        return _name_taken(taken[0], observation)
    if observation.foreign:
        return _leftover(observation.foreign[0])
    if is_new and observation.model.spec.model.source.image and not observation.cluster.image_volumes:
        return _source_unsupported(observation)
    return None


def is_leftover(manifest: Manifest, observation: Observation) -> bool:
    """Whether it belongs to a deleted model of the same name, or is being deleted: it goes by itself."""
    metadata = observation.model.metadata
    owner = _controller(manifest)
    is_namesake = (owner.get("kind"), owner.get("name")) == (names.KIND, metadata.name)
    return is_leaving(manifest) or (is_namesake and owner.get("uid") != metadata.uid)


def _name_taken(manifest: Manifest, observation: Observation) -> Outlook:
    owner = _controller(manifest)
    held = f"{owner['kind']} {owner['name']}" if owner else f"no owner; made by {_manager(manifest)}"
    message = (
        f"{ref_of(manifest)} exists in namespace {observation.model.metadata.namespace} and is not this BankModel's "
        f"(it belongs to {held}). Delete or rename it, or give the BankModel another name; until then nothing is made."
    )
    return Outlook("Stuck", Reason.NAME_TAKEN, message)


def _leftover(manifest: Manifest) -> Outlook:
    message = f"{ref_of(manifest)} of a deleted BankModel of this name is still being removed; waiting for its end."
    return Outlook("Moving", Reason.WAITING_FOR_LEFTOVERS, message)


def _source_unsupported(observation: Observation) -> Outlook:
    version = observation.cluster.version or "of this version"
    message = (
        f"spec.model.source.image needs image volumes, which this cluster ({version}) does not have. "
        "Use spec.model.source.http, s3 or volume, or a cluster with image volumes (Kubernetes 1.35 or later)."
    )
    return Outlook("Stuck", Reason.SOURCE_UNSUPPORTED, message)


def _controller(manifest: Manifest) -> Manifest:
    owners = manifest["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def _manager(manifest: Manifest) -> str:
    managers = [each.get("manager") for each in manifest["metadata"].get("managedFields") or ()]
    return next((str(manager) for manager in managers if manager), "somebody unknown")
