"""A real Prometheus, Debian's package, beside the cluster: it scrapes what the annotations of the Services name.

Debian builds it without Kubernetes discovery, so the targets are listed here by the annotations' usual meaning (scrape, path,
port; one target per address of the Service) and handed over as a file; the rest is Prometheus's own work. The package is
unpacked into the cache rather than installed, so that no service of it starts.
"""

import json
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.commands import run
from cluster.paths import cache_folder
from system.place import Place, SystemFailed

__all__ = ["Prometheus", "annotated_targets", "prometheus_beside", "prometheus_binary"]

_ADDRESS = "127.0.0.1:9099"
_DEADLINE_S = 60.0
_POLL_S = 0.5
_ANNOTATION = "prometheus.io/"


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    place: Place
    process: "subprocess.Popen[bytes]"
    log: Path

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's vector: `[{"metric": {...}, "value": [time, "1"]}]`."""
        path = f"http://{_ADDRESS}/api/v1/query?query={urllib.parse.quote(expression)}"
        done = self.place.run(["curl", "-sS", "--max-time", "5", path])
        if done.returncode != 0:
            return []
        found: list[dict[str, Any]] = json.loads(done.stdout)["data"]["result"]
        return found

    def eventually(self, expression: str, count: int) -> list[dict[str, Any]]:
        """Poll until the query has COUNT results."""
        ends = time.monotonic() + _DEADLINE_S
        while len(found := self.query(expression)) != count:
            if time.monotonic() > ends or self.process.poll() is not None:
                last = "\n".join(self.log.read_text().splitlines()[-5:])
                raise SystemFailed(f"{expression} has {len(found)} results, not {count}: {found}\n{last}")
            time.sleep(_POLL_S)
        return found


@contextmanager
def prometheus_beside(place: Place, namespace: str, folder: Path) -> Iterator[Prometheus]:
    """Start it in the cluster's network with its data in FOLDER, for one namespace; stop it at the end."""
    config, targets = folder / "prometheus.yaml", folder / "targets.json"
    targets.write_text(json.dumps(annotated_targets(place, namespace)))
    job = {"job_name": "services", "file_sd_configs": [{"files": [str(targets)]}]}
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    storage = f"--storage.tsdb.path={folder / 'data'}"
    words = [str(prometheus_binary()), f"--config.file={config}", storage, f"--web.listen-address={_ADDRESS}"]
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen([str(place.state.path / "run"), *words], stdout=output, stderr=output)
    try:
        yield Prometheus(place, process, log)
    finally:
        process.terminate()
        process.wait(30)


def annotated_targets(place: Place, namespace: str) -> list[dict[str, Any]]:
    """What Prometheus's Kubernetes discovery would find by the annotations, as `file_sd` wants it."""
    slices = place.kubectl.read("-n", namespace, "get", "endpointslices")["items"]
    services = place.kubectl.read("-n", namespace, "get", "services")["items"]
    return [
        {
            "targets": [f"{address}:{notes[_ANNOTATION + 'port']}" for address in _addresses(slices, name)],
            "labels": {"__metrics_path__": notes[_ANNOTATION + "path"], "namespace": namespace, "service": name},
        }
        for name, notes in ((each["metadata"]["name"], each["metadata"].get("annotations", {})) for each in services)
        if notes.get(_ANNOTATION + "scrape") == "true"
    ]


def _addresses(slices: list[dict[str, Any]], service: str) -> list[str]:
    mine = (each for each in slices if each["metadata"]["labels"].get("kubernetes.io/service-name") == service)
    return [address for each in mine for endpoint in each["endpoints"] or () for address in endpoint["addresses"]]


def prometheus_binary() -> Path:
    """The program, unpacked into the cache where it is not there yet."""
    folder = cache_folder() / "prometheus"
    binary = folder / "usr" / "bin" / "prometheus"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "update", "-q"], deadline_s=300)
        run(["apt-get", "download", "prometheus"], deadline_s=300, cwd=folder)
        run(["dpkg-deb", "--extract", next(folder.glob("prometheus_*.deb")), folder], deadline_s=60)
    return binary
