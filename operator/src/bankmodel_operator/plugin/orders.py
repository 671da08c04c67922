"""The orders: what each writes into the BankModel, what that does, and what Git would say instead. Pure.

An order by annotation stands above the spec, and names the revision it is about: given a moment too late, to another
revision than its giver saw, it does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bankmodel_operator.api.v1alpha1.status import RejectedEntry
from bankmodel_operator.core import names
from bankmodel_operator.core.states import Baking, Climbing, Preparing, Revision, State
from bankmodel_operator.plugin.errors import Refused
from bankmodel_operator.plugin.seen import Seen

__all__ = ["Order", "abort", "lift_used_promotion", "pause", "promote", "resume", "retry"]

_RETRY_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Order:
    """A merge patch, and what its giver is told. `wrote` and `in_git` are lines; `notes` warn."""

    patch: dict[str, Any]
    effect: str
    wrote: tuple[str, ...]
    in_git: tuple[str, ...]
    notes: tuple[str, ...] = ()


def promote(model: Seen) -> Order:
    """Skip the rest of the ladder, or end the bake."""
    revision = _on_trial(model, "promote")
    if model.annotations.get(names.ANNOTATION_ABORT, "").strip() == revision.revision:
        raise Refused(
            f"revision {_named(revision)} is ordered back by the annotation {names.ANNOTATION_ABORT}, which stands above "
            "a promotion. Wait until it is gone, then retry it"
        )
    effect = (
        f"The bake of revision {_named(revision)} ends now: the old revision drains, and the way back is the long one."
        if isinstance(model.state, Baking)
        else f"Revision {_named(revision)} gets all requests as soon as its pods are ready for them, whatever the checks "
        "do not know yet; one that says FAIL still takes it back."
    )
    return _annotate(
        model, names.ANNOTATION_PROMOTE, revision, effect, _git_annotation(names.ANNOTATION_PROMOTE, revision)
    )


def abort(model: Seen) -> Order:
    """Take the canary back, or in bake return to the revision before."""
    revision = _on_trial(model, "abort")
    back = _goes_back_to(model.state) or revision
    effect = (
        f"Revision {_named(revision)} gets no requests any more, and is not tried again by itself; "
        f"revision {_named(back)} serves."
    )
    in_git = (
        f"the model that serves, spec.model.version: {back.version!r} with its sha256 and source.",
        "Until then the BankModel shows Ready=False, reason RolledBack: the spec asks for what was taken back.",
    )
    return _annotate(model, names.ANNOTATION_ABORT, revision, effect, in_git)


def pause(model: Seen, reason: str) -> Order:
    """Keep the weight from rising. Down it can go at any time."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise Refused("a pause needs a reason in words: --reason 'fraud team looks at it'")
    effect = (
        "The weight stays where it is. A failed check still takes the canary back."
        if isinstance(model.state, Preparing | Climbing)
        else "Nothing climbs a ladder now; the next canary waits before its first step."
    )
    notes = ("A bake is not held: end it with promote or abort.",) if isinstance(model.state, Baking) else ()
    return Order(
        _annotations({names.ANNOTATION_PAUSED: reason}),
        effect,
        (_line(names.ANNOTATION_PAUSED, reason),),
        ("spec.rollout.paused: true",),
        notes,
    )


def resume(model: Seen) -> Order:
    """Take the annotation away; what the spec holds it still holds."""
    others = tuple(
        f"{field} is still true: set it to false in Git, or where the BankModel is written."
        for field, is_set in (("spec.rollout.paused", model.spec.rollout.paused), ("spec.suspend", model.spec.suspend))
        if is_set
    )
    if names.ANNOTATION_PAUSED not in model.annotations:
        raise Refused(f"no annotation pauses {model.name}. {' '.join(others) or 'Nothing else does, either.'}".strip())
    effect = (
        "The annotation is gone; the rollout stays held." if others else "The rollout goes on when its checks allow it."
    )
    wrote = (f"metadata.annotations: without {names.ANNOTATION_PAUSED}",)
    return Order(
        _annotations({names.ANNOTATION_PAUSED: None}), effect, wrote, ("spec.rollout.paused: false",), notes=others
    )


