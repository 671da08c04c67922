"""Streams a source into its place: checked on the way, visible only when whole and right. Called by the entry point."""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Sequence

from bankmodel_serving.digest import mismatch
from bankmodel_serving.errors import SettingsInvalid, SourceUnreachable
from bankmodel_serving.fetch.settings import FetchSettings
from bankmodel_serving.fetch.sources import describe, stream

__all__ = ["fetch"]

_LOG = logging.getLogger(__name__)
PAUSES_S = (0.5, 1.5)  # three tries in about five seconds; after that the kubelet's restarts take over
_MODE = 0o644  # another user of the pod's group may read it


def fetch(settings: FetchSettings, *, pauses_s: Sequence[float] = PAUSES_S) -> int:
    """Put the file in place and return its size; raises a StartError, and leaves nothing behind then."""
    for pause_s in (*pauses_s, None):
        try:
            return _fetch_once(settings)
        except SourceUnreachable as error:
            if pause_s is None:
                raise
            _LOG.warning("fetching failed, trying again", extra={"error": str(error), "pause_s": pause_s})
            time.sleep(pause_s)
    raise AssertionError("the last try returns or raises")


def _fetch_once(settings: FetchSettings) -> int:
    temporary = _temporary_beside(settings.to)
    try:
        size, found = _copy(settings, temporary)
        if found != settings.sha256:
            raise mismatch(describe(settings.source), settings.sha256, found)
        os.chmod(temporary, _MODE)
        os.replace(temporary, settings.to)
        return size
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _temporary_beside(path: str) -> str:
    folder = os.path.dirname(path) or "."
    try:
        os.makedirs(folder, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".fetch-", dir=folder)
    except OSError as error:
        raise SettingsInvalid(f"can't write to {folder}: {error.strerror}; check --to and the volume") from error
    os.close(handle)
    return name


def _copy(settings: FetchSettings, path: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with open(path, "wb") as file:
        for chunk in stream(settings.source, settings.ca_bundle):
            digest.update(chunk)
            size += len(chunk)
            _write(file.fileno(), chunk, path)
    return size, digest.hexdigest()


def _write(descriptor: int, chunk: bytes | memoryview, path: str) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise SettingsInvalid(f"can't write to {path}: {error.strerror}; give the volume more room") from error
