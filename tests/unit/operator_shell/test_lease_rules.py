"""The election's rules against a Lease held in memory; the same rules meet a real apiserver in tests/control_plane."""

from __future__ import annotations

import asyncio
import copy
import time
from datetime import timedelta
from typing import Any, cast

import pytest

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import Conflict, LeaseLost, Unavailable
from bankmodel_operator.cluster.lease import Elector, Guard, LeaseTimes
from bankmodel_operator.cluster.resources import LEASES, Ref

pytestmark = pytest.mark.asyncio

REF = Ref(LEASES, "bankmodel-system", "bankmodel-operator")
TIMES = LeaseTimes(timedelta(seconds=1), timedelta(milliseconds=200), timedelta(milliseconds=20))


class LeaseStore:
    """The apiserver's side of one Lease: resourceVersions, conflicts, outages."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.version = 0
        self.is_down = False
        self.puts = 0

    async def get(self, _ref: Ref) -> Object | None:
        self._answer()
        return copy.deepcopy(self.lease)

    async def create(self, body: Object) -> Object:
        self._answer()
        if self.lease is not None:
            raise Conflict("exists")
        return self._store(body)

    async def put(self, body: Object, _subresource: str = "") -> Object:
        self._answer()
        self.puts += 1
        if self.lease is None or body["metadata"].get("resourceVersion") != str(self.version):
            raise Conflict("changed")
        return self._store(body)

    def _answer(self) -> None:
        if self.is_down:
            raise Unavailable("down")

    def _store(self, body: Object) -> Object:
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return self.lease

    @property
    def holder(self) -> Any:
        assert self.lease is not None
        return self.lease["spec"]["holderIdentity"]


def candidate(store: LeaseStore, name: str) -> tuple[Elector, Guard]:
    guard = Guard(TIMES.renew_deadline)
    return Elector(cast(Api, store), REF, identity=name, times=TIMES, guard=guard), guard


def held_by(name: str, *, duration_s: int = 1) -> LeaseStore:
    store = LeaseStore()
    spec = {"holderIdentity": name, "leaseDurationSeconds": duration_s, "renewTime": "2001-01-01T00:00:00.000000Z"}
    store._store({"metadata": {"name": REF.name}, "spec": {**spec, "leaseTransitions": 4}})
    return store


async def test_the_first_candidate_leads() -> None:
    store = LeaseStore()
    elector, guard = candidate(store, "a")
    await asyncio.wait_for(elector.acquire(), 1)

    assert (store.holder, guard.holds) == ("a", True)


async def test_nobody_may_write_before_leading() -> None:
    with pytest.raises(LeaseLost):
        Guard(TIMES.renew_deadline)()


async def test_a_held_lease_is_respected_however_old_its_time_looks() -> None:
    store = held_by("b", duration_s=3600)
    elector, guard = candidate(store, "a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(elector.acquire(), 0.1)

    assert (store.holder, guard.holds) == ("b", False)


async def test_a_lease_that_is_not_renewed_is_taken_over_after_its_duration() -> None:
    store = held_by("b", duration_s=1)
    elector, _ = candidate(store, "a")
    started = time.monotonic()
    await asyncio.wait_for(elector.acquire(), 3)

    assert store.holder == "a"
    assert time.monotonic() - started >= 1.0
    assert store.lease is not None
    assert store.lease["spec"]["leaseTransitions"] == 5


async def test_a_released_lease_is_taken_at_once() -> None:
    store = held_by("b")
    leader, _ = candidate(store, "b")
    await leader.acquire()
    await leader.release()
    elector, _ = candidate(store, "a")
    await asyncio.wait_for(elector.acquire(), 0.5)

    assert store.holder == "a"


async def test_releasing_takes_nothing_from_a_successor() -> None:
    store = held_by("b")
    leader, _ = candidate(store, "a")
    await leader.release()

    assert store.holder == "b"


async def test_whoever_released_may_not_write() -> None:
    store = LeaseStore()
    elector, guard = candidate(store, "a")
    await elector.acquire()
    await elector.release()

    assert not guard.holds


async def test_the_guard_shuts_when_renewals_fail() -> None:
    store = LeaseStore()
    elector, guard = candidate(store, "a")
    await elector.acquire()
    store.is_down = True
    await asyncio.wait_for(elector.keep(), 2)

    assert not guard.holds


async def test_the_guard_counts_from_when_the_renewal_was_sent() -> None:
    clock = [100.0]
    guard = Guard(timedelta(seconds=10), clock=lambda: clock[0])
    guard.renewed(sent_at=95.0)
    clock[0] = 104.9
    assert guard.holds
    clock[0] = 105.0

    assert not guard.holds


async def test_of_two_candidates_one_leads() -> None:
    store = LeaseStore()
    (first, one), (second, two) = candidate(store, "a"), candidate(store, "b")
    waiting = [asyncio.create_task(elector.acquire()) for elector in (first, second)]
    await asyncio.wait(waiting, timeout=0.1)

    assert [one.holds, two.holds].count(True) == 1
    for task in waiting:
        task.cancel()


async def test_a_leader_keeps_renewing_while_all_is_well() -> None:
    store = LeaseStore()
    elector, guard = candidate(store, "a")
    await elector.acquire()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(elector.keep(), 0.5)

    assert guard.holds
    assert store.puts > 5


async def test_a_leader_that_sees_another_holder_writes_no_more() -> None:
    store = LeaseStore()
    elector, guard = candidate(store, "a")
    await elector.acquire()
    assert store.lease is not None
    store.lease["spec"]["holderIdentity"] = "b"  # by hand: the lease has not run out
    await asyncio.wait_for(elector.keep(), TIMES.renew_deadline.total_seconds() * 0.9)

    assert not guard.holds
    assert store.holder == "b"


async def test_a_lease_made_by_hand_without_a_spec_is_free() -> None:
    store = LeaseStore()
    store._store({"metadata": {"name": REF.name}})
    elector, _ = candidate(store, "a")
    await asyncio.wait_for(elector.acquire(), 1)

    assert store.holder == "a"
