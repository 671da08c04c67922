"""Bringing a model's file: from real servers over http and https and from a folder, checked while it streams.

S3 against a real S3 server: tests/control_plane/test_fetch_s3.py.
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bankmodel_serving.errors import (
    DigestMismatch,
    SettingsInvalid,
    SourceDenied,
    SourceNotFound,
    SourceUnreachable,
    StartError,
)
from bankmodel_serving.fetch.download import fetch
from bankmodel_serving.fetch.settings import FetchSettings, FileSource, HttpSource, S3Source, Source
from support.artifact_store import PASSWORD, TOKEN, USER, ArtifactStore, Authority, Seen

CONTENT = bytes(range(256)) * 20_000  # more than one piece of the stream
SHA256 = hashlib.sha256(CONTENT).hexdigest()
AT_ONCE = (0.0, 0.0)


@dataclass(frozen=True)
class Stores:
    """Four servers and the authority that signed for three of them."""

    plain: ArtifactStore
    tls: ArtifactStore
    misnamed: ArtifactStore
    expired: ArtifactStore
    ca: str


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    authority = Authority.make(tmp_path_factory.mktemp("authority"))
    with (
        ArtifactStore(CONTENT) as plain,
        ArtifactStore(CONTENT, authority.server("IP:127.0.0.1"), moved_to=plain.url("file")) as tls,
        ArtifactStore(CONTENT, authority.server("DNS:elsewhere.bank")) as misnamed,
        ArtifactStore(CONTENT, authority.server("IP:127.0.0.1", days=-1)) as expired,
    ):
        yield Stores(plain, tls, misnamed, expired, authority.pem)


def _settings(source: Source, to: Path, ca_bundle: str = "") -> FetchSettings:
    return FetchSettings(source, SHA256, str(to), ca_bundle)


GOOD = ["http", "https", "bearer token", "user and password", "signed URL", "volume"]


def _good(case: str, stores: Stores, folder: Path) -> Source:
    (folder / "on-volume.onnx").write_bytes(CONTENT)
    sources: dict[str, Source] = {
        "http": HttpSource(stores.plain.url("file")),
        "https": HttpSource(stores.tls.url("file")),
        "bearer token": HttpSource(stores.tls.url("private"), token=TOKEN),
        "user and password": HttpSource(stores.tls.url("private"), username=USER, password=PASSWORD),
        "signed URL": HttpSource(stores.tls.url("file?sig=a%2Fb%2Bc&expires=1")),
        "volume": FileSource(str(folder / "on-volume.onnx")),
    }
    return sources[case]


@pytest.mark.parametrize("case", GOOD)
def test_a_file_is_brought_whole_from_its_source(case: str, stores: Stores, tmp_path: Path) -> None:
    to = tmp_path / "model" / "model.onnx"
    size = fetch(_settings(_good(case, stores, tmp_path), to, stores.ca))

    assert (len(CONTENT), CONTENT) == (size, to.read_bytes())
    assert 0o644 == to.stat().st_mode & 0o777


def test_a_signed_url_arrives_as_it_was_written(stores: Stores, tmp_path: Path) -> None:
    fetch(_settings(_good("signed URL", stores, tmp_path), tmp_path / "m", stores.ca))

    assert Seen("/file?sig=a%2Fb%2Bc&expires=1", None) in stores.tls.seen


def test_a_redirect_to_another_server_does_not_carry_the_secret_there(tmp_path: Path) -> None:
    with (
        ArtifactStore(CONTENT) as elsewhere,
        ArtifactStore(CONTENT, moved_to=elsewhere.url("file")) as store,
    ):
        fetch(_settings(HttpSource(store.url("moved"), token=TOKEN), tmp_path / "m"))

    assert [Seen("/moved", f"Bearer {TOKEN}")] == store.seen
    assert [Seen("/file", None)] == elsewhere.seen


def test_a_store_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    with ArtifactStore(CONTENT) as store:
        fetch(_settings(HttpSource(store.url("flaky")), tmp_path / "m"), pauses_s=AT_ONCE)

    assert 3 == len(store.seen)


@dataclass(frozen=True)
class Bad:
    """A source that can't be had, and what is said about it."""

    source: Source
    error: type[StartError]
    words: str
    ca: str | None = None


