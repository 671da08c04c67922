"""Between pods with TLS: both show the model's certificate, nobody else is let in, and renewals are followed."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from bankmodel_operator.telemetry.certificates import parse_peers
from support import tiny_models
from support.certificates import Authority, Issued, mount, trusting
from support.revisions import Revisions, revisions
from support.scoring_process import DEADLINE_S
from support.tls_site import AUTHORITY, BODY, INFER, REFUSED


@contextmanager
def _secured(folder: Path, first: Issued, ca: bytes = b"") -> Iterator[Revisions]:
    """Both revisions read the same Secret, each from a folder of its own, as two pods do."""
    model = tiny_models.save(tiny_models.dense(), folder / "m.onnx")
    files = {revision: mount(folder / f"tls-{revision}", first.secret(ca)) for revision in ("a", "b")}
    with _started(folder, model, files) as found:
        found.follow("a", revision="b", weight=100)
        yield found


@contextmanager
def _started(folder: Path, model: tiny_models.ModelFile, files: dict[str, Path]) -> Iterator[Revisions]:
    with (
        revisions(folder, {"a": model}, *_words(files["a"])) as one,
        revisions(folder, {"b": model}, *_words(files["b"])) as other,
    ):
        yield Revisions(folder, {**one.pods, **other.pods})


def _words(files: Path) -> tuple[str, ...]:
    return ("--tls-cert", str(files / "tls.crt"), "--tls-key", str(files / "tls.key"), "--tls-port", "0")


def _ask(found: Revisions, context: ssl.SSLContext | None = None) -> tuple[int, str, str]:
    caller = http.client.HTTPSConnection(
        "127.0.0.1", found.pods["a"].tls_port, timeout=DEADLINE_S, context=context or trusting(AUTHORITY)
    )
    try:
        caller.request("POST", INFER, BODY)
        answer = caller.getresponse()
        answer.read()
        said = answer.headers
        return answer.status, said["x-bankmodel-revision"], said.get("x-bankmodel-fallback", "")
    finally:
        caller.close()


def test_pods_with_the_same_certificate_trust_each_other(tmp_path: Path) -> None:
    with _secured(tmp_path, AUTHORITY.issue()) as found:
        assert [(200, "b", "")] * 5 == [_ask(found) for _ in range(5)]
        assert found.pods["a"].metric("bankmodel_forward_fallbacks_total", to="b") is None


def test_nobody_else_is_let_in_at_the_peer_port(tmp_path: Path) -> None:
    with _secured(tmp_path, AUTHORITY.issue()) as found:
        port = found.pods["b"].peer_port
        strangers = (trusting(AUTHORITY), trusting(AUTHORITY, AUTHORITY.issue(), tmp_path / "stranger"))
        for context in strangers:
            context.check_hostname = False
            caller = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE_S, context=context)
            with pytest.raises(REFUSED):
                _knock(caller)
            caller.close()


def _knock(caller: http.client.HTTPSConnection) -> None:
    """With TLS 1.3 a client learns only from the first answer that its certificate was not accepted."""
    caller.request("POST", INFER, BODY, {"x-bankmodel-from": "a"})
    caller.getresponse()


def test_pods_of_two_certificates_answer_for_themselves_until_both_are_renewed(tmp_path: Path) -> None:
    with _secured(tmp_path, AUTHORITY.issue()) as found:
        fresh = AUTHORITY.issue()
        mount(tmp_path / "tls-b", fresh.secret())
        found.pods["b"].metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")
        before = _ask(found)  # a new connection of pods, or there is none yet
        mount(tmp_path / "tls-a", fresh.secret())
        found.pods["a"].metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")

        assert (200, "a", "unreachable") == before
        assert (200, "b", "") == _ask(found)


def test_who_signed_both_lets_a_renewal_pass_unnoticed(tmp_path: Path) -> None:
    with _secured(tmp_path, AUTHORITY.issue(), AUTHORITY.certificate) as found:
        mount(tmp_path / "tls-b", AUTHORITY.issue().secret(AUTHORITY.certificate))
        found.pods["b"].metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")

        assert (200, "b", "") == _ask(found)
        one, other = (parse_peers(pod.get("/metrics", pod.metrics_port).text) for pod in found.pods.values())

    assert one is not None
    assert other is not None
    assert one.certificate != other.certificate
    assert one.authorities == other.authorities != frozenset()


def test_a_certificate_for_servers_alone_serves_callers_and_says_what_it_lacks(tmp_path: Path) -> None:
    servers = AUTHORITY.issue(usages=(ExtendedKeyUsageOID.SERVER_AUTH,), valid=(-timedelta(1), timedelta(1)))
    with _secured(tmp_path, servers) as found:
        assert (200, "a", "unreachable") == _ask(found)
        said = [line.get("error", "") for line in found.pods["a"].log]
        told = {name: parse_peers(pod.get("/metrics", pod.metrics_port).text) for name, pod in found.pods.items()}

    assert any("needs the usages server auth and client auth" in line for line in said)
    assert told["a"] is not None
    assert "purpose" in told["a"].problem
    assert told["a"] == told["b"]


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with _secured(tmp_path, AUTHORITY.issue()) as found:
        other = Authority("another")
        mount(tmp_path / "tls-b", other.issue().secret())
        found.pods["b"].metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")

        assert (200, "a", "unreachable") == _ask(found)
