"""A model on trial under load: what a user applies and orders, what the status says by then, and who answered.

Used by the end-to-end tests, by `make demo` and by `make verify-rollout`.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from system.caller import Load
from system.installation import NAMESPACE
from system.mortgage import MODEL
from system.scene import Scene

__all__ = ["ABORT", "LADDER", "PAUSED", "PROMOTE", "SMALL", "Lap", "Trial", "ladder"]

ABORT, PROMOTE, PAUSED = (f"serving.bankmodel.io/{verb}" for verb in ("abort", "promote", "paused"))
ERRORS = {"name": "errors", "errorRate": {"max": "1%"}}
LADDER: dict[str, Any] = {
    "steps": [{"weight": 20, "hold": "0s"}, {"weight": 50, "hold": "0s"}],
    "bake": "1m",
    "checks": [ERRORS],
    "minRequests": 20,
}
"""Short, for a test: two steps without a hold, one check."""

SMALL: dict[str, Any] = {"resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}
"""`spec.serving` where many models share a node of two cores."""


def ladder(*weights: int, hold: str = "0s", **more: Any) -> dict[str, Any]:
    """`spec.rollout` with these steps."""
    return {**LADDER, "steps": [{"weight": weight, "hold": hold} for weight in weights], **more}


@dataclass(frozen=True)
class Lap:
    """What became of the requests of a stretch of time (see load.py)."""

    seen: Mapping[str, Any]

    @property
    def sent(self) -> int:
        return int(self.seen["sent"])

    @property
    def failed(self) -> int:
        return int(self.seen["failed"])

    def answered_by(self, revision: str) -> int:
        """How many this revision answered, fallbacks included."""
        return int(self._of(revision).get("count", 0))

    def share_of(self, revision: str) -> float:
        """In percent of what was answered."""
        return 100 * self.answered_by(revision) / max(1, int(self.seen["answered"]))

    def first_at(self, revision: str) -> float | None:
        """Unix time of its first answer; None where there was none."""
        return self._of(revision).get("first_at")

    def last_at(self, revision: str) -> float | None:
        """Unix time of its last answer."""
        return self._of(revision).get("last_at")

    @property
    def fallbacks(self) -> int:
        """Answers the stable gave in the canary's stead."""
        return sum(sum(each["fallbacks"].values()) for each in self.seen["revisions"].values())

    def keys_of(self, revision: str) -> set[str]:
        """The customers it answered."""
        return {key for key, revisions in self.seen["keys"].items() if revision in revisions}

    @property
    def torn_keys(self) -> list[str]:
        """Customers that met more than one revision."""
        return [key for key, revisions in self.seen["keys"].items() if len(revisions) > 1]

    def _of(self, revision: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.seen["revisions"].get(revision, {})
        return found


@dataclass
class Trial:
    """One model in a scene; `name` is its own, so that several can be on trial in one namespace."""

    scene: Scene
    name: str = MODEL
    poll_s: float = 0.1
    """Between two looks at the status. A look costs a process: where several are on trial at once, seldom is better."""
    load: Load | None = None
    laps: list[Lap] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.name}.{self.scene.namespace}.svc/v2/models/{self.name}/infer"

    # what a user does

    def serve(self, version: str = "1", **spec: Any) -> str:
        """Let this version serve, without a trial; its revision."""
        self.scene.caller()
        self.apply(version, **{"rollout": LADDER, **spec})
        self.scene.serves(version, self.name, deadline_s=120)
        self.scene.caller().first_answer(self.url)
        return self.stable

    def apply(self, version: str, **spec: Any) -> float:
        """Apply the example's BankModel with this version; `spec` replaces fields of its spec. Unix time just before."""
        return self.apply_body(self.scene.manifest(version, name=self.name, **{"rollout": LADDER, **spec}))

    def apply_body(self, body: dict[str, Any]) -> float:
        """Unix time just before."""
        at = time.time()
        self.scene.apply(body)
        return at

    def annotate(self, key: str, value: str | None) -> float:
        """Give an order, or take it back (None); Unix time just before."""
        at = time.time()
        word = f"{key}-" if value is None else f"{key}={value}"
        self.scene.kubectl("annotate", "--overwrite", "bankmodel", self.name, word)
        return at

    # what the status says

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.scene.get("bankmodel", self.name).get("status", {})
        return found

    @property
    def stable(self) -> str:
        return str((self.status.get("stable") or {}).get("revision", ""))

    @property
    def canary(self) -> str:
        return str((self.status.get("canary") or {}).get("revision", ""))

    def until(self, what: str, look: Callable[[Mapping[str, Any]], Any], *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Follow the status until LOOK takes it; past the deadline tell what there was."""
        ends = time.monotonic() + deadline_s
        while not look(status := self.status):
            if time.monotonic() > ends:
                raise AssertionError(f"{self.name}: within {deadline_s:g} s it was not so that {what}; {self.told()}")
            time.sleep(self.poll_s)
        return status

    def on_trial(self, version: str = "", *, deadline_s: float = 60.0) -> str:
        """Wait until a canary is there, of this version if one is told (another may still be leaving); its revision."""
        found = self.until(
            "a canary is there",
            lambda status: status.get("canary") and version in ("", status["canary"]["version"]),
            deadline_s=deadline_s,
        )
        return str(found["canary"]["revision"])

    def in_force(self, weight: int, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until this weight is in force."""
        return self.until(
            f"the weight {weight} is in force",
            lambda status: (
                _state(status) == "Climbing"
                and status["rollout"].get("weight", 0) == weight
                and status["rollout"].get("watched") is not None
            ),
            deadline_s=deadline_s,
        )

    def state(self, *names: str, deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until it is in one of these states."""
        return self.until(
            f"the state is {' or '.join(names)}", lambda status: _state(status) in names, deadline_s=deadline_s
        )

    def settled(self, version: str, *, deadline_s: float = 90.0) -> dict[str, Any]:
        """Wait until this version serves and nothing is under way (a rejected target may still be asked for)."""
        return self.until(
            f"version {version} serves and nothing is under way",
            lambda status: _state(status) == "Serving" and status["stable"]["version"] == version,
            deadline_s=deadline_s,
        )

    def rejected(self, *, retry: str = "", deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until the newest rejection is there (of this retry); the entry."""

        def look(status: Mapping[str, Any]) -> bool:
            newest = (status.get("rejected") or [{}])[0]
            return bool(newest) and newest.get("retry", "") == retry and not status.get("canary")

        entry: dict[str, Any] = self.until("a revision was rejected", look, deadline_s=deadline_s)["rejected"][0]
        return entry

    def told(self) -> str:
        """All that may explain it, short: the status and the events."""
        status = self.status
        rollout = status.get("rollout") or {}
        conditions = [f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in status.get("conditions", [])]
        events = self.scene.kubectl("get", "events", "--sort-by=.lastTimestamp", check=False).splitlines()[-12:]
        return json.dumps({"rollout": rollout, "conditions": conditions}, indent=1) + "\n" + "\n".join(events)

    # who answered

    @contextmanager
    def under_load(
        self, rate: float, *, keys: int = 0, connections: int = 8, inside: Sequence[str] = ()
    ) -> Iterator[Load]:
        """Steady load from now on; at the end the last lap is kept with the others. See `CallerPod.laps`."""
        caller = self.scene.caller()
        with caller.laps(self.url, rate=rate, keys=keys, connections=connections, inside=inside) as load:
            self.load = load
            yield load
            self.laps.append(Lap(load.end()))
            self.load = None

    def lap(self) -> Lap:
        """What became of the requests since the last lap."""
        assert self.load is not None
        self.laps.append(Lap(self.load.lap()))
        return self.laps[-1]

    def lap_of(self, requests: int, rate: float) -> Lap:
        """The next so many requests, about; those before are a lap of their own."""
        self.lap()
        time.sleep(requests / rate)
        return self.lap()

    @property
    def sent(self) -> int:
        return sum(lap.sent for lap in self.laps)

    @property
    def failures(self) -> list[str]:
        """Of all laps: a few in full."""
        return [each for lap in self.laps for each in lap.seen["examples"]]

    # what only the operator's log knows

    def log_time(self, reason: str, since: float) -> float:
        """Unix time, to the millisecond, at which the operator first said this after SINCE: right after it was saved."""
        words = ("-n", NAMESPACE, "logs", "-l", "app.kubernetes.io/name=bankmodel-operator", "--tail=-1", "--since=10m")
        found = min(_times(self.scene.place.kubectl(*words).stdout.splitlines(), self, reason, since), default=None)
        assert found is not None, f"the operator's log has no {reason} of {self.name} since {since}"
        return found


def _times(lines: Sequence[str], trial: Trial, reason: str, since: float) -> Iterator[float]:
    from datetime import datetime

    about = (trial.scene.namespace, trial.name, reason)
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if (said.get("namespace"), said.get("model"), said.get("reason")) == about:
            at = datetime.fromisoformat(said["time"]).timestamp()
            if at >= since:
                yield at


def _state(status: Mapping[str, Any]) -> str:
    return str((status.get("rollout") or {}).get("state", ""))