BAD = [
    *("no such file", "no credentials", "other credentials", "nobody listens", "no TLS there", "unknown authority"),
    *(
        "not its name",
        "expired",
        "no certificates in the bundle",
        "cut off",
        "no length",
        "circle",
        "to plain http",
        "busy",
    ),
    *("no such file on the volume", "a folder on the volume"),
]


def _bad(case: str, stores: Stores, folder: Path) -> Bad:
    (folder / "approved.onnx").write_bytes(CONTENT)
    plain, tls = stores.plain.url, stores.tls.url
    cases = {
        "no such file": Bad(HttpSource(tls("none")), SourceNotFound, "/none does not exist (404)"),
        "no credentials": Bad(HttpSource(tls("private")), SourceDenied, "asks for credentials (401); name a Secret"),
        "other credentials": Bad(
            HttpSource(tls("private"), token="hush"), SourceDenied, "refused the credentials (403)"
        ),
        "nobody listens": Bad(HttpSource(_nowhere()), SourceUnreachable, "the connection was refused"),
        "no TLS there": Bad(
            HttpSource(plain("file").replace("http:", "https:")), SourceUnreachable, "it does not speak TLS"
        ),
        "unknown authority": Bad(HttpSource(tls("file")), SourceUnreachable, "give it by caBundleRef", ca=""),
        "not its name": Bad(HttpSource(stores.misnamed.url("file")), SourceUnreachable, "is for another name"),
        "expired": Bad(HttpSource(stores.expired.url("file")), SourceUnreachable, "its certificate has expired"),
        "no certificates in the bundle": Bad(HttpSource(tls("file")), SettingsInvalid, "no PEM certificate", ca="hush"),
        "cut off": Bad(HttpSource(plain("cut")), SourceUnreachable, "broke off in the middle"),
        "no length": Bad(HttpSource(plain("unmeasured")), SourceUnreachable, "Content-Length"),
        "circle": Bad(HttpSource(plain("circle")), SourceUnreachable, "redirects in a circle"),
        "to plain http": Bad(HttpSource(tls("moved")), SourceUnreachable, "an address that is not allowed"),
        "busy": Bad(HttpSource(plain("status/503/SlowDown?sig=hush")), SourceUnreachable, "it answered 503"),
        "no such file on the volume": Bad(
            FileSource(str(folder / "none.onnx")), SourceNotFound, "none.onnx; the folder holds approved.onnx"
        ),
        "a folder on the volume": Bad(FileSource(str(folder)), SourceNotFound, "there is no file"),
    }
    return cases[case]


@pytest.mark.parametrize("case", BAD)
def test_a_source_that_fails_says_why_and_leaves_nothing_behind(case: str, stores: Stores, tmp_path: Path) -> None:
    bad = _bad(case, stores, tmp_path)
    to = tmp_path / "model" / "model.onnx"
    with pytest.raises(bad.error) as caught:
        fetch(_settings(bad.source, to, stores.ca if bad.ca is None else bad.ca), pauses_s=AT_ONCE)

    assert bad.words in str(caught.value)
    assert "hush" not in str(caught.value)
    assert [] == list(to.parent.iterdir())


