"""Asks a scoring endpoint, once or at a steady rate, and counts every failure. Runs inside a pod: standard library only.

    python3 load.py wait --url URL --bodies FILE --deadline 60     until the first answer; prints when it came
    python3 load.py load --url URL --bodies FILE --rate 200 --seconds 60 --connections 8

Both print one JSON object. Nothing is tried again: a connection that breaks under a request is a failed request.
Connections are kept alive as callers do, and closed when the answer says so. An https URL is believed by ca.crt beside this file.
"""

import argparse
import http.client
import json
import queue
import ssl
import threading
import time
from collections import Counter
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
    """What became of the requests."""

    def __init__(self) -> None:
        self.versions: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.examples: list[str] = []
        self.durations_s: list[float] = []
        self._lock = threading.Lock()

    def answered(self, version: str, duration_s: float) -> None:
        """A good answer."""
        with self._lock:
            self.versions[version] += 1
            self.durations_s.append(duration_s)

    def failed(self, kind: str, detail: str) -> None:
        """No good answer; a few are kept in full."""
        with self._lock:
            self.failures[kind] += 1
            if len(self.examples) < 5:
                self.examples.append(f"{time.time():.3f} {kind}: {detail[:200]}")

    def summary(self, sent: int) -> dict[str, Any]:
        """All of it, times in milliseconds."""
        ordered = sorted(self.durations_s)
        return {
            "sent": sent,
            "answered": len(ordered),
            "failed": sum(self.failures.values()),
            "failures": dict(self.failures),
            "examples": self.examples,
            "versions": dict(self.versions),
            "p50_ms": round(1000 * ordered[len(ordered) // 2], 2) if ordered else None,
            "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 2) if ordered else None,
        }


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


def load(url: str, bodies: list[bytes], *, rate: float, seconds: float, connections: int) -> dict[str, Any]:
    """RATE requests a second on CONNECTIONS kept-alive connections; a late one is sent as soon as one is free."""
    tally, due, total = Tally(), queue.SimpleQueue[bytes | None](), int(rate * seconds)
    workers = [threading.Thread(target=_work, args=(url, due, tally)) for _ in range(connections)]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    for number in range(total):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        due.put(bodies[number % len(bodies)])
    for _ in workers:
        due.put(None)
    for worker in workers:
        worker.join()
    return tally.summary(total) | {"seconds": round(time.monotonic() - began, 1)}


def _work(url: str, due: "queue.SimpleQueue[bytes | None]", tally: Tally) -> None:
    caller = Caller(url)
    while (body := due.get()) is not None:
        began = time.monotonic()
        try:
            status, answer = caller.ask(body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            tally.failed(type(error).__name__, str(error))
            continue
        if status == 200:
            tally.answered(answer["model_version"], time.monotonic() - began)
        else:
            tally.failed(str(status), str(answer))
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
    given = parser.parse_args()
    with open(given.bodies, "rb") as file:
        bodies = [line.strip() for line in file if line.strip()]
    if given.what == "wait":
        found = wait(given.url, bodies, given.deadline)
    else:
        found = load(given.url, bodies, rate=given.rate, seconds=given.seconds, connections=given.connections)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
