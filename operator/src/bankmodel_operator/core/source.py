"""How a model's file gets into the pod: the fetch container, the volumes and the path, by kind of source."""

from __future__ import annotations

from typing import Any

from bankmodel_operator.api.v1alpha1 import HttpSource, ModelFile, Reference, S3Source, Source
from bankmodel_operator.core import names

FETCHED_FILE = f"{names.MODEL_FOLDER}/model.onnx"


def model_path(source: Source) -> str:
    """Where the serving container finds the file."""
    return f"{names.MODEL_FOLDER}/{source.image.path}" if source.image else FETCHED_FILE


def source_volumes(source: Source) -> list[dict[str, Any]]:
    """The volume `model`, and `source` where it is copied from a claim."""
    if source.image:
        image = {"reference": source.image.reference, "pullPolicy": "IfNotPresent"}
        return [{"name": "model", "image": image}]
    fetched: dict[str, Any] = {"name": "model", "emptyDir": {}}
    if source.volume:
        claim = {"claimName": source.volume.claim_name, "readOnly": True}
        return [fetched, {"name": "source", "persistentVolumeClaim": claim}]
    return [fetched]


def fetch_container(file: ModelFile, *, image: str, common: dict[str, Any]) -> dict[str, Any] | None:
    """The init container that brings and checks the file; none for an image volume."""
    if file.source.image:
        return None
    mounts: list[dict[str, Any]] = [
        {"name": "model", "mountPath": names.MODEL_FOLDER},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if file.source.volume:
        mounts.append({"name": "source", "mountPath": names.SOURCE_FOLDER, "readOnly": True})
    return {
        "name": names.CONTAINER_FETCH,
        "image": image,
        "command": ["bankmodel-fetch"],
        "args": ["--sha256", file.sha256, "--to", FETCHED_FILE, *_origin(file.source)],
        "volumeMounts": mounts,
        **_references(file.source.http or file.source.s3),
        **common,
    }


def _origin(source: Source) -> list[str]:
    if source.http:
        return ["--http", source.http.url]
    if source.s3:
        endpoint = ["--endpoint", source.s3.endpoint] if source.s3.endpoint else []
        region = ["--region", source.s3.region] if source.s3.region else []
        return ["--s3", f"{source.s3.bucket}/{source.s3.key}", *endpoint, *region]
    if source.volume:
        return ["--file", f"{names.SOURCE_FOLDER}/{source.volume.path}"]
    raise ValueError("spec.model.source names no source: set one of image, http, s3 and volume")


def _references(source: HttpSource | S3Source | None) -> dict[str, Any]:
    """Credentials and CA by environment, so that a missing object shows at once as a start error."""
    found: dict[str, Any] = {}
    if source and source.secret_ref:
        found["envFrom"] = [{"prefix": names.SOURCE_ENV_PREFIX, "secretRef": {"name": source.secret_ref.name}}]
    if source and source.ca_bundle_ref:
        found["env"] = [_ca_bundle(source.ca_bundle_ref)]
    return found


def _ca_bundle(reference: Reference) -> dict[str, Any]:
    key = {"name": reference.name, "key": names.CA_BUNDLE_KEY}
    return {"name": names.CA_BUNDLE_ENV, "valueFrom": {"configMapKeyRef": key}}
