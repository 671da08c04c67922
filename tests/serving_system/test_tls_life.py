"""The life of a server with TLS: certificates that change, that are bad, that expire; floods and stops."""

import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from support import tiny_models
from support.certificates import Authority, Issued, mount, trusting, without_proof
from support.scoring_process import DEADLINE_S
from support.tiny_models import ModelFile
from support.tls_site import AUTHORITY, CALLERS, REFUSED, load_on, read_to_end, secured, until

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    return tiny_models.save(tiny_models.dense(), tmp_path_factory.mktemp("tls") / "model.onnx")


def test_a_certificate_changes_under_load_without_a_failed_request(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls") as site, load_on(site) as load:
        load.wait_for(50)
        serials = []
        for number in range(2, 5):
            fresh = AUTHORITY.issue()
            mount(site.folder, fresh.secret())
            site.server.metric_becomes("bankmodel_tls_reloads_total", number, result="ok")
            serials.append((fresh.serial, site.shown_serial()))
            load.wait_for(load.answered + 50)

    assert [] == load.lost
    assert all(expected == shown for expected, shown in serials)
    assert load.kept > 0  # connections from before the change went on


def test_a_broken_pair_never_takes_the_good_one_away(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls") as site:
        mount(site.folder, {"tls.crt": AUTHORITY.issue().certificate, "tls.key": AUTHORITY.issue().key})
        assert 0 == site.server.metric_becomes("bankmodel_tls_last_reload_successful", 0)

        assert (200, 1) == (site.ask()[0], site.server.metric("bankmodel_tls_reloads_total", result="failed"))
        assert site.issued.serial == site.shown_serial()
        assert 200 == site.server.get("/readyz", site.server.metrics_port).status

        mount(site.folder, site.issued.secret())
        assert 1 == site.server.metric_becomes("bankmodel_tls_last_reload_successful", 1)


def test_without_a_usable_pair_it_waits_unready_until_one_comes(model: ModelFile, tmp_path: Path) -> None:
    bad = Issued(b"garbage", b"garbage", 0, AUTHORITY.issue().not_before, AUTHORITY.issue().not_after)
    with secured(model, tmp_path / "tls", issued=bad) as site:
        ready = site.server.get("/readyz", site.server.metrics_port)
        assert (503, "CertificateInvalid") == (ready.status, ready.json["reason"])
        assert "tls.crt: it holds no certificate" in ready.json["message"]
        with pytest.raises(REFUSED):
            site.ask()

        mount(site.folder, AUTHORITY.issue().secret())
        until(lambda: site.server.get("/readyz", site.server.metrics_port).status == 200)
        assert 200 == site.ask()[0]


def test_an_expired_certificate_is_served_for_callers_to_judge(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", issued=AUTHORITY.issue(valid=(-9 * DAY, -DAY))) as site:
        assert 200 == site.server.get("/readyz", site.server.metrics_port).status
        assert 200 == site.ask(without_proof())[0]
        with pytest.raises(ssl.SSLCertVerificationError):
            site.ask()
        assert any("expired on" in line.get("error", "") for line in site.server.log)


def test_a_client_authority_that_was_taken_out_is_trusted_no_more(model: ModelFile, tmp_path: Path) -> None:
    others = Authority("new callers' CA")
    old = trusting(AUTHORITY, CALLERS.issue(), tmp_path / "old")
    new = trusting(AUTHORITY, others.issue(), tmp_path / "new")
    with secured(model, tmp_path / "tls", ca=CALLERS.certificate) as site:
        assert 200 == site.ask(old)[0]
        mount(site.folder, site.issued.secret(others.certificate))
        site.server.metric_becomes("bankmodel_tls_reloads_total", 2, result="ok")

        assert 200 == site.ask(new)[0]
        with pytest.raises(REFUSED):
            site.ask(old)


def test_who_never_finishes_a_handshake_is_cut_and_counts_meanwhile(model: ModelFile, tmp_path: Path) -> None:
    limits = ("--max-connections", "3", "--header-timeout", "1.5")
    with secured(model, tmp_path / "tls", *limits) as site:
        address = ("127.0.0.1", site.server.tls_port)
        stalled = [socket.create_connection(address, DEADLINE_S) for _ in range(3)]
        site.server.metric_becomes("bankmodel_connections", 3)
        with pytest.raises(REFUSED):  # full: cut before the handshake
            site.ask()
        refused = site.server.metric("bankmodel_tls_handshakes_total", result="refused")
        for client in stalled:
            with client:
                read_to_end(client)

        assert (1, 3) == (refused, site.server.metric_becomes("bankmodel_tls_handshakes_total", 3, result="failed"))
        site.server.metric_becomes("bankmodel_connections", 0)
        assert 200 == site.ask()[0]


def test_a_stop_under_load_loses_no_request(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", "--drain-delay", "0.5") as site, load_on(site) as load:
        load.wait_for(50)
        site.server.terminate()
        until(lambda: site.server.get("/readyz", site.server.metrics_port).status != 200)
        load.stop()

        assert ([], 0) == (load.lost, site.server.wait())


def test_several_workers_share_the_port_and_the_pair(model: ModelFile, tmp_path: Path) -> None:
    with secured(model, tmp_path / "tls", "--workers", "2") as site:
        assert [200] * 8 == [site.ask()[0] for _ in range(8)]
        assert 2 == site.server.metric("bankmodel_tls_reloads_total", result="ok")
        shown = site.server.metric("bankmodel_tls_certificate_not_after_timestamp_seconds")

    assert (0, site.issued.not_after.timestamp()) == (site.server.port, shown)
