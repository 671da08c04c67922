"""TLS on a real server, by Python's own client and by curl: what it lets in, how it changes certificates, what it survives."""

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from support import tiny_models
from support.certificates import speaking_only, trusting
from support.scoring_process import DEADLINE_S
from support.tiny_models import ModelFile
from support.tls_site import AUTHORITY, BODY, CALLERS, INFER, REFUSED, Secured, read_to_end, secured

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("tls") / "model.onnx")


@pytest.fixture(scope="module")
def site(model: ModelFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """With TLS alone, as it comes."""
    with secured(model, tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def mutual(model: ModelFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Callers must show a certificate; plain HTTP is kept beside."""
    folder = tmp_path_factory.mktemp("mutual")
    with secured(model, folder, "--tls-keep-plaintext", "yes", ca=CALLERS.certificate) as found:
        yield found


def test_it_answers_over_tls_and_not_in_the_clear(site: Secured) -> None:
    status, text = site.ask()

    assert (200, "m") == (status, json.loads(text)["model_name"])
    assert 0 == site.server.port
    assert site.issued.not_after.timestamp() == site.server.metric(
        "bankmodel_tls_certificate_not_after_timestamp_seconds"
    )
    assert 1 == site.server.metric("bankmodel_tls_last_reload_successful")


def test_curl_is_answered(site: Secured, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(AUTHORITY.certificate)
    url = f"https://localhost:{site.server.tls_port}{INFER}"
    words = ["--silent", "--fail", "--tlsv1.2", "--cacert", str(tmp_path / "ca.crt"), "--data", BODY]
    done = subprocess.run([_curl(), *words, url], capture_output=True, timeout=DEADLINE_S, check=True)

    assert "m" == json.loads(done.stdout)["model_name"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [(ssl.TLSVersion.TLSv1_1, None), (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
    ids=["1.1", "1.2", "1.3"],
)
def test_versions_below_1_2_are_refused(site: Secured, version: ssl.TLSVersion, expected: str | None) -> None:
    assert expected == _agreed(site, speaking_only(version))


def test_http_1_1_is_what_is_agreed_upon(site: Secured) -> None:
    context = trusting(AUTHORITY)
    context.set_alpn_protocols(["h2", "http/1.1"])
    caller = site.caller(context)
    caller.connect()
    with caller.sock as connection:
        assert "http/1.1" == connection.selected_alpn_protocol()


def test_a_caller_may_resume_its_session(site: Secured) -> None:
    context = trusting(AUTHORITY)
    with _connected(site, context) as first:
        _ask_on(first)
        session = first.session
    with _connected(site, context, session) as again:
        _ask_on(again)

        assert again.session_reused


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\x00" * 600, b"\xff" * 5000, b""]
)
def test_what_is_no_handshake_is_cut_and_disturbs_nobody(site: Secured, said: bytes) -> None:
    before = site.server.metric("bankmodel_tls_handshakes_total", result="failed") or 0
    with socket.create_connection(("127.0.0.1", site.server.tls_port), DEADLINE_S) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        read_to_end(client)

    assert before + 1 == site.server.metric_becomes("bankmodel_tls_handshakes_total", before + 1, result="failed")
    assert 200 == site.ask()[0]


def test_a_refused_body_is_answered_before_the_end(site: Secured) -> None:
    """The answer must reach a client that is still sending, as it does without TLS."""
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
    with _connected(site, trusting(AUTHORITY)) as client:
        client.sendall(head + b"x" * 100_000)
        answer = read_to_end(client)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_pipelined_requests_are_answered_in_order(site: Secured) -> None:
    request = f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}".encode()
    last = request.replace(b"host: x\r\n", b"host: x\r\nconnection: close\r\n")
    with _connected(site, trusting(AUTHORITY)) as client:
        client.sendall(request * 3 + last)
        answers = read_to_end(client)

    assert 4 == answers.count(b"HTTP/1.1 200 OK")


def test_a_caller_must_show_a_certificate_of_the_right_authority(mutual: Secured, tmp_path: Path) -> None:
    known = trusting(AUTHORITY, CALLERS.issue(name="loan-desk"), tmp_path / "known")
    foreign = trusting(AUTHORITY, AUTHORITY.issue(name="loan-desk"), tmp_path / "foreign")
    expired = trusting(AUTHORITY, CALLERS.issue(valid=(-2 * DAY, -DAY)), tmp_path / "expired")

    assert 200 == mutual.ask(known)[0]
    for context in (trusting(AUTHORITY), foreign, expired):
        with pytest.raises(REFUSED):
            mutual.ask(context)


def test_plain_http_is_served_beside_where_it_is_asked_for(mutual: Secured) -> None:
    assert 200 == mutual.server.request("POST", INFER, BODY.encode()).status


@contextmanager
def _connected(
    site: Secured, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> Iterator[ssl.SSLSocket]:
    with socket.create_connection(("127.0.0.1", site.server.tls_port), DEADLINE_S) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            yield connection


def _ask_on(client: ssl.SSLSocket) -> None:
    client.sendall(f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}".encode())
    assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def _agreed(site: Secured, context: ssl.SSLContext) -> str | None:
    """The version of TLS both sides took; None if they did not come together."""
    try:
        with _connected(site, context) as connection:
            return connection.version()
    except OSError:
        return None


def _curl() -> str:
    found = shutil.which("curl")
    assert found, "curl is needed: on Debian, apt-get install curl"
    return found
