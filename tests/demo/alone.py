"""`make score`: the scoring server by itself, no cluster: train, serve on loopback, score one client, stop."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from bankmodel.onnx_file import sha256_of
from demo.steps import say, step
from system import mortgage
from system.place import SystemFailed

__all__ = ["score_alone"]

_PORT, _METRICS_PORT = 18080, 19090
_DEADLINE_S = 30.0
_POLL_S = 0.1


def score_alone() -> None:
    """Version 2 of the example, one request, the answer."""
    with step("training and exporting the mortgage example"):
        made = mortgage.make()
    say(made.story.rstrip())
    file = made.file("2")
    words = ["--model", str(file), "--name", mortgage.MODEL, "--sha256", sha256_of(file), "--model-version", "2"]
    words += ["--host", "127.0.0.1", "--port", str(_PORT), "--metrics-port", str(_METRICS_PORT), "--drain-delay", "0"]
    command = [str(Path(sys.executable).with_name("bankmodel-serving")), *words]
    url = f"http://127.0.0.1:{_PORT}/v2/models/{mortgage.MODEL}/infer"
    say(f"\n$ bankmodel-serving {' '.join(words)}")
    server = subprocess.Popen(command)
    try:
        answer = _first_answer(url, made.request("2").read_bytes(), server)
    finally:
        server.terminate()
        server.wait(_DEADLINE_S)
    say(f"\n$ curl -d @{made.request('2')} {url}\n{json.dumps(answer, indent=1)}")


def _first_answer(url: str, body: bytes, server: "subprocess.Popen[bytes]") -> object:
    ends = time.monotonic() + _DEADLINE_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while server.poll() is None and time.monotonic() < ends:
        try:
            with opener.open(urllib.request.Request(url, body), timeout=_DEADLINE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemFailed(f"{url}: {error.code} {error.read().decode()[:500]}") from error
        except urllib.error.URLError:
            time.sleep(_POLL_S)
    raise SystemFailed(f"{url}: no answer within {_DEADLINE_S:g} s; the server's own words are above")
