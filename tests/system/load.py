"""Asks a scoring endpoint, once or at a steady rate, and counts every failure. Runs inside a pod: standard library only.

    python3 load.py wait --url URL --bodies FILE --deadline 60     until the first answer; prints when it came
    python3 load.py load --url URL --bodies FILE --rate 200 --seconds 60 --connections 8

Both print one JSON object. With --laps each line on standard input ends a lap and prints what became of the requests in it, and the
end of standard input ends the load. With --keys 50 --key-parameter customer_id fifty customers take turns. Nothing is tried again: a connection that breaks under a request is a failed request.
Connections are kept alive as callers do, and closed when the answer says so. An https URL is believed by ca.crt beside this file.
"""

import argparse
import http.client
import json
import queue
import ssl
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 10.0
_POLL_S = 0.02


class Caller:
    """One kept-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        self._address = (parts.hostname or "", parts.port or (443 if self._is_secure else 80))
        self._path = parts.path
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer; raises OSError or HTTPException when the connection fails."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request("POST", self._path, body, {"content-type": "application/json"})
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.will_close:
            self.close()
        return answer.status, json.loads(content)

    def _connect(self) -> http.client.HTTPConnection:
        if not self._is_secure:
            return http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        context = ssl.create_default_context(cafile=str(Path(__file__).with_name("ca.crt")))
        return http.client.HTTPSConnection(*self._address, timeout=_TIMEOUT_S, context=context)

    def close(self) -> None:
        """Forget the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Tally:
    """What became of the requests of one lap."""

    def __init__(self) -> None:
        self.versions: Counter[str] = Counter()
        self.revisions: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, set[str]] = defaultdict(set)
        self.failures: Counter[str] = Counter()
        self.examples: list[str] = []
        self.durations_s: list[float] = []
        self._lock = threading.Lock()

    def answered(self, answer: dict[str, Any], duration_s: float, key: str) -> None:
        """A good answer."""
        said = answer.get("parameters", {})
        revision, fallback, now = said.get("revision", ""), said.get("fallback", ""), time.time()
        with self._lock:
            self.versions[answer["model_version"]] += 1
            self.durations_s.append(duration_s)
            seen = self.revisions.setdefault(revision, {"count": 0, "first_at": now, "fallbacks": {}})
            seen["count"] += 1
            seen["last_at"] = now
            if fallback:
                seen["fallbacks"][fallback] = seen["fallbacks"].get(fallback, 0) + 1
            elif key:
                self.keys[key].add(revision)

    def failed(self, kind: str, detail: str) -> None:
        """No good answer; a few are kept in full."""
        with self._lock:
            self.failures[kind] += 1
            if len(self.examples) < 5:
                self.examples.append(f"{time.time():.3f} {kind}: {detail[:200]}")

    def summary(self) -> dict[str, Any]:
        """All of it, times in milliseconds. `keys`: by which revisions each was answered, marked fallbacks apart."""
        with self._lock:
            ordered = sorted(self.durations_s)
            failed = sum(self.failures.values())
            return {
                "sent": len(ordered) + failed,
                "answered": len(ordered),
                "failed": failed,
                "failures": dict(self.failures),
                "examples": self.examples,
                "versions": dict(self.versions),
                "revisions": self.revisions,
                "keys": {key: sorted(revisions) for key, revisions in self.keys.items()},
                "p50_ms": round(1000 * ordered[len(ordered) // 2], 2) if ordered else None,
                "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 2) if ordered else None,
            }


class Laps:
    """The lap that is running, and whether the load is to end."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.is_over = threading.Event()

    def follow(self) -> None:
        """End a lap at each line of standard input, and the load at its end."""
        for _ in sys.stdin:
            ended, self.tally = self.tally, Tally()
            print(json.dumps(ended.summary()), flush=True)
        self.is_over.set()


def wait(url: str, bodies: list[bytes], deadline_s: float) -> dict[str, Any]:
    """Ask on a new connection each time until an answer is good."""
    ends, last = time.monotonic() + deadline_s, "nothing was tried"
    while time.monotonic() < ends:
        caller = Caller(url)
        try:
            status, answer = caller.ask(bodies[0])
            if status == 200:
                return {"at": time.time(), "answer": answer}
            last = f"{status} {answer}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            last = f"{type(error).__name__}: {error}"
        finally:
            caller.close()
        time.sleep(_POLL_S)
    return {"at": None, "error": last}


def load(given: argparse.Namespace, bodies: list[bytes]) -> dict[str, Any]:
    """RATE requests a second on CONNECTIONS kept-alive connections; a late one is sent as soon as one is free."""
    laps, due = Laps(), queue.SimpleQueue[tuple[bytes, str] | None]()
    if given.laps:
        threading.Thread(target=laps.follow, daemon=True).start()
    workers = [threading.Thread(target=_work, args=(given.url, due, laps)) for _ in range(given.connections)]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    for number in range(int(given.rate * given.seconds)):
        if laps.is_over.wait(max(0.0, began + number / given.rate - time.monotonic())):
            break
        due.put(_request(bodies[number % len(bodies)], number, given))
    for _ in workers:
        due.put(None)
    for worker in workers:
        worker.join()
    return laps.tally.summary() | {"seconds": round(time.monotonic() - began, 1)}


def _request(body: bytes, number: int, given: argparse.Namespace) -> tuple[bytes, str]:
    """The body with the next customer's key, if there are any. Keys and bodies take turns each at their own pace."""
    if not given.keys:
        return body, ""
    key = f"customer-{number % given.keys}"
    return b'{"parameters":{"%s":"%s"},' % (given.key_parameter.encode(), key.encode()) + body[1:], key


def _work(url: str, due: "queue.SimpleQueue[tuple[bytes, str] | None]", laps: Laps) -> None:
    caller = Caller(url)
    while (request := due.get()) is not None:
        body, key = request
        began = time.monotonic()
        try:
            status, answer = caller.ask(body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            laps.tally.failed(type(error).__name__, str(error))
            continue
        if status == 200:
            laps.tally.answered(answer, time.monotonic() - began, key)
        else:
            laps.tally.failed(str(status), str(answer))
    caller.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("wait", "load"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--bodies", required=True, help="a file with one JSON body a line")
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds to wait for the first answer")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--laps", action="store_true", help="see above")
    parser.add_argument("--keys", type=int, default=0, help="how many customers; 0: requests have no key")
    parser.add_argument("--key-parameter", default="customer_id")
    given = parser.parse_args()
    with open(given.bodies, "rb") as file:
        bodies = [line.strip() for line in file if line.strip()]
    found = wait(given.url, bodies, given.deadline) if given.what == "wait" else load(given, bodies)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
