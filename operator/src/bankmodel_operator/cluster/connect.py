"""Opens the connection to the apiserver: inside a pod by its service account, else by KUBECONFIG; used by `process`.

The service account's token is read again from its file every minute, as it is replaced within the hour.
"""

from __future__ import annotations

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

__all__ = ["connect"]

_CONNECTIONS = 64


async def connect() -> ApiClient:
    """A client that never retries by itself: whether to try again is decided by the work queue."""
    settings = Configuration()
    try:
        config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]  # theirs
    except config.ConfigException:
        await config.load_kube_config(client_configuration=settings)  # type: ignore[no-untyped-call]  # theirs
    settings.retries = None
    settings.connection_pool_maxsize = _CONNECTIONS
    # Else each request reads ~/.netrc, in a thread; and a login found there, next to our token, is refused by aiohttp.
    # Proxies are named by the kubeconfig alone (proxy-url), as kopf takes them.
    settings.client_session_kwargs = {"trust_env": False}
    return ApiClient(settings)
