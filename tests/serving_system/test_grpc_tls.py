"""gRPC over TLS on a real server: who is let in, certificates that change under load, that are missing, bad or expired."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from bankmodel_serving.grpc_port.messages import message
from support import tiny_models
from support.certificates import Authority, Issued, mount, speaking_only, without_proof
from support.grpc_calls import Stub, dense_row
from support.scoring_process import DEADLINE_S, tensor
from support.tiny_models import ModelFile
from support.tls_site import AUTHORITY, CALLERS, Secured, read_to_end, secured, until

_INFER = "/inference.GRPCInferenceService/ModelInfer"
_GRPC = ("--grpc-port", "0")
_APART = ("grpc.use_local_subchannel_pool", 1)  # a connection of its own
_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("tls") / "model.onnx")


@pytest.fixture(scope="module")
def site(model: ModelFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(model, tmp_path_factory.mktemp("site"), *_GRPC, "--header-timeout", "1") as found:
        yield found


@pytest.fixture(scope="module")
def mutual(model: ModelFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Callers must show a certificate; plain HTTP is kept beside."""
    folder = tmp_path_factory.mktemp("mutual")
    with secured(model, folder, *_GRPC, "--tls-keep-plaintext", "yes", ca=CALLERS.certificate) as found:
        yield found


def test_a_call_over_tls_is_answered_as_over_rest(site: Secured) -> None:
    with _stub(site) as stub:
        answer = stub.call("ModelInfer", **dense_row())
    status, text = site.ask(body=json.dumps({"inputs": [tensor("X", "FP32", [1, 4], [0.0, 1.0, 2.0, 3.0])]}))
    (probabilities,) = (each for each in json.loads(text)["outputs"] if each["datatype"] == "FP32")

    assert 200 == status
    assert probabilities["data"] == pytest.approx(
        memoryview(answer.raw_output_contents[1]).cast("f").tolist(), abs=1e-9
    )


def test_it_is_not_answered_in_the_clear(site: Secured, mutual: Secured) -> None:
    for each in (site, mutual):
        with Stub(each.server, _APART) as stub:
            assert "UNAVAILABLE" == stub.refusal("ServerLive")[0]


def test_a_server_whose_authority_is_not_trusted_is_not_called(site: Secured) -> None:
    with _stub(site, Authority("another CA")) as stub:
        assert "UNAVAILABLE" == stub.refusal("ServerLive")[0]


