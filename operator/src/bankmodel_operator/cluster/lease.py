"""Who leads: one Lease, held by one replica, by the rules of client-go; used by `__main__`.

Whether another replica's lease ran out is judged only by the local monotonic time since its record last changed,
never by comparing clocks. The holder's own right to write (`Guard`) ends `renew_deadline` after the last renewal that
succeeded was *sent*, which is before any other replica may take over: a leader that froze and wakes late finds it shut.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import ClusterError, LeaseLost
from bankmodel_operator.cluster.resources import LEASES, Ref

__all__ = ["Elector", "Guard", "LeaseTimes"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeaseTimes:
    """duration > renew_deadline > retry_period, as in client-go (15 s, 10 s, 2 s)."""

    duration: timedelta
    renew_deadline: timedelta
    retry_period: timedelta


class Guard:
    """The right to write. Called before each request that changes something; raises LeaseLost when it has run out."""

    def __init__(self, renew_deadline: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._deadline_s = renew_deadline.total_seconds()
        self._clock = clock
        self._until = float("-inf")

    def __call__(self) -> None:
        if not self.holds:
            raise LeaseLost("the lease was not renewed in time: another replica may lead, nothing is written")

    @property
    def holds(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._until

    def renewed(self, sent_at: float) -> None:
        """A renewal sent at this monotonic moment succeeded."""
        self._until = sent_at + self._deadline_s

    def released(self) -> None:
        """Given up on purpose."""
        self._until = float("-inf")


class Elector:
    """Competes for the Lease `ref` as `identity`. `api` must not itself be guarded by `guard`."""

    def __init__(self, api: Api, ref: Ref, *, identity: str, times: LeaseTimes, guard: Guard) -> None:
        self._api = api
        self._ref = ref
        self._identity = identity
        self._times = times
        self._guard = guard
        self._seen: tuple[object, ...] | None = None
        self._seen_at = 0.0

    async def acquire(self) -> None:
        """Returns once this process leads."""
        while True:
            if await self._attempt_quietly():
                return
            await asyncio.sleep(self._patience_s())

    async def keep(self) -> None:
        """Renews until the lease is lost, then returns: whoever called must end the process."""
        while self._guard.holds:
            await asyncio.sleep(self._times.retry_period.total_seconds() * random.uniform(0.7, 1.0))
            await self._attempt_quietly()

    async def release(self) -> None:
        """Hands the lease back, so that the other replica need not wait for it to run out."""
        self._guard.released()
        lease = await self._api.get(self._ref)
        if lease is None or _spec(lease).get("holderIdentity") != self._identity:
            return
        free = {"holderIdentity": "", "renewTime": _now(), "leaseDurationSeconds": 1}
        await self._api.put({**lease, "spec": {**_spec(lease), **free}})

    def _patience_s(self) -> float:
        """Until the next try: the retry period, but not past the moment the holder's lease may run out."""
        period_s = self._times.retry_period.total_seconds() * random.uniform(0.7, 1.0)
        runs_out_s = self._seen_at + self._times.duration.total_seconds() - time.monotonic()
        return min(period_s, runs_out_s) if runs_out_s > 0 else period_s

    async def _attempt_quietly(self) -> bool:
        try:
            async with asyncio.timeout(self._times.renew_deadline.total_seconds() / 2):
                return await self._attempt()
        except (TimeoutError, ClusterError) as error:
            log.warning("could not acquire or renew the lease", extra={"lease": str(self._ref), "error": str(error)})
            return False

    async def _attempt(self) -> bool:
        sent_at = time.monotonic()
        lease = await self._api.get(self._ref)
        if lease is None:
            await self._api.create(self._fresh())
        elif self._is_free(lease):
            await self._api.put(self._claimed(lease))  # carries the resourceVersion: 409 when raced
        else:
            self._guard.released()  # somebody else leads, however that came: not one more write
            return False
        self._guard.renewed(sent_at)
        return True

    def _is_free(self, lease: Object) -> bool:
        spec = _spec(lease)
        record = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))
        if record != self._seen:
            self._seen, self._seen_at = record, time.monotonic()
        holder = spec.get("holderIdentity")
        if not holder or holder == self._identity:
            return True
        return time.monotonic() >= self._seen_at + float(spec.get("leaseDurationSeconds") or 0)

    def _fresh(self) -> Object:
        ref = self._ref
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {**self._renewal(), "acquireTime": _now(), "leaseTransitions": 0},
        }

    def _claimed(self, lease: Object) -> Object:
        spec = _spec(lease)
        if spec.get("holderIdentity") == self._identity:
            return {**lease, "spec": {**spec, **self._renewal()}}
        transitions = int(spec.get("leaseTransitions") or 0) + 1
        taken = {**spec, **self._renewal(), "acquireTime": _now(), "leaseTransitions": transitions}
        return {**lease, "spec": taken}

    def _renewal(self) -> Object:
        # The API knows whole seconds; rounding up is the safe side.
        seconds = max(1, -int(-self._times.duration.total_seconds() // 1))
        return {"holderIdentity": self._identity, "leaseDurationSeconds": seconds, "renewTime": _now()}


def _spec(lease: Object) -> Object:
    """Empty for a Lease that somebody made without one: nobody holds it."""
    return dict(lease.get("spec") or {})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
