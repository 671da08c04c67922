"""curl against the running server: what people type, and what curl adds by itself."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from support.scoring_process import MIXED_ROWS, ScoringProcess

BODY = json.dumps({"inputs": list(MIXED_ROWS)})
LARGE = json.dumps({"inputs": list(MIXED_ROWS), "note": "x" * 1_100_000})  # above 1 MiB curl waits for 100 Continue


def _curl(server: ScoringProcess, *words: str, body: Path) -> tuple[str, str]:
    """The last head (one may say 100 Continue) and the body."""
    url = f"http://127.0.0.1:{server.port}/v2/models/m/infer"
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--include", "--data-binary", f"@{body}", *words]
    found = subprocess.run([*command, url], capture_output=True, check=True, timeout=30).stdout.decode()
    head, _, rest = found.rpartition("\r\n\r\n")
    return head.rpartition("\r\n\r\n")[2], rest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BODY.encode(), []),
        (BODY.encode(), ["--http1.0"]),
        (BODY.encode(), ["--http2"]),
        (BODY.encode(), ["--header", "transfer-encoding: chunked"]),
        (BODY.encode(), ["--header", "expect: 100-continue"]),
        (BODY.encode(), ["--compressed"]),
        (LARGE.encode(), []),
        (gzip.compress(BODY.encode()), ["--header", "content-encoding: gzip"]),
        (
            gzip.compress(BODY.encode()),
            ["--header", "content-encoding: gzip", "--header", "transfer-encoding: chunked"],
        ),
    ],
    ids=["plain", "1.0", "h2c", "chunked", "expect", "compressed", "large", "gzip", "gzip chunked"],
)
def test_curl_is_answered(mixed: ScoringProcess, tmp_path: Path, content: bytes, words: list[str]) -> None:
    body = tmp_path / "body"
    body.write_bytes(content)
    head, answer = _curl(mixed, *words, "--header", "x-request-id: curl-1", body=body)

    assert head.startswith("HTTP/1.1 200 OK")
    assert "x-request-id: curl-1" in head
    assert [11.0, 7.5] == json.loads(answer)["outputs"][0]["data"]


def test_a_bomb_is_refused(mixed: ScoringProcess, tmp_path: Path) -> None:
    body = tmp_path / "bomb.gz"
    body.write_bytes(gzip.compress(bytes(200 << 20), 9))
    head, answer = _curl(mixed, "--header", "content-encoding: gzip", body=body)

    assert head.startswith("HTTP/1.1 413 ")
    assert "limited to 4194304 bytes, inflated too" in json.loads(answer)["error"]
