"""What pods of the fake node would answer on their metrics port if they ran: they obey the routing table that really is in the API server.

KWOK gives them addresses on loopback. Each listens there, reads its model's table some time after it was written, splits requests
that come at a steady rate, and counts; the operator scrapes them by its ordinary setting `BANKMODEL_SCRAPE_PORT`. Tests make
revisions fail, fall silent, hang, or describe themselves otherwise.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from support.history import History
from support.loop_thread import LoopThread
from support.pod_looks import Answer, Look, Looks

__all__ = ["ScoringPods"]

_TICK_S = 0.1
_MODEL, _REVISION = "serving.bankmodel.io/model", "serving.bankmodel.io/revision"
_HANG_S = 30.0
Table = Mapping[str, Any]


@dataclass
class _Pod:
    """One pod and what it has counted. `refused`: tables it did not take, for a lower generation."""

    name: str
    model: str
    revision: str
    version: str
    site: web.TCPSite
    table: Table = field(default_factory=dict)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: list[int] = field(default_factory=list)
    carry: float = 0.0

    @property
    def generation(self) -> int:
        return int(self.table.get("generation", 0))

    def read(self, table: Table) -> None:
        """A lower generation than the one in force is refused."""
        if int(table.get("generation", 0)) < self.generation:
            self.refused.append(int(table.get("generation", 0)))
            return
        self.table = table

    @property
    def grant(self) -> Mapping[str, Any]:
        """The canary's part, as long as it is valid."""
        found: Mapping[str, Any] = self.table.get("canary") or {}
        is_valid = "notAfter" in found and datetime.fromisoformat(found["notAfter"]) > datetime.now(UTC)
        return found if is_valid else {}

    @property
    def weight(self) -> int:
        """What it really sends on."""
        return int(self.grant.get("weight", 0)) if self.table.get("stable") == self.revision else 0

    @property
    def mirrors(self) -> bool:
        return self.table.get("stable") == self.revision and bool(self.grant.get("mirror"))

    def takes_from(self, sender: str) -> bool:
        """As a canary, by its own table."""
        is_canary = self.grant.get("revision") == self.revision and self.table.get("stable") == sender
        return is_canary and bool(self.grant.get("weight") or self.grant.get("mirror"))


