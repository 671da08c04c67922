"""Another operator takes over a running model: other default image, changed pod renderer. Not one pod may restart.

It runs as a process beside the cluster, from a copy of the sources in which the renderer puts a mark on every pod, while the
installed one is scaled to nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from system.installation import NAMESPACE
from system.place import CHECKOUT
from system.scene import Scene

__all__ = ["OTHER_IMAGE", "Takeover", "pod_ids"]

OTHER_IMAGE = "localhost/bankmodel-serving:dev"
_MARK = "bank.example/renderer"
_RENDERER = Path("bankmodel_operator") / "core" / "template.py"
_PORT = "18099"
_OTHER_NAME = "second-model"


def pod_ids(scene: Scene) -> set[tuple[str, int]]:
    """The model's pods by uid, with their restarts."""
    return {(pod["metadata"]["uid"], _restarts(pod)) for pod in scene.pods()}


class Takeover:
    """From here on the other operator leads; at the end it is gone, and no operator runs until one is installed again."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp())
        sources = self._folder / "src"
        shutil.copytree(CHECKOUT / "operator" / "src", sources)
        _put_mark(sources / _RENDERER)
        kubectl = self._scene.place.kubectl
        kubectl("-n", NAMESPACE, "scale", "deployment/bankmodel-operator", "--replicas=0")
        self._log = (self._folder / "log").open("wb")
        settings = {
            "PYTHONPATH": str(sources),
            "BANKMODEL_SERVING_IMAGE": OTHER_IMAGE,
            "BANKMODEL_INSTANCE": "other",
            "BANKMODEL_HTTP_PORT": _PORT,
            "KUBECONFIG": str(self._scene.place.state.kubeconfig),
        }
        command = [str(self._scene.place.state.path / "run"), sys.executable, "-m", "bankmodel_operator"]
        self._process = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=self._log, stderr=self._log, cwd=self._folder
        )
        self._scene.eventually(self._leads, "the other operator leads", deadline_s=90)
        return self

    def marks_a_new_revision(self) -> bool:
        """Whether a new model's pods carry the mark and the other image: else the change would prove nothing."""
        scene = self._scene
        scene.apply(scene.manifest("1", name=_OTHER_NAME, serving={"replicas": 1}))
        scene.serves("1", _OTHER_NAME)
        pod = scene.pods(_OTHER_NAME)[0]
        scene.kubectl("delete", "bankmodel", _OTHER_NAME)
        return _MARK in pod["metadata"]["labels"] and pod["spec"]["containers"][0]["image"] == OTHER_IMAGE

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        shutil.rmtree(self._folder)

    def _leads(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError((self._folder / "log").read_text()[-2000:])
        return '"message": "leading"' in (self._folder / "log").read_text()


def _put_mark(renderer: Path) -> None:
    """Change the one expression that makes a pod's labels."""
    text = renderer.read_text()
    before = "{**pod.labels, **labels}"
    assert before in text, f"{renderer} has no {before} any more: put the mark elsewhere"
    renderer.write_text(text.replace(before, f'{{"{_MARK}": "other", **pod.labels, **labels}}', 1))


def _restarts(pod: dict[str, object]) -> int:
    status = pod["status"]
    assert isinstance(status, dict)
    return sum(each["restartCount"] for each in status.get("containerStatuses", []))
