"""examples/batch on the real cluster: the overnight job, run by hand in a pod of the image its Dockerfile makes, scores as the desk is answered."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from cluster.batch_image import build_batch_image
from system.mortgage import MODEL
from system.place import CHECKOUT, Place
from system.scene import Scene

_EXAMPLE = CHECKOUT / "examples" / "batch"
_JOB = "mortgage-overnight"
_SMALL = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
_ROWS = 64


@pytest.fixture(scope="module")
def image(place: Place) -> str:
    """The example's image, on the node."""
    if place.state.kind != "node":
        pytest.skip("the image of examples/batch is built by hand there: docker build, see its README")
    return place.load(build_batch_image())


def test_the_overnight_job_scores_the_book_as_the_desk_is_answered(scene: Scene, image: str) -> None:
    scene.apply(scene.manifest("2", serving={"replicas": 1}))
    digest = scene.serves("2")["status"]["stable"]["sha256"]
    models = _claim(scene, "lending-models", "ReadOnlyMany")
    book = _claim(scene, "lending-book", "ReadWriteMany")
    (models / f"{digest}.onnx").write_bytes(scene.example.file("2").read_bytes())
    bodies = [json.loads(body) for body in scene.example.bodies("2", _ROWS - 1)]
    parquet.write_table(_applications(bodies), book / "applications.parquet")

    _install(scene, image)
    scene.kubectl("create", "job", f"--from=cronjob/{_JOB}", "by-hand")
    scene.eventually(lambda: _ended(scene), "the job ends", deadline_s=120)
    told = scene.kubectl("logs", "job/by-hand", "--all-containers", "--tail=40", check=False)
    assert "Complete" == _ended(scene), told

    (file,) = book.glob("scores-*.parquet")
    scores = parquet.read_table(file)
    answer = scene.caller().first_answer(scene.url)["answer"]
    (desk,) = (each["data"] for each in answer["outputs"] if each["datatype"] == "FP32")

    assert list(range(_ROWS)) == scores["application_id"].to_pylist()
    assert digest == parquet.read_metadata(file).metadata[b"bankmodel.model.sha256"].decode()
    assert float(np.float32(desk[-1])) == scores["score"][0].as_py()


def _applications(bodies: list[dict[str, Any]]) -> pa.Table:
    """The book: a row for each body, the example client's first, and a column that is only kept."""
    names = [each["name"] for each in bodies[0]["inputs"]]
    types = {each["name"]: pa.float32() if each["datatype"] == "FP32" else None for each in bodies[0]["inputs"]}
    rows = [{each["name"]: each["data"][0] for each in body["inputs"]} for body in bodies]
    columns = {name: pa.array([row[name] for row in rows], types[name]) for name in names}
    return pa.table({"application_id": pa.array(range(len(rows)), pa.int64()), **columns})


def _install(scene: Scene, image: str) -> None:
    """The example as it is, but for namespace, image and size."""
    for each in yaml.safe_load_all(scene.kubectl("kustomize", str(_EXAMPLE))):
        each["metadata"]["namespace"] = scene.namespace
        for subject in each.get("subjects", ()):
            subject["namespace"] = scene.namespace
        if each["kind"] == "CronJob":
            _fit(each["spec"]["jobTemplate"]["spec"]["template"]["spec"], scene.namespace, image)
        scene.apply(each)


def _fit(pod: dict[str, Any], namespace: str, image: str) -> None:
    (asks,), (scores,) = pod["initContainers"], pod["containers"]
    asks["command"] = [namespace if word == "lending" else word for word in asks["command"]]
    asks["image"] = scores["image"] = image
    scores["resources"] = _SMALL
    assert MODEL in asks["command"]


def _ended(scene: Scene) -> str:
    """Complete or Failed, once it is one of them."""
    conditions = scene.get("job", "by-hand").get("status", {}).get("conditions", [])
    true = [each["type"] for each in conditions if each["status"] == "True"]
    return next((each for each in true if each in ("Complete", "Failed")), "")


def _claim(scene: Scene, name: str, mode: str) -> Path:
    """A claim on a folder of the node, as a storage class would provide it; the folder, which every user may write to."""
    folder = scene.place.state.path / "volumes" / scene.namespace / name
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    volume_name, size = f"{scene.namespace}-{name}", {"storage": "16Mi"}
    volume = {"capacity": size, "accessModes": [mode], "hostPath": {"path": str(folder)}}
    claim = {"accessModes": [mode], "storageClassName": "", "resources": {"requests": size}}
    reference = {"namespace": scene.namespace, "name": name}
    scene.apply(_object("PersistentVolume", volume_name, {**volume, "claimRef": reference}))
    scene.apply(_object("PersistentVolumeClaim", name, {**claim, "volumeName": volume_name}))
    return folder


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