class ScoringPods:
    """A context manager over a `History`. `settings` is what the operator needs to find them.

    `rate`: requests a second for each model. `failing`: share of requests that pods of a version fail. `silent`: versions that do not
    answer scrapes; `hanging`: that take them and never answer. `lag_s`: after how long a pod has read a new table; `deaf`: versions
    that never do. `inputs`: what a version needs beside `features`.
    """

    def __init__(self, history: History, *, rate: float = 200.0) -> None:
        self._history, self.rate = history, rate
        self.failing: dict[str, float] = {}
        self.silent: set[str] = set()
        self.hanging: set[str] = set()
        self.deaf: set[str] = set()
        self.inputs: dict[str, tuple[str, ...]] = {}
        self.lag_s = 0.0
        self.answers: list[Answer] = []
        self.looks = Looks()
        self.broke = ""
        """How the stand-in itself came to an end; empty as it should be."""
        self.port = _free_port()
        self._pods: dict[str, _Pod] = {}
        self._written: dict[str, tuple[float, Table]] = {}
        self._thread = LoopThread()

    @property
    def settings(self) -> dict[str, str]:
        return {"BANKMODEL_SCRAPE_PORT": str(self.port), "BANKMODEL_SCRAPE_INTERVAL": "500ms"}

    @property
    def refused(self) -> dict[str, list[int]]:
        """Lower generations that pods were shown, by pod; empty as it should be."""
        return {pod.name: pod.refused for pod in tuple(self._pods.values()) if pod.refused}

    def __enter__(self) -> Self:
        self._thread.begin(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.end(self._stop())

    # The life of pods

    async def _start(self) -> None:
        app = web.Application()
        paths = {"/metrics": self._metrics, "/readyz": self._readyz, "/model": self._model}
        app.add_routes([web.get(path, handler) for path, handler in paths.items()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self._ticking = asyncio.create_task(self._tick())

    async def _stop(self) -> None:
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        await self._runner.cleanup()

    async def _tick(self) -> None:
        last = time.monotonic()
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                now = time.monotonic()
                await self._keep_pods()
                self._read_tables(now)
                self._look(now)
                self._serve(now - last)
                last = now
        except Exception as error:
            self.broke = f"the pods' stand-in ended: {error!r}"
            raise

    async def _keep_pods(self) -> None:
        running = {pod["status"]["podIP"]: pod for pod in self._history.of_kind("Pod") if _is_ready(pod)}
        for address in self._pods.keys() - running.keys():
            await self._pods.pop(address).site.stop()
        for address in running.keys() - self._pods.keys():
            labels = running[address]["metadata"]["labels"]
            site = web.TCPSite(self._runner, address, self.port)
            try:
                await site.start()
            except OSError:
                continue  # somebody else has the port at this address for a moment; it is tried again at the next tick
            self._pods[address] = _Pod(
                running[address]["metadata"]["name"],
                labels.get(_MODEL, ""),
                labels.get(_REVISION, ""),
                _version(running[address]),
                site,
            )

    def _read_tables(self, now: float) -> None:
        for each in self._history.of_kind("ConfigMap"):
            text = each.get("data", {}).get("table.json")
            if text is None:
                continue
            table, model = json.loads(text), each["metadata"]["labels"].get(_MODEL, "")
            if model not in self._written or self._written[model][1] != table:
                self._written[model] = (now, table)
        for pod in self._pods.values():
            since, table = self._written.get(pod.model, (now, {}))
            is_due = not pod.table or now - since >= self.lag_s
            if is_due and pod.version not in self.deaf and table and table != pod.table:
                pod.read(table)

    def _look(self, now: float) -> None:
        """As they all are now, every model that is there."""
        ready, sends = defaultdict[str, Counter[str]](Counter), defaultdict[str, dict[tuple[str, str], int]](dict)
        for pod in self._pods.values():
            ready[pod.model][pod.revision] += 1
            if pod.weight:
                way = pod.revision, str(pod.grant["revision"])
                sends[pod.model][way] = max(pod.weight, sends[pod.model].get(way, 0))
        services = {each["metadata"]["name"]: each for each in self._history.of_kind("Service")}
        for model in [each["metadata"]["name"] for each in self._history.of_kind("BankModel")]:
            selector = services.get(model, {"spec": {}})["spec"].get("selector") or {}
            self.looks.add(Look(now, model, selector.get(_REVISION, ""), ready[model], sends[model]))

    def _serve(self, seconds: float) -> None:
        for service in self._history.of_kind("Service"):
            selector = service["spec"].get("selector") or {}
            is_stable = service["metadata"]["name"] == selector.get(_MODEL) and _REVISION in selector
            pods = [pod for pod in self._pods.values() if pod.revision == selector.get(_REVISION)] if is_stable else []
            mine = [pod for pod in pods if pod.model == selector.get(_MODEL)]
            for pod in mine:
                self._answer(pod, self.rate * seconds / len(mine))

    def _answer(self, pod: _Pod, requests: float) -> None:
        pod.carry += requests
        count, pod.carry = int(pod.carry), pod.carry % 1
        share = sum(
            (number * pod.weight) // 100 > ((number - 1) * pod.weight) // 100 for number in _numbers(pod, count)
        )
        handed = self._forward(pod, share)
        if pod.mirrors:
            self._copy(pod, count)
        own = count - handed
        failed = int(own * self.failing.get(pod.version, 0.0))
        pod.requests["stable", "200"] += own - failed
        pod.requests["stable", "500"] += failed
        pod.requests["canary", "200"] += handed
        self._noted(pod, pod.revision, own)

    def _forward(self, pod: _Pod, share: int) -> int:
        """How many answers of the canary reached callers; the others fell back."""
        to = str(pod.grant.get("revision", ""))
        takers = [each for each in self._pods.values() if each.model == pod.model and each.revision == to]
        ready = [each for each in takers if each.takes_from(pod.revision)]
        if not share or not ready:
            pod.attempts[to, "refused" if takers else "unreachable"] += share
            return 0
        failed = int(share * self.failing.get(ready[0].version, 0.0) + 0.5)
        ready[0].requests["peer", "200"] += share - failed
        ready[0].requests["peer", "500"] += failed
        pod.attempts[to, "ok"] += share - failed
        pod.attempts[to, "error"] += failed
        self._noted(pod, to, share - failed, failed)
        return share - failed

    def _copy(self, pod: _Pod, count: int) -> None:
        to = str(pod.grant.get("revision", ""))
        for taker in [each for each in self._pods.values() if each.model == pod.model and each.revision == to][:1]:
            failed = int(count * self.failing.get(taker.version, 0.0) + 0.5)
            taker.requests["shadow", "200"] += count - failed
            taker.requests["shadow", "500"] += failed
            pod.copies[to, "ok"] += count - failed
            pod.copies[to, "error"] += failed

    def _noted(self, pod: _Pod, revision: str, count: int, failed: int = 0) -> None:
        if count or failed:
            self.answers.append(Answer(time.monotonic(), pod.model, revision, count, pod.weight, failed))

    # Their answers

    async def _asked(self, request: web.Request) -> _Pod:
        transport = request.transport
        address = transport.get_extra_info("sockname")[0] if transport else ""
        pod = self._pods.get(address)
        if pod is None or pod.version in self.silent:
            if transport:
                transport.abort()
            raise web.HTTPServiceUnavailable
        if pod.version in self.hanging:
            await asyncio.sleep(_HANG_S)
        return pod

    async def _metrics(self, request: web.Request) -> web.Response:
        pod = await self._asked(request)
        is_left = pod.revision in pod.table.get("superseded", ())
        lines = [
            _line("routing_generation", pod, pod.generation),
            _line("connections", pod, 0 if is_left else 3),
            _line("routing_effective_weight", pod, pod.weight),
            _line("routing_mirroring", pod, int(pod.mirrors)),
        ]
        answered = Counter[str]()
        for (route, code), count in pod.requests.items():
            lines.append(_line("requests_total", pod, count, route=route, code=code))
            answered[route] += count
        for route, count in answered.items():
            lines += [
                _line("request_duration_seconds_bucket", pod, count, route=route, le=le)
                for le in ("0.001", "0.01", "+Inf")
            ]
        lines += [_line("forward_attempts_total", pod, n, to=to, result=how) for (to, how), n in pod.attempts.items()]
        lines += [_line("shadow_copies_total", pod, n, to=to, result=how) for (to, how), n in pod.copies.items()]
        return web.Response(text="".join(lines))

    async def _readyz(self, request: web.Request) -> web.Response:
        await self._asked(request)
        return web.json_response({"ready": True})

    async def _model(self, request: web.Request) -> web.Response:
        pod = await self._asked(request)
        inputs = ("features", *self.inputs.get(pod.version, ()))
        about = {"model": pod.model, "revision": pod.revision, "sha256": pod.version * 64, "version": pod.version}
        tensors = [{"name": name, "datatype": "FP32", "shape": [-1, 20], "required": True} for name in inputs]
        outputs = [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}]
        card = {"score": None, "has_card": False, "has_baseline": False}
        return web.json_response({**about, "inputs": tensors, "outputs": outputs, **card})


def _line(name: str, pod: _Pod, value: int, **labels: str) -> str:
    known = {"model": pod.model, "revision": pod.revision, **labels}
    written = ",".join(f'{key}="{value}"' for key, value in known.items())
    return f"bankmodel_{name}{{{written}}} {value}\n"


def _numbers(pod: _Pod, count: int) -> range:
    """The running numbers of these requests, so that the share is exact over all of them."""
    before = sum(count for (route, _), count in pod.requests.items() if route in ("stable", "canary"))
    return range(before + 1, before + count + 1)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and "podIP" in pod["status"] and "deletionTimestamp" not in pod["metadata"]


def _version(pod: Mapping[str, Any]) -> str:
    """The version whose file it fetches, see `stage.a_model`."""
    text = json.dumps(pod["spec"])
    return next((version for version in "123456789" if f"/{version}.onnx" in text), "")


def _free_port() -> int:
    """A port that nobody uses now; one address or another may lose it before a pod gets it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
