"""An application's pod inside the cluster: it asks by the Service's DNS name, as a branch's loan desk would.

It runs the scoring image only because that is at hand and has Python in it.
"""

import json
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.kubectl import Kubectl
from system.place import SystemFailed

__all__ = ["CallerPod", "Load", "answer_of"]

_SCRIPTS = ("load.py", "grpc_call.py")
_NAME = "loan-desk"
_FOLDER = "/scripts"
_PYTHON = "/opt/bankmodel/bin/python"
_GRACE_S = 60.0


@dataclass
class Load:
    """Load that runs; `summary` waits for its end."""

    process: "subprocess.Popen[str]"
    deadline_s: float

    def lap(self) -> dict[str, Any]:
        """What became of the requests since the last lap, or the beginning; see load.py. The load goes on."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("lap\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], _GRACE_S)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            raise SystemFailed(f"the load did not tell its lap within {_GRACE_S:g} s")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> dict[str, Any]:
        """End it now; what became of the last lap."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None  # communicate would flush it
        return self.summary()

    def summary(self) -> dict[str, Any]:
        """What became of the requests; see load.py."""
        out, errors = self.process.communicate(timeout=self.deadline_s)
        return _parsed(self.process.returncode, out, errors)


@dataclass(frozen=True)
class CallerPod:
    """The pod in one namespace."""

    kubectl: Kubectl
    namespace: str

    def start(self, image: str, bodies: Sequence[str], ca: str = "") -> None:
        """Make it, or take the one that is there, and wait until it runs. CA: whom it believes over https."""
        files = {name: Path(__file__).with_name(name).read_text() for name in _SCRIPTS}
        files |= {"bodies.jsonl": "\n".join(bodies) + "\n"}
        files |= {"ca.crt": ca} if ca else {}
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata(), "data": files}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", body=settings)
        if self._image() != image:
            self.kubectl("-n", self.namespace, "delete", "pod", _NAME, "--ignore-not-found", "--grace-period=0")
            self.kubectl("apply", "--server-side", "-f", "-", body=self._pod(image))
        self.kubectl("-n", self.namespace, "wait", "--for=condition=Ready", f"pod/{_NAME}", "--timeout=50s")
        self._wait_for_files(files)

    def first_answer(self, url: str, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Ask until the first good answer: `{"at": UNIX_SECONDS, "answer": {...}}`."""
        words = self._words("wait", "--url", url, "--deadline", str(deadline_s))
        done = subprocess.run(words, capture_output=True, text=True, timeout=deadline_s + _GRACE_S, check=False)
        found = _parsed(done.returncode, done.stdout, done.stderr)
        if found["at"] is None:
            raise SystemFailed(f"{url} gave no good answer within {deadline_s:g} s; the last try: {found['error']}")
        return found

    def over_grpc(self, address: str, *, is_secure: bool = False) -> dict[str, Any]:
        """One answer to the first body over gRPC, in the clear or believing the CA it was started with; see grpc_call.py."""
        options = ("--ca", f"{_FOLDER}/ca.crt") if is_secure else ()
        script = [_PYTHON, f"{_FOLDER}/grpc_call.py", address, "--bodies", f"{_FOLDER}/bodies.jsonl", *options]
        done = subprocess.run(
            [*self._exec(), *script], capture_output=True, text=True, timeout=2 * _GRACE_S, check=False
        )
        return _parsed(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def waiting(self, url: str, *, deadline_s: float = 60.0) -> "Iterator[subprocess.Popen[str]]":
        """Ask in the background from now on; `answer_of` tells when the first good answer came."""
        words = self._words("wait", "--url", url, "--deadline", str(deadline_s))
        with _ended(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)) as process:
            yield process

    @contextmanager
    def load(self, url: str, *, rate: float, seconds: float, connections: int = 8) -> Iterator[Load]:
        """Steady load from now on."""
        options = ("--rate", str(rate), "--seconds", str(seconds), "--connections", str(connections))
        words = self._words("load", "--url", url, *options)
        with _ended(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)) as process:
            yield Load(process, seconds + _GRACE_S)

    @contextmanager
    def laps(
        self,
        url: str,
        *,
        rate: float,
        seconds: float = 3600.0,
        connections: int = 8,
        keys: int = 0,
        inside: Sequence[str] = (),
    ) -> Iterator[Load]:
        """Steady load that tells laps, until it is ended, or for SECONDS. `keys`: so many customers take turns. `inside`: words
        that run a command inside the pod without the API server and the kubelet, where those are to be killed."""
        options = (
            "--rate",
            str(rate),
            "--seconds",
            str(seconds),
            "--connections",
            str(connections),
            "--keys",
            str(keys),
        )
        words = [*(inside or self._exec("-i")), *_script("load", "--url", url, "--laps", *options)]
        pipe = subprocess.PIPE
        with _ended(subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)) as process:
            yield Load(process, _GRACE_S)

    def pod(self) -> dict[str, Any]:
        """The live pod."""
        found: dict[str, Any] = self.kubectl.read("-n", self.namespace, "get", "pod", _NAME)
        return found

    def _words(self, *words: str) -> list[str]:
        return [*self._exec(), *_script(*words)]

    def _exec(self, *flags: str) -> list[str]:
        before = [str(self.kubectl.binary), "--kubeconfig", str(self.kubectl.kubeconfig), "-n", self.namespace]
        return [*before, "exec", *flags, _NAME, "--"]

    def _wait_for_files(self, files: dict[str, str]) -> None:
        """A changed ConfigMap takes the kubelet some seconds to bring into a pod that runs already."""
        ends = time.monotonic() + _GRACE_S
        command = ("-n", self.namespace, "exec", _NAME, "--", "cat")
        while any(self.kubectl(*command, f"{_FOLDER}/{name}").stdout != text for name, text in files.items()):
            if time.monotonic() > ends:
                raise SystemFailed(f"the files of pod {_NAME} did not change within {_GRACE_S:g} s")
            time.sleep(0.5)

    def _image(self) -> str:
        words = ("-n", self.namespace, "get", "pod", _NAME, "-o", "jsonpath={.spec.containers[0].image}")
        return self.kubectl(*words, check=False).stdout

    def _metadata(self) -> dict[str, Any]:
        return {"name": _NAME, "namespace": self.namespace, "labels": {"app.kubernetes.io/name": _NAME}}

    def _pod(self, image: str) -> dict[str, Any]:
        container = {
            "name": "caller",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": [_PYTHON, "-c", "import signal; signal.sigwait([signal.SIGTERM])"],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
            "volumeMounts": [{"name": "scripts", "mountPath": _FOLDER}],
        }
        spec = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "scripts", "configMap": {"name": _NAME}}],
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": self._metadata(), "spec": spec}


def _script(*words: str) -> list[str]:
    return [_PYTHON, f"{_FOLDER}/load.py", *words, "--bodies", f"{_FOLDER}/bodies.jsonl"]


def answer_of(process: "subprocess.Popen[str]", *, deadline_s: float = 120.0) -> dict[str, Any]:
    """What `waiting` found: `{"at": UNIX_SECONDS, "answer": {...}}`."""
    out, errors = process.communicate(timeout=deadline_s)
    found = _parsed(process.returncode, out, errors)
    if found["at"] is None:
        raise SystemFailed(f"no good answer came in time; the last try: {found['error']}")
    return found


@contextmanager
def _ended(process: "subprocess.Popen[str]") -> "Iterator[subprocess.Popen[str]]":
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _parsed(code: int, out: str, errors: str) -> dict[str, Any]:
    if code != 0:
        raise SystemFailed(f"the caller's pod failed with exit code {code}: {errors.strip()[-500:]}")
    found: dict[str, Any] = json.loads(out)
    return found
