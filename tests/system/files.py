"""A file server inside a namespace, as a bank's artifact store would be: models over http, one path behind a password."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.oci import write_archive
from system.scene import Scene

__all__ = ["PASSWORD", "SECRET", "file_server", "url_of", "wrong_image"]

NAME = "artifacts"
SECRET, USER, PASSWORD = "artifact-reader", "reader", "only-for-this-test"
_PORT = 8000
_PYTHON = "/opt/bankmodel/bin/python"
_SERVER = f"""
import base64, http.server, os
WANTED = "Basic " + base64.b64encode(b"{USER}:{PASSWORD}").decode()
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/private/"):
            if self.headers.get("authorization") != WANTED:
                return self.send_error(401)
            self.path = self.path.removeprefix("/private")
        return super().do_GET()
os.chdir("/files")
http.server.ThreadingHTTPServer(("", {_PORT}), Handler).serve_forever()
"""


def url_of(scene: Scene, path: str, *, port: int = _PORT) -> str:
    """Where a file is."""
    return f"http://{NAME}.{scene.namespace}.svc:{port}/{path}"


def file_server(scene: Scene, files: Mapping[str, bytes]) -> None:
    """Serve FILES, and below /private/ the same for those who know the password; make the Secret that holds it."""
    content = {name: base64.b64encode(body).decode() for name, body in files.items()}
    scene.apply(_object("v1", "ConfigMap", NAME, binaryData=content))
    scene.apply(_object("v1", "Secret", SECRET, stringData={"username": USER, "password": PASSWORD}))
    ports = [{"port": _PORT, "targetPort": _PORT}]
    scene.apply(_object("v1", "Service", NAME, spec={"selector": {"app": NAME}, "ports": ports}))
    scene.apply(_pod(scene.images["serving"]))
    scene.kubectl("wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=50s")


def wrong_image(scene: Scene, folder: Path) -> tuple[str, bytes]:
    """An image whose model.onnx is no ONNX file, brought to the node; its reference and the file's content."""
    content = b"this is a spreadsheet, not an ONNX file"
    archive = folder / "wrong.tar"
    write_archive(archive, name="localhost/wrong:1", files={"/model.onnx": content}, entrypoint=["/none"])
    return scene.place.load(archive), content


def _object(version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"app": name}}, **rest}


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "files",
        "image": image,
        "command": [_PYTHON, "-c", _SERVER],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "files", "mountPath": "/files"}],
    }
    pod_security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": pod_security,
        "containers": [container],
        "volumes": [{"name": "files", "configMap": {"name": NAME}}],
    }
    return _object("v1", "Pod", NAME, spec=spec)
