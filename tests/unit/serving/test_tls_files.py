"""What may be in certificate files, and what is said of those that can't be used."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings, strategies as st

from bankmodel_serving.errors import CertificateInvalid
from bankmodel_serving.tls import TlsFiles, TlsPaths, Validity, uncommon_key, validity_of
from bankmodel_serving.tls.context import load_pair
from support.certificates import Authority, Issued, Key, mount

DAY = timedelta(days=1)
AUTHORITY = Authority()
GOOD = AUTHORITY.issue()


def _validity(issued: Issued) -> Validity:
    return Validity(issued.not_before.timestamp(), issued.not_after.timestamp())


@settings(max_examples=30, deadline=None)
@given(st.integers(-20_000, 20_000), st.integers(1, 20_000))
def test_the_times_are_read_in_both_of_their_forms(start_days: int, days: int) -> None:
    """Until 2049 they have two digits for the year, afterwards four."""
    issued = AUTHORITY.issue(valid=(start_days * DAY, (start_days + days) * DAY))

    assert _validity(issued) == validity_of(issued.certificate)


def test_an_rsa_certificate_is_read() -> None:
    key = rsa.generate_private_key(65537, 2048)
    issued = AUTHORITY.issue(key=key)

    assert _validity(issued) == validity_of(issued.certificate)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ec.generate_private_key(ec.SECP256R1()), None),
        (ec.generate_private_key(ec.SECP521R1()), "P-521"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (rsa.generate_private_key(65537, 2048), None),
    ],
    ids=["p-256", "p-521", "ed25519", "rsa"],
)
def test_a_key_that_not_everybody_can_use_is_named(key: Key, expected: str | None) -> None:
    assert expected == uncommon_key(AUTHORITY.issue(key=key).certificate)


def test_a_chain_ends_with_its_first_link() -> None:
    long, short = AUTHORITY.issue(valid=(-2 * DAY, 90 * DAY)), AUTHORITY.issue(valid=(-DAY, 5 * DAY))

    found = validity_of(long.certificate + b"\nsomething\n" + short.certificate)

    assert _validity(short) == found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_garbage_is_more_than_invalid(data: st.DataObject) -> None:
    pem = bytearray(GOOD.certificate)
    for _ in range(data.draw(st.integers(1, 3))):
        pem[data.draw(st.integers(0, len(pem) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(pem[: data.draw(st.integers(0, len(pem)))]) + b"-----END CERTIFICATE-----"
    for each in (bytes(pem), cut):
        try:
            found = validity_of(each)
        except CertificateInvalid:
            continue
        assert isinstance(found, Validity)


@pytest.mark.parametrize(
    ("valid", "expected"),
    [((-DAY, DAY), None), ((DAY, 2 * DAY), "not valid before"), ((-2 * DAY, -DAY), "expired on")],
    ids=["now", "not-yet", "no-more"],
)
def test_it_says_when_callers_will_refuse_it(valid: tuple[timedelta, timedelta], expected: str | None) -> None:
    found = validity_of(AUTHORITY.issue(valid=valid).certificate).problem(datetime.now(UTC).timestamp())

    assert found is None if expected is None else expected in str(found)


def _locked(key: bytes) -> bytes:
    loaded = load_pem_private_key(key, None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


UNUSABLE = {
    "no-files": ({}, "tls.crt is not there"),
    "no-key": ({"tls.crt": GOOD.certificate}, "tls.key is not there"),
    "empty": ({"tls.crt": b"", "tls.key": b""}, "holds no certificate"),
    "key-first": ({"tls.crt": GOOD.key, "tls.key": GOOD.certificate}, "holds no certificate"),
    "another-key": (
        {"tls.crt": GOOD.certificate, "tls.key": AUTHORITY.issue().key},
        "does not belong to the certificate",
    ),
    "garbage-key": ({"tls.crt": GOOD.certificate, "tls.key": b"garbage"}, "not a private key in PEM"),
    "locked-key": ({"tls.crt": GOOD.certificate, "tls.key": _locked(GOOD.key)}, "without one"),
    "not-der": (
        {"tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "tls.key": GOOD.key},
        "can't be read",
    ),
    "huge": ({"tls.crt": b"x" * ((1 << 20) + 1), "tls.key": GOOD.key}, "larger than"),
    "no-ca": ({**GOOD.secret(), "ca.crt": b""}, "as client CA"),
    "leaf-as-ca": (GOOD.secret(GOOD.certificate), "no certificate in it is a CA's"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    data, expected = UNUSABLE[name]
    mount(tmp_path / "tls", data)

    with pytest.raises(CertificateInvalid, match=expected):
        load_pair(_paths(tmp_path / "tls", client_ca="ca.crt" in data))


def test_a_client_ca_that_is_missing_lets_nobody_in(tmp_path: Path) -> None:
    mount(tmp_path / "tls", GOOD.secret())

    with pytest.raises(CertificateInvalid, match=r"ca\.crt is not there"):
        load_pair(_paths(tmp_path / "tls", client_ca=True))


def test_a_pair_is_loaded_once_and_again_when_it_was_swapped(tmp_path: Path) -> None:
    results: list[str] = []
    folder = mount(tmp_path / "tls", GOOD.secret())
    files = TlsFiles(_paths(folder), results.append)

    assert [True, False, False] == [files.poll() for _ in range(3)]
    first = files.pair
    mount(folder, AUTHORITY.issue().secret())
    assert [True, False] == [files.poll() for _ in range(2)]
    assert first is not files.pair
    assert ["ok", "ok"] == results


def test_a_bad_pair_never_takes_the_good_one_away(tmp_path: Path) -> None:
    results: list[str] = []
    folder = mount(tmp_path / "tls", GOOD.secret())
    files = TlsFiles(_paths(folder), results.append)
    files.poll()
    first = files.pair

    mount(folder, {"tls.crt": GOOD.certificate, "tls.key": b"garbage"})
    files.poll()
    assert (first, True) == (files.pair, "not a private key" in str(files.problem))
    mount(folder, GOOD.secret())
    files.poll()

    assert (None, ["ok", "failed", "ok"]) == (files.problem, results)


def _paths(folder: Path, *, client_ca: bool = False) -> TlsPaths:
    return TlsPaths(str(folder / "tls.crt"), str(folder / "tls.key"), str(folder / "ca.crt") if client_ca else "")


def test_two_pods_tell_their_certificate_and_its_authorities_alike(tmp_path: Path) -> None:
    ca, renewed = AUTHORITY.certificate, AUTHORITY.issue()
    secrets = {"one": GOOD.secret(ca), "other": GOOD.secret(ca), "renewed": renewed.secret(ca), "alone": GOOD.secret()}
    shown = {name: load_pair(_paths(mount(tmp_path / name, data))).shown for name, data in secrets.items()}

    assert shown["one"] == shown["other"]
    assert (shown["one"].certificate, ()) == (shown["alone"].certificate, shown["alone"].authorities)
    assert shown["one"].authorities == shown["renewed"].authorities
    assert shown["one"].certificate != shown["renewed"].certificate


@pytest.mark.parametrize(
    ("usages", "is_usable"),
    [
        ((), True),
        ((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH), True),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), False),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), False),
    ],
    ids=["for whatever one likes", "both sides", "servers", "clients"],
)
def test_whether_pods_can_show_each_other_a_certificate_is_known_when_it_is_read(
    usages: tuple[ObjectIdentifier, ...], is_usable: bool, tmp_path: Path
) -> None:
    pair = load_pair(_paths(mount(tmp_path / "tls", AUTHORITY.issue(usages=usages).secret())))

    assert is_usable is (pair.shown.problem == "") is (pair.peers is not None)
    assert is_usable or "purpose" in pair.shown.problem


def test_an_authority_that_is_no_certificate_is_none(tmp_path: Path) -> None:
    rubbish = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"

    assert () == load_pair(_paths(mount(tmp_path / "tls", GOOD.secret(rubbish)))).shown.authorities