@pytest.mark.parametrize(
    ("version", "expected"),
    [(ssl.TLSVersion.TLSv1_1, None), (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
    ids=["1.1", "1.2", "1.3"],
)
def test_versions_below_1_2_are_refused(site: Secured, version: ssl.TLSVersion, expected: str | None) -> None:
    try:
        found = _met(site, speaking_only(version))[0]
    except OSError:
        found = None

    assert expected == found


def test_a_caller_must_show_a_certificate_of_the_right_authority(mutual: Secured) -> None:
    with _stub(mutual, client=CALLERS.issue(name="loan-desk")) as known:
        assert known.call("ServerLive").live
    for shown in (None, AUTHORITY.issue(), CALLERS.issue(valid=(-2 * _DAY, -_DAY))):
        with _stub(mutual, client=shown) as stub:
            assert "UNAVAILABLE" == stub.refusal("ServerLive")[0]


def test_who_never_finishes_a_handshake_is_cut(site: Secured) -> None:
    with socket.create_connection(("127.0.0.1", site.server.grpc_port), DEADLINE_S) as stalled:
        assert b"" == read_to_end(stalled)


async def test_a_certificate_changes_under_load_without_a_failed_call(model: ModelFile, tmp_path: Path) -> None:
    """Half of the callers connect for each call, the others as often as their connections grow old."""
    with secured(model, tmp_path / "tls", *_GRPC, "--grpc-connection-age", "0.3") as site:
        answered, lost, serials = [0], list[str](), []
        callers = [asyncio.create_task(_call_on(site, answered, lost, keeps=n % 2 == 0)) for n in range(4)]
        await _grows(answered, lost)
        for number in range(2, 5):
            fresh = AUTHORITY.issue()
            mount(site.folder, fresh.secret())
            await asyncio.to_thread(site.server.metric_becomes, "bankmodel_tls_reloads_total", number, result="ok")
            serials.append((fresh.serial, (await asyncio.to_thread(_met, site, without_proof()))[1]))
            await _grows(answered, lost)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    assert [] == lost
    assert all(expected == shown for expected, shown in serials)


def test_a_key_that_grpc_clients_refuse_is_told_in_the_log(model: ModelFile, tmp_path: Path) -> None:
    pair = AUTHORITY.issue(key=ed25519.Ed25519PrivateKey.generate())
    with secured(model, tmp_path / "tls", *_GRPC, issued=pair) as site:
        status = site.ask()[0]
        with _stub(site) as stub:
            code = stub.refusal("ServerLive")[0]

    assert (200, "UNAVAILABLE") == (status, code)
    assert any("Ed25519" in line.get("error", "") for line in site.server.log)


def test_a_broken_pair_never_takes_the_good_one_away(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", *_GRPC) as site:
        mount(site.folder, {"tls.crt": AUTHORITY.issue().certificate, "tls.key": AUTHORITY.issue().key})
        site.server.metric_becomes("bankmodel_tls_reloads_total", 1, result="failed")

        assert site.issued.serial == _met(site, without_proof())[1]


def test_a_client_authority_that_was_taken_out_is_trusted_no_more(model: ModelFile, tmp_path: Path) -> None:
    others = Authority("new callers' CA")
    with secured(model, tmp_path / "tls", *_GRPC, ca=CALLERS.certificate) as site:
        mount(site.folder, site.issued.secret(others.certificate))
        site.server.metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")
        with _stub(site, client=others.issue()) as known, _stub(site, client=CALLERS.issue()) as old:
            assert known.call("ServerLive").live
            assert "UNAVAILABLE" == old.refusal("ServerLive")[0]


def test_an_expired_certificate_is_shown_for_callers_to_judge(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", *_GRPC, issued=AUTHORITY.issue(valid=(-9 * _DAY, -_DAY))) as site:
        assert 200 == site.server.get("/readyz", site.server.metrics_port).status
        assert site.issued.serial == _met(site, without_proof())[1]
        with _stub(site) as stub:
            assert "UNAVAILABLE" == stub.refusal("ServerLive")[0]


def test_without_a_usable_pair_the_port_stays_closed_until_one_comes(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", *_GRPC, "--drain-delay", "0", issued=_no_pair()) as site:
        ready = site.server.get("/readyz", site.server.metrics_port)
        assert (503, "CertificateInvalid", 0) == (ready.status, ready.json["reason"], site.server.grpc_port)

        mount(site.folder, AUTHORITY.issue().secret())
        site.server.grpc_port = site.server.read_log_until("listening for gRPC")["grpc_port"]
        until(lambda: site.server.get("/readyz", site.server.metrics_port).status == 200)
        with _stub(site) as stub:
            assert 2 == len(stub.call("ModelInfer", **dense_row()).outputs)
        site.server.terminate()
        assert 0 == site.server.wait()


def test_a_port_that_is_taken_when_the_pair_comes_ends_the_server(model: ModelFile, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        with secured(model, tmp_path / "tls", "--grpc-port", taken, issued=_no_pair()) as site:
            mount(site.folder, AUTHORITY.issue().secret())
            code = site.server.wait()

    words = json.loads(site.server.termination.read_text())
    assert (2, "SettingsInvalid") == (code, words["reason"])
    assert f"can't listen on 127.0.0.1:{taken} for gRPC" in words["message"]


def test_a_stop_while_it_waits_for_a_pair_is_a_stop(model: ModelFile, tmp_path: Path) -> None:
    arguments = (*_GRPC, "--drain-delay", "0")
    with secured(model, tmp_path / "tls", *arguments, issued=_no_pair()) as site:
        site.server.terminate()

        assert 0 == site.server.wait()


def test_several_workers_share_the_port_and_the_pair(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", *_GRPC, "--workers", "2", issued=_no_pair()) as site:
        mount(site.folder, AUTHORITY.issue().secret())
        until(lambda: site.server.get("/readyz", site.server.metrics_port).status == 200)
        for _ in range(8):
            with _stub(site) as stub:
                assert stub.call("ServerLive").live


def _no_pair() -> Issued:
    any_pair = AUTHORITY.issue()
    return Issued(b"garbage", b"garbage", 0, any_pair.not_before, any_pair.not_after)


def _stub(site: Secured, trusted: Authority = AUTHORITY, client: Issued | None = None) -> Stub:
    return Stub(site.server, _APART, credentials=_credentials(trusted, client))


def _credentials(trusted: Authority, client: Issued | None = None) -> grpc.ChannelCredentials:
    shown = {"private_key": client.key, "certificate_chain": client.certificate} if client else {}
    return grpc.ssl_channel_credentials(trusted.certificate, **shown)


def _met(site: Secured, context: ssl.SSLContext) -> tuple[str | None, int]:
    """The version of TLS and the serial number of the certificate that a new connection is met with."""
    context.set_alpn_protocols(["h2"])
    address = ("127.0.0.1", site.server.grpc_port)
    with (
        socket.create_connection(address, DEADLINE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        shown = x509.load_der_x509_certificate(cast(bytes, connection.getpeercert(binary_form=True)))
        return connection.version(), shown.serial_number


async def _call_on(site: Secured, answered: list[int], lost: list[str], *, keeps: bool) -> None:
    body = message("ModelInferRequest")(**dense_row()).SerializeToString()
    with contextlib.suppress(asyncio.CancelledError):
        while not lost:
            async with _channel(site) as channel:
                call: Any = channel.unary_unary(_INFER)
                while not lost:
                    try:
                        await call(body, timeout=DEADLINE_S)
                    except grpc.aio.AioRpcError as error:
                        lost.append(f"{error.code()} {error.details()}")
                        return
                    answered[0] += 1
                    if not keeps:
                        break


def _channel(site: Secured) -> Any:
    return grpc.aio.secure_channel(f"127.0.0.1:{site.server.grpc_port}", _credentials(AUTHORITY), [_APART])


async def _grows(answered: list[int], lost: list[str]) -> None:
    """Until there are a hundred calls more, or one is lost."""
    target, deadline = answered[0] + 100, asyncio.get_running_loop().time() + DEADLINE_S
    while answered[0] < target and not lost and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
