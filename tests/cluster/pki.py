"""The cluster's certificates and tokens, made with openssl when it starts. For tests only: keys lie unprotected in the state folder.

Called by control_plane; api_only uses it to make clients with any name and groups.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from .commands import run

__all__ = ["ADMIN_TOKEN", "NODE_NAME", "TOKENS", "make_pki", "sign_client"]

Words = list[str | Path]

ADMIN_TOKEN = "admin-token"
NODE_NAME = "node1"

# One identity per component by token, so that no certificate per component is needed: token → (user, groups).
TOKENS = {
    ADMIN_TOKEN: ("admin", "system:masters"),
    "controller-manager-token": ("system:kube-controller-manager", ""),
    "scheduler-token": ("system:kube-scheduler", ""),
    "kubelet-token": (f"system:node:{NODE_NAME}", "system:nodes"),
    "proxy-token": ("system:kube-proxy", ""),
}

_DAYS = "365"


def make_pki(folder: Path, *, addresses: Sequence[str]) -> None:
    """CA, serving certificate for ADDRESSES, kubelet client, service account key and token file."""
    run(
        [
            *_new_key(folder / "ca.key"),
            "-x509",
            "-out",
            folder / "ca.crt",
            "-subj",
            "/CN=bankmodel-test-ca",
            "-days",
            _DAYS,
        ]
    )
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    hosts = [f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses]
    _sign(folder, "apiserver", subject="/CN=kube-apiserver", extension=f"subjectAltName={','.join(hosts)}")
    sign_client(folder, "kubelet-client", user="apiserver-kubelet", groups=["system:masters"])
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sa.key"])
    run(["openssl", "ec", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub"])
    (folder / "tokens.csv").write_text(_token_file())


def sign_client(folder: Path, file_name: str, *, user: str, groups: Sequence[str]) -> None:
    """A client certificate for USER in GROUPS, signed by the CA in FOLDER: FILE_NAME.crt and .key."""
    subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
    _sign(folder, file_name, subject=subject, extension="extendedKeyUsage=clientAuth")


def _token_file() -> str:
    rows = enumerate(TOKENS.items(), start=1)
    return "".join(f'{token},{user},{number},"{groups}"\n' for number, (token, (user, groups)) in rows)


def _new_key(key: Path) -> Words:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    return ["openssl", "req", *curve, "-nodes", "-keyout", key]


def _sign(folder: Path, file_name: str, *, subject: str, extension: str) -> None:
    certificate, key = folder / f"{file_name}.crt", folder / f"{file_name}.key"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        request, extensions = (Path(scratch) / "request.csr", Path(scratch) / "extensions")
        extensions.write_text(extension)
        run([*_new_key(key), "-out", request, "-subj", subject])
        authority: Words = [
            "-CA",
            folder / "ca.crt",
            "-CAkey",
            folder / "ca.key",
            "-CAserial",
            Path(scratch) / "serial",
        ]
        limits: Words = ["-CAcreateserial", "-days", _DAYS, "-extfile", extensions]
        run(["openssl", "x509", "-req", "-in", request, "-out", certificate, *authority, *limits])
