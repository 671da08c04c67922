"""Certificates made on the spot: a CA and what it signs, in the folder shape of a cert-manager Secret."""

import os
import shutil
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Issued", "mount", "speaking_only", "trusting", "without_proof"]

_DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes
    serial: int
    not_before: datetime
    not_after: datetime

    def secret(self, ca: bytes = b"") -> dict[str, bytes]:
        """The data of a cert-manager Secret."""
        return {"tls.crt": self.certificate, "tls.key": self.key, **({"ca.crt": ca} if ca else {})}


@dataclass
class Authority:
    """A certificate authority."""

    name: str = "test CA"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        builder = _builder(self.name, now - _DAY, now + 3650 * _DAY).issuer_name(_named(self.name))
        builder = builder.public_key(self.key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
        self.certificate = builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)

    def issue(
        self,
        *hosts: str,
        name: str = "mortgage",
        valid: tuple[timedelta, timedelta] = (-_DAY, 90 * _DAY),
        key: Key | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (),
    ) -> Issued:
        """For these DNS names and 127.0.0.1; VALID is from and until, from now. No USAGES: for whatever one likes."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC).replace(microsecond=0)
        names = [x509.DNSName(host) for host in ("localhost", *hosts)]
        builder = _builder(name, now + valid[0], now + valid[1]).issuer_name(_named(self.name))
        builder = builder.public_key(own.public_key())
        others = x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("127.0.0.1"))])
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        signed = builder.add_extension(others, False).add_extension(signer, False).sign(self.key, SHA256())
        pem = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Issued(signed.public_bytes(Encoding.PEM), pem, signed.serial_number, now + valid[0], now + valid[1])


def mount(folder: Path, data: dict[str, bytes]) -> Path:
    """Write DATA as the kubelet does: files that are links through `..data`, which is swapped in one step."""
    fresh = folder / f"..{datetime.now(UTC).timestamp()}"
    fresh.mkdir(parents=True)
    for name, content in data.items():
        (fresh / name).write_bytes(content)
    before = (folder / "..data").resolve() if (folder / "..data").exists() else None
    (folder / "..data_tmp").symlink_to(fresh.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    for name in data:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    if before is not None:
        shutil.rmtree(before)
    return folder


def trusting(authority: Authority, client: Issued | None = None, folder: Path | None = None) -> ssl.SSLContext:
    """A caller's context; CLIENT is what it shows (FOLDER: where Python may read it from)."""
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    if client is not None and folder is not None:
        mount(folder, client.secret())
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


def without_proof() -> ssl.SSLContext:
    """A caller that believes everybody: to look at what is shown, expired or not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def speaking_only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """The same, with this version of TLS and no other, old ones included."""
    context = without_proof()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that old versions are deprecated is the point
        context.minimum_version = context.maximum_version = version
    return context


def _builder(name: str, not_before: datetime, not_after: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_named(name)).serial_number(x509.random_serial_number())
    return builder.not_valid_before(not_before).not_valid_after(not_after)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(**given: bool) -> x509.KeyUsage:
    words = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    all_words = (*words, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    settings: dict[str, Any] = {word: given.get(word, False) for word in all_words}
    return x509.KeyUsage(**settings)