S3_ANSWERS = {
    "NoSuchKey": ("404/NoSuchKey", SourceNotFound, "s3://status/404/NoSuchKey at http://127.0.0.1"),
    "NoSuchBucket": ("404/NoSuchBucket", SourceNotFound, "has no such bucket"),
    "XAdminUserNotFound": ("404/XAdminUserNotFound", SourceDenied, "refused the credentials (404 XAdminUserNotFound)"),
    "SignatureDoesNotMatch": (
        "403/SignatureDoesNotMatch",
        SourceDenied,
        "refused the credentials (403 SignatureDoesNotMatch)",
    ),
    "ExpiredToken": ("400/ExpiredToken", SourceDenied, "refused the credentials (400 ExpiredToken)"),
    "AuthorizationHeaderMalformed": (
        "400/AuthorizationHeaderMalformed",
        SourceUnreachable,
        "AuthorizationHeaderMalformed; correct its region",
    ),
    "PermanentRedirect": ("301/PermanentRedirect", SourceUnreachable, "asks for another region"),
    "SlowDown": ("503/SlowDown", SourceUnreachable, "it answered 503 SlowDown"),
}


@pytest.mark.parametrize(("answer", "error", "words"), S3_ANSWERS.values(), ids=S3_ANSWERS)
def test_an_s3_server_that_says_no_is_understood(
    answer: str, error: type[StartError], words: str, stores: Stores, tmp_path: Path
) -> None:
    source = S3Source("status", answer, stores.plain.url("").rstrip("/"), "", "key", "hush")
    with pytest.raises(error) as caught:
        fetch(_settings(source, tmp_path / "m"), pauses_s=AT_ONCE)

    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


def test_another_digest_leaves_the_file_that_was_there(stores: Stores, tmp_path: Path) -> None:
    to = tmp_path / "model" / "model.onnx"
    to.parent.mkdir()
    to.write_bytes(b"the one before")
    settings = replace(_settings(HttpSource(stores.plain.url("file")), to), sha256="0" * 64)
    with pytest.raises(DigestMismatch) as caught:
        fetch(settings)

    assert f"has sha256 {SHA256}, the spec asks for {'0' * 64}" in str(caught.value)
    assert [to] == list(to.parent.iterdir())
    assert b"the one before" == to.read_bytes()


def _nowhere() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/file"


# The program, as a pod runs it


def _run(folder: Path, *arguments: str, **environment: str) -> tuple[int, dict[str, str], str]:
    """Exit code, termination message and log of `bankmodel-fetch`."""
    words = folder / "termination"
    words.write_text("{}")
    own = {"BANKMODEL_TERMINATION_LOG": str(words), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "bankmodel_serving.fetch", "--to", str(folder / "model.onnx"), *arguments]
    ended = subprocess.run(command, env={**own, **environment}, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, json.loads(words.read_text()), ended.stderr


def test_the_program_takes_its_secrets_from_the_environment(stores: Stores, tmp_path: Path) -> None:
    secrets = {"BANKMODEL_SOURCE_token": f"{TOKEN}\n", "BANKMODEL_CA_BUNDLE": stores.ca}
    code, words, log = _run(tmp_path, "--sha256", SHA256, "--http", stores.tls.url("private"), **secrets)

    assert (0, {}) == (code, words)
    assert CONTENT == (tmp_path / "model.onnx").read_bytes()
    assert ["fetched", len(CONTENT)] == [json.loads(log)[key] for key in ("message", "bytes")]
    assert TOKEN not in log


@pytest.mark.parametrize(
    ("sha256", "path", "expected"),
    [
        ("0" * 64, "file", (1, "DigestMismatch")),
        (SHA256, "none", (1, "SourceNotFound")),
        (SHA256, "private", (1, "SourceDenied")),
        ("short", "file", (2, "SettingsInvalid")),
    ],
    ids=["DigestMismatch", "SourceNotFound", "SourceDenied", "SettingsInvalid"],
)
def test_the_programs_last_words_are_its_reason(
    sha256: str, path: str, expected: tuple[int, str], stores: Stores, tmp_path: Path
) -> None:
    code, words, _ = _run(tmp_path, "--sha256", sha256, "--http", stores.plain.url(path))

    assert expected == (code, words["reason"])
    assert {"reason", "message"} == set(words)
    assert not (tmp_path / "model.onnx").exists()
