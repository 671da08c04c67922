"""What must never be seen of pods during a rollout, whatever the API server holds. Used by tests and by `make verify-rollout`.

What they really send, who was really ready, and whose answers really reached callers: `pod_looks`. The objects are only asked when something
was granted or decided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from support.history import Change
from support.pod_looks import Answer, Look
from support.rollout_rules import routing_table

__all__ = ["longest_after_rejection", "rules_broken_by_pods"]

_LAST_ANSWER_S = 1.0
"""A request that was under way when the table was written may still be answered."""
Object = Mapping[str, Any]


def rules_broken_by_pods(
    changes: Sequence[Change],
    *,
    answers: Sequence[Answer] = (),
    looks: Iterable[Look] = (),
    refused: Mapping[str, Sequence[int]] | None = None,
) -> list[str]:
    """A sentence for each thing that was not allowed; empty as it should be. `refused`: lower generations that pods were shown."""
    tables = list(_tables(changes))
    shown = [f"pod {name} was shown lower generations: {list(found)}" for name, found in (refused or {}).items()]
    return [*_of_looks(looks), *_of_the_withdrawn(tables, answers), *_of_rises(changes, tables, answers), *shown]


def longest_after_rejection(changes: Sequence[Change], answers: Sequence[Answer]) -> float:
    """How long at most callers still had answers of a revision after it was rejected, in seconds."""
    longest = 0.0
    for model, revision, since, until in _rejections(changes):
        late = [each.at - since for each in answers if (each.model, each.revision) == (model, revision) and each.count]
        longest = max([longest, *(seconds for seconds in late if 0 < seconds < until - since)])
    return longest


# At a moment


def _of_looks(looks: Iterable[Look]) -> Iterator[str]:
    before: dict[str, Look] = {}
    for look in looks:
        for said in (*_of_what_is_sent(look), *_of_what_answers(before.get(look.model), look)):
            yield f"{look.model}: {said}"
        before[look.model] = look


def _of_what_is_sent(look: Look) -> Iterator[str]:
    for (sender, to), weight in look.sends.items():
        has, whole = look.ready.get(to, 0), look.ready.get(sender, 0)
        if not has:
            yield f"pods of {sender} send {weight} % to {to}, of which none is ready"
        elif has < math.ceil(whole * weight / 100):
            yield f"{whole} pods of {sender} send {weight} % to {has} of {to}"


def _of_what_answers(before: Look | None, look: Look) -> Iterator[str]:
    """Pods of the fake node do not fail, so that only the operator takes them away. A first revision comes as it comes."""
    if before is None or not before.selected:
        return
    had, has = before.ready.get(before.selected, 0), look.ready.get(look.selected, 0)
    if has < had:
        yield f"callers reach {has} ready pods of {look.selected or 'nothing'}, and had {had} of {before.selected}"


# Once withdrawn


class _Told(NamedTuple):
    """A model's table from this write on."""

    model: str
    version: int
    at: float
    table: Object

    def lets_answer(self, revision: str) -> bool:
        return revision in ((self.table.get("canary") or {}).get("revision"), self.table.get("stable"))

    @property
    def grant(self) -> tuple[str, int]:
        canary = self.table.get("canary") or {}
        return canary.get("revision", ""), canary.get("weight", 0)


def _tables(changes: Iterable[Change]) -> Iterator[_Told]:
    for each in changes:
        if each.kind == "ConfigMap" and each.name.endswith("-routing"):
            yield _Told(each.name.removesuffix("-routing"), each.version, each.at, routing_table(each.after or {}))


def _of_the_withdrawn(tables: Sequence[_Told], answers: Iterable[Answer]) -> Iterator[str]:
    """A canary whose grant was taken away answers nobody any more, until it is granted anything again."""
    for model, revision, since, until in _withdrawn(tables):
        mine = [each for each in answers if (each.model, each.revision) == (model, revision) and each.count]
        late = [each for each in mine if since + _LAST_ANSWER_S < each.at < until]
        if late:
            seconds = max(each.at for each in late) - since
            count = sum(each.count for each in late)
            yield f"{model}: {revision} answered {count} requests up to {seconds:.1f} s after it was withdrawn"


def _withdrawn(tables: Sequence[_Told]) -> Iterator[tuple[str, str, float, float]]:
    """Model, revision, and from when to when it had nothing to answer."""
    for model in {each.model for each in tables}:
        mine = [each for each in tables if each.model == model]
        for number, (was, now) in enumerate(pairwise(mine)):
            canary, _ = was.grant
            if canary and not now.lets_answer(canary):
                again = next((each.at for each in mine[number + 2 :] if each.lets_answer(canary)), math.inf)
                yield model, canary, now.at, again


def _rejections(changes: Sequence[Change]) -> Iterator[tuple[str, str, float, float]]:
    """Model, revision, when it was rejected, and until when it stayed so."""
    for model in {each.name for each in changes if each.kind == "BankModel"}:
        mine = [
            (each.at, _rejected(each.after or {})) for each in changes if (each.kind, each.name) == ("BankModel", model)
        ]
        for number, ((_, was), (at, now)) in enumerate(pairwise(mine)):
            for revision in now - was:
                again = next((when for when, each in mine[number + 2 :] if revision not in each), math.inf)
                yield model, revision, at, again


def _rejected(model: Object) -> set[str]:
    entries = (model.get("status") or {}).get("rejected", ())
    return {each["revision"] for each in entries if not each.get("again")}


# Before a rise


def _of_rises(changes: Iterable[Change], tables: Sequence[_Told], answers: Sequence[Answer]) -> Iterator[str]:
    """Before each further step enough requests went to the canary by this step's weight, and few enough of them failed."""
    last: dict[str, Object] = {}
    for change in changes:
        if change.kind != "BankModel":
            continue
        before, now = last.get(change.name, {}), change.after or {}
        last[change.name] = now
        if _is_risen(before, now):
            canary, weight = before["status"]["canary"]["revision"], before["status"]["rollout"]["weight"]
            since = _granted_since(tables, change, (canary, weight))
            mine = [
                each for each in answers if (each.model, each.revision, each.weight) == (change.name, canary, weight)
            ]
            met = [each for each in mine if since <= each.at <= change.at]
            yield from _of_rise(change.name, before, sum(each.count for each in met), sum(each.failed for each in met))


def _is_risen(before: Object, now: Object) -> bool:
    was, then = ((each.get("status") or {}).get("rollout") or {} for each in (before, now))
    is_climbing = (was.get("state"), then.get("state")) == ("Climbing", "Climbing")
    return is_climbing and then["step"] > was["step"] and not then.get("promotionOrdered")


def _of_rise(name: str, before: Object, answered: int, failed: int) -> Iterator[str]:
    asked, rollout = before["spec"]["rollout"], before["status"]["rollout"]
    if answered + failed < asked["minRequests"]:
        yield f"{name}: rises above {rollout['weight']} % after {answered + failed} of {asked['minRequests']} requests"
    limits = [float(each["errorRate"]["max"].rstrip("%")) for each in asked["checks"] if "errorRate" in each]
    if limits and failed * 100 > min(limits) * (answered + failed):
        yield f"{name}: rises above {rollout['weight']} % though {failed} of {answered + failed} requests failed"


def _granted_since(tables: Iterable[_Told], change: Change, grant: tuple[str, int]) -> float:
    """Since when the table granted this without a break as the change was made, which may be heard of late; never: it did not."""
    since = math.inf
    for told in tables:
        if told.model == change.name and told.version < change.version:
            since = math.inf if told.grant != grant else min(since, told.at)
    return since
