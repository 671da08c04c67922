"""A few requests to the apiserver with nothing but the standard library: readiness, small objects, tokens.

Called by api_only and by the cluster's own tests. The operator has its own, real client.
"""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError

__all__ = ["ApiRefused", "Connection"]


class ApiRefused(ClusterError):
    """The apiserver answered with an error; `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the status beside the sentence."""
        super().__init__(f"the apiserver answered {code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Connection:
    """The apiserver at `url`, as the holder of `token`."""

    url: str
    ca: Path
    token: str

    def get(self, path: str) -> dict[str, Any]:
        """GET an object or a list."""
        return self._send("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object."""
        return self._send("POST", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        """Delete an object."""
        return self._send("DELETE", path, None)

    def is_ready(self) -> bool:
        """Whether /readyz answers ok."""
        return self._answers("/readyz")

    def exists(self, path: str) -> bool:
        """Whether GET answers 200."""
        return self._answers(path)

    def _answers(self, path: str) -> bool:
        try:
            self._open("GET", path, None)
        except (OSError, ApiRefused):
            return False
        return True

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._open(method, path, body))
        return answer

    def _open(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        # No proxy, whatever the environment says: the server is on this machine.
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.ca)))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        try:
            with opener.open(request, data=data, timeout=10) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as refused:
            raise ApiRefused(refused.code, _message(refused.read())) from refused


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:2000]
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
