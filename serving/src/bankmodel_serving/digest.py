"""The sha256 of a file, read as a stream: what decides whether bytes are the approved ones."""

import hashlib

from bankmodel_serving.errors import DigestMismatch, ModelInvalid

__all__ = ["check_digest", "mismatch", "sha256_of"]


def sha256_of(path: str) -> str:
    """The file's digest; raises ModelInvalid where it can't be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelInvalid(f"{path} can't be read: {error.strerror}; check the path inside the source") from error


def check_digest(path: str, expected: str) -> None:
    """Raise DigestMismatch unless the file has this sha256 (64 lower-case hex characters)."""
    found = sha256_of(path)
    if found != expected:
        raise mismatch(path, expected, found)


def mismatch(what: str, expected: str, found: str) -> DigestMismatch:
    return DigestMismatch(
        f"{what} has sha256 {found}, the spec asks for {expected}; it is not the approved file: "
        "correct spec.model.sha256 or the source"
    )
