"""A real S3 server (versitygw, built from its Go module into the cache) over a folder: its folders are the buckets."""

import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.binaries import binary_folder, ensure_binaries

__all__ = ["ACCESS_KEY_ID", "REGION", "SECRET_ACCESS_KEY", "S3Server"]

ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION = "reader-key", "secret-for-this-test", "eu-bank-1"
_DEADLINE_S = 20.0
_POLL_S = 0.02


class S3Server:
    """Serves FOLDER on loopback from entering to leaving; with TLS if a CERTIFICATE and its key are given."""

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = ("127.0.0.1", int(free.getsockname()[1]))
        tls = ("--cert", str(certificate[0]), "--key", str(certificate[1])) if certificate else ()
        host = f"{self._address[0]}:{self._address[1]}"
        self.endpoint = f"{'https' if certificate else 'http'}://{host}"
        self._words = ["--quiet", "--port", host, "--region", REGION, *tls, "posix", str(folder)]
        self._log = folder.with_suffix(".log")

    def __enter__(self) -> Self:
        ensure_binaries(("versitygw",))
        secrets = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY_ID, "ROOT_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [binary_folder("versitygw") / "versitygw", *self._words],
                env={**os.environ, **secrets},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait(_DEADLINE_S)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            try:
                socket.create_connection(self._address, 1).close()
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the S3 server did not come up: {self._log.read_text()[-500:]}") from error
            time.sleep(_POLL_S)
