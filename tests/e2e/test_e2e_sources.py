"""A model's file comes from every kind of source, checked on its way; the pods that bring it are restricted ones."""

import shutil
from collections.abc import Callable
from typing import Any

from system.files import SECRET, file_server, url_of
from system.scene import Scene

_SMALL = {"replicas": 1, "resources": {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}
_CLAIM = "models"
_FILE = "mortgage-2.onnx"


def _http(scene: Scene) -> dict[str, Any]:
    return {"http": {"url": url_of(scene, _FILE)}}


def _private_http(scene: Scene) -> dict[str, Any]:
    return {"http": {"url": url_of(scene, f"private/{_FILE}"), "secretRef": {"name": SECRET}}}


def _volume(scene: Scene) -> dict[str, Any]:
    return {"volume": {"claimName": _CLAIM, "path": f"approved/{_FILE}"}}


SOURCES: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "http": _http,
    "private-http": _private_http,
    "volume": _volume,
}


def test_a_model_comes_from_every_kind_of_source(scene: Scene) -> None:
    file_server(scene, {_FILE: scene.example.file("2").read_bytes()})
    _claim(scene)
    models = {name: scene.manifest("2", name=name, serving=_SMALL) for name in SOURCES}

    for name, model in models.items():
        model["spec"]["model"]["source"] = SOURCES[name](scene)
        scene.apply(model)

    served = {name: scene.serves("2", name)["status"]["stable"]["sha256"] for name in models}
    assert {name: model["spec"]["model"]["sha256"] for name, model in models.items()} == served


def _claim(scene: Scene) -> None:
    """A claim on a folder of the node, as a storage class would provide it."""
    folder = scene.place.state.path / "volumes" / scene.namespace
    (folder / "approved").mkdir(parents=True)
    shutil.copy(scene.example.file("2"), folder / "approved" / _FILE)
    size = {"storage": "1Mi"}
    volume = {"capacity": size, "accessModes": ["ReadOnlyMany"], "hostPath": {"path": str(folder)}}
    claim = {"accessModes": ["ReadOnlyMany"], "storageClassName": "", "resources": {"requests": size}}
    reference = {"namespace": scene.namespace, "name": _CLAIM}
    scene.apply(_object("PersistentVolume", scene.namespace, {**volume, "claimRef": reference}))
    scene.apply(_object("PersistentVolumeClaim", _CLAIM, {**claim, "volumeName": scene.namespace}))


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
