"""A `prometheus` check's question, put to a real Prometheus.

Here, not with the unit tests, since the program comes from a Debian package.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bankmodel_operator.core.analysis.verdicts import Answer
from bankmodel_operator.telemetry.prometheus import Prometheus
from system.prometheus import prometheus_binary


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One without targets: it can count, and knows nothing."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yaml"
    config.write_text("global: {}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        str(prometheus_binary()),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    ends = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def ask(address: str, query: str, at: datetime) -> Answer:
    async def asked() -> Answer:
        prometheus = Prometheus()
        try:
            return await prometheus.ask(address, query, at)
        finally:
            await prometheus.close()

    return asyncio.run(asked())


AT = datetime(2026, 11, 25, 8, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "value", "words"),
    [
        ("vector(1) * 2", 2.0, ""),
        ("1 + 1", 2.0, ""),
        ("time()", AT.timestamp(), ""),
        ("up{job='nobody'}", None, "empty"),
        ("vector(0) / 0", None, "nan"),
        ("vector(1) / 0", None, "inf"),
        ("label_replace(vector(1), 'a', 'b', '', '') or vector(2)", None, "2 series"),
        ("up[5m]", None, "matrix"),
        ("'text'", None, "string"),
        ("sum(", None, "parse error"),
    ],
)
def test_a_real_answer(address: str, query: str, value: float | None, words: str) -> None:
    found = ask(address, query, AT)

    assert value == found.value
    assert words in found.reason
