"""Bringing a model's file from a real S3 server, with signed requests, over http and https.

Here, not with the unit tests of fetching, since the server is built from a Go module like the API server is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bankmodel_serving.errors import DigestMismatch, SourceDenied, SourceNotFound, SourceUnreachable, StartError
from bankmodel_serving.fetch.download import fetch
from bankmodel_serving.fetch.settings import FetchSettings, S3Source
from support.artifact_store import Authority
from support.s3_server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, S3Server

CONTENT = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "lending/2026 11/model+v2.onnx"  # a space and a plus: what a wrong signature is made of


@dataclass(frozen=True)
class Stores:
    """The same bucket, without and with TLS."""

    plain: S3Source
    tls: S3Source
    ca: str


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    file = folder / "models" / KEY
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    authority = Authority.make(tmp_path_factory.mktemp("authority"))
    with S3Server(folder) as plain, S3Server(folder, authority.certificate("IP:127.0.0.1")) as tls:
        yield Stores(_source(plain), _source(tls), authority.pem)


def _source(server: S3Server) -> S3Source:
    return S3Source("models", KEY, server.endpoint, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_object_is_brought_whole(scheme: str, stores: Stores, tmp_path: Path) -> None:
    source = stores.plain if scheme == "http" else stores.tls
    size = fetch(FetchSettings(source, SHA256, str(tmp_path / "m"), stores.ca))

    assert (len(CONTENT), CONTENT) == (size, (tmp_path / "m").read_bytes())


BAD: dict[str, tuple[dict[str, str], type[StartError], str]] = {
    "no such object": ({"key": "none"}, SourceNotFound, "s3://models/none at http"),
    "no such bucket": ({"bucket": "none"}, SourceNotFound, "has no such bucket"),
    "another secret": ({"secret_access_key": "hush"}, SourceDenied, "403 SignatureDoesNotMatch"),
    "another user": ({"access_key_id": "nobody"}, SourceDenied, "refused the credentials"),
    "no credentials": ({"access_key_id": "", "secret_access_key": ""}, SourceDenied, "name a Secret in secretRef"),
    "another region": ({"region": "us-east-1"}, SourceUnreachable, "correct its region"),
}


@pytest.mark.parametrize(("change", "error", "words"), BAD.values(), ids=BAD)
def test_a_source_that_fails_says_why(
    change: dict[str, str], error: type[StartError], words: str, stores: Stores, tmp_path: Path
) -> None:
    to = tmp_path / "model" / "model.onnx"
    with pytest.raises(error) as caught:
        fetch(FetchSettings(replace(stores.plain, **change), SHA256, str(to)), pauses_s=(0.0, 0.0))

    assert words in str(caught.value)
    assert "hush" not in str(caught.value)
    assert [] == list(to.parent.iterdir())


def test_an_unknown_authority_is_not_trusted(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="give it by caBundleRef"):
        fetch(FetchSettings(stores.tls, SHA256, str(tmp_path / "m")), pauses_s=(0.0, 0.0))


def test_an_object_of_another_digest_is_not_taken(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch):
        fetch(FetchSettings(stores.plain, "0" * 64, str(tmp_path / "m")))

    assert [] == list(tmp_path.iterdir())
