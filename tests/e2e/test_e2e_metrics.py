"""A real Prometheus finds the real pods, each once, and what they tell names model, revision, owner and tier."""

from pathlib import Path

from system.mortgage import MODEL
from system.prometheus import prometheus_beside
from system.scene import Scene


def test_prometheus_scrapes_each_pod_once_by_annotation(scene: Scene, tmp_path: Path) -> None:
    caller = scene.answering()
    with caller.load(scene.url, rate=20, seconds=1) as load:
        asked = 1 + load.summary()["answered"]

    with prometheus_beside(scene.place, scene.namespace, tmp_path) as prometheus:
        up = prometheus.eventually("up == 1", 2)
        info = prometheus.eventually("bankmodel_model_info", 2)
        total = prometheus.eventually(f'sum(bankmodel_requests_total{{model="{MODEL}",code="200"}}) >= {asked}', 1)

    addresses = {f"{pod['status']['podIP']}:9090" for pod in scene.pods()}
    assert addresses == {each["metric"]["instance"] for each in up}
    revision = scene.get("bankmodel")["status"]["stable"]["revision"]
    labels = {"model": MODEL, "revision": revision, "version": "1", "owner": "mortgage-risk", "tier": "High"}
    assert [labels] * 2 == [{key: each["metric"].get(key) for key in labels} for each in info]
    assert asked == float(total[0]["value"][1]) == 21