def retry(model: Seen, token: str, now: datetime) -> Order:
    """Try a revision that was taken back once more, from the first step; an old order about it is taken away with it."""
    entries = _rejections(model)
    token = token.strip() or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if len(token) > _RETRY_LIMIT:
        raise Refused(f"--token has {len(token)} characters; at most {_RETRY_LIMIT} are taken, such as a ticket number")
    if token in {model.spec.rollout.retry, *(each.retry for each in entries)}:
        raise Refused(
            f"{token!r} has been used: only a text that was not there before tries again. Take another --token"
        )
    old = [
        annotation
        for annotation in (names.ANNOTATION_ABORT, names.ANNOTATION_PROMOTE)
        if model.annotations.get(annotation, "").strip() in {each.revision for each in entries}
    ]
    patch: dict[str, Any] = {"spec": {"rollout": {"retry": token}}}
    if old:
        patch |= _annotations(dict.fromkeys(old))
    version = model.spec.model.version
    return Order(
        patch,
        f"Version {version} is tried once more, from the first step.",
        (
            f'spec.rollout.retry: "{token}"',
            *(f"metadata.annotations: without {annotation}, left over from before" for annotation in old),
        ),
        ("spec:", "  rollout:", f'    retry: "{token}"'),
        notes=(
            "This is a part of the spec. Commit the same line: a GitOps tool puts back what Git says, and another text "
            "there would be one more try.",
        ),
    )


def lift_used_promotion(model: Seen) -> Order | None:
    """In bake, where the order that promoted the revision still stands: it must be gone, and seen to be gone, before the
    same order can end the bake. None where nothing is in the way."""
    state = model.state
    is_used = isinstance(state, Baking) and state.is_ordered
    if not is_used or names.ANNOTATION_PROMOTE not in model.annotations:
        return None
    wrote = (f"metadata.annotations: without {names.ANNOTATION_PROMOTE}, used for the promotion",)
    return Order(_annotations({names.ANNOTATION_PROMOTE: None}), "", wrote, ())


def _on_trial(model: Seen, verb: str) -> Revision:
    """Whom the order is about."""
    revision = model.on_trial
    if revision is not None:
        return revision
    hint = f"Look at it with: kubectl bankmodel rollout status {model.name}"
    if (
        model.condition("Ready")
        and model.status.rejected
        and model.spec.model.sha256 == model.status.rejected[0].sha256
    ):
        hint = f"What the spec asks for was taken back; try it once more with: kubectl bankmodel rollout retry {model.name}"
    raise Refused(f"there is nothing to {verb}: no revision of {model.name} is on trial or in bake. {hint}")


def _goes_back_to(state: State) -> Revision | None:
    match state:
        case Preparing() | Climbing():
            return state.stable
        case Baking():
            return state.before
        case _:
            return None


def _rejections(model: Seen) -> tuple[RejectedEntry, ...]:
    """Those of the model that the spec asks for."""
    if model.on_trial is not None and model.on_trial.sha256 == model.spec.model.sha256:
        raise Refused(f"revision {_named(model.on_trial)} is on trial, or in bake, already; there is nothing to retry")
    found = tuple(each for each in model.status.rejected if each.sha256 == model.spec.model.sha256)
    if not found:
        raise Refused(
            f"the model that the spec asks for (version {model.spec.model.version}) was not taken back, so there is nothing "
            f"to retry. What was: kubectl bankmodel rollout history {model.name}"
        )
    return found


def _annotate(model: Seen, annotation: str, revision: Revision, effect: str, in_git: tuple[str, ...]) -> Order:
    is_promotion = annotation == names.ANNOTATION_PROMOTE
    notes = tuple(f"It waits until then: {each}." for each in model.pauses) if is_promotion else ()
    return Order(
        _annotations({annotation: revision.revision}), effect, (_line(annotation, revision.revision),), in_git, notes
    )


def _annotations(values: dict[str, str | None]) -> dict[str, Any]:
    return {"metadata": {"annotations": values}}


def _line(annotation: str, value: str) -> str:
    return f'metadata.annotations: {annotation}: "{value}"'


def _git_annotation(annotation: str, revision: Revision) -> tuple[str, ...]:
    return ("metadata:", "  annotations:", f'    {annotation}: "{revision.revision}"')


def _named(revision: Revision) -> str:
    return f"{revision.revision} (version {revision.version})"
