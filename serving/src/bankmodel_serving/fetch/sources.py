"""Opens a source and streams its bytes; the only importer of obstore. Its errors are translated here.

Library messages hold URLs with signatures and bodies of answers, so none of their text is passed on: only the cause,
recognised by its words, and the URL without its query.
"""

import base64
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import HTTPStore, S3Store

from bankmodel_serving.errors import SettingsInvalid, SourceDenied, SourceError, SourceNotFound, SourceUnreachable
from bankmodel_serving.fetch.settings import FileSource, HttpSource, S3Source, Source

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

__all__ = ["describe", "stream"]

_CHUNK = 1 << 20
_CONNECT = timedelta(seconds=2)
_STALLED = timedelta(seconds=15)  # between two pieces of data
_WHOLE = timedelta(minutes=30)  # obstore's own default of 30 s is too short for a large model
_CAUSES = (
    ("UnknownIssuer", "its certificate is signed by a CA that is not trusted; give it by caBundleRef"),
    ("invalid peer certificate", "its certificate is not valid for it"),
    ("certificate", "its certificate or the CA bundle is not valid"),
    ("dns error", "its name can't be resolved"),
    ("refused", "the connection was refused"),
    ("unreachable", "there is no route to it"),
    ("InvalidContentType", "it does not speak TLS"),
    ("timed out", "it did not answer in time"),
    ("Timeout", "it did not answer in time"),
    ("connect", "no connection could be made"),
)


def describe(source: Source) -> str:
    """The source as a message may show it: without query, which may hold a signature."""
    match source:
        case HttpSource():
            parts = urlsplit(source.url)
            return f"{parts.scheme}://{parts.netloc}{parts.path}"
        case S3Source():
            at = f" at {source.endpoint}" if source.endpoint else ""
            return f"s3://{source.bucket}/{source.key}{at}"
        case FileSource():
            return source.path


def stream(source: Source, ca_bundle: str) -> Iterator[bytes | memoryview]:
    """The bytes of the source, piece by piece; raises a SourceError at any point."""
    if isinstance(source, FileSource):
        yield from _stream_file(source)
        return
    store, path = _open(source, ca_bundle)
    try:
        for chunk in obstore.get(store, path).stream(min_chunk_size=_CHUNK):
            yield memoryview(chunk)
    except (BaseError, OSError) as error:
        raise _translate(source, error) from error


def _stream_file(source: FileSource) -> Iterator[bytes]:
    try:
        with open(source.path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        there = _beside(source.path)
        listed = f"; the folder holds {', '.join(there)}" if there else ""
        raise SourceNotFound(
            f"there is no file {source.path}{listed}; correct the path of the volume source"
        ) from error
    except PermissionError as error:
        raise SourceDenied(
            f"{source.path} can't be read by user {os.getuid()}; change the file's mode on the volume"
        ) from error
    except OSError as error:
        raise SourceUnreachable(f"{source.path} can't be read: {error.strerror}; check the volume") from error


def _beside(path: str) -> list[str]:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder) or not os.access(folder, os.R_OK):
        return []
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))[:10]


def _open(source: HttpSource | S3Source, ca_bundle: str) -> tuple[HTTPStore | S3Store, str]:
    url = source.url if isinstance(source, HttpSource) else source.endpoint
    options: ClientConfig = {
        "allow_http": url.startswith("http://"),
        "connect_timeout": _CONNECT,
        "read_timeout": _STALLED,
        "timeout": _WHOLE,
        "user_agent": "bankmodel-fetch",
    }
    if ca_bundle:
        options["root_certificate"] = ca_bundle
    no_retries: RetryConfig = {"max_retries": 0}  # tries are counted in one place, by the caller
    try:
        if isinstance(source, S3Source):
            return _open_s3(source, options, no_retries), source.key
        if authorization := _authorization(source):
            options["default_headers"] = {"authorization": authorization}
        # The whole URL with its query is the store, the path in it is empty: signed URLs work by that.
        return HTTPStore(source.url, client_options=options, retry_config=no_retries), ""
    except (BaseError, ValueError) as error:
        what = "BANKMODEL_CA_BUNDLE holds no PEM certificate" if ca_bundle else "the source's settings are not usable"
        raise SettingsInvalid(f"{what} (for {describe(source)}); correct spec.model.source") from error


def _open_s3(source: S3Source, options: "ClientConfig", no_retries: "RetryConfig") -> S3Store:
    config: S3Config = {"region": source.region or "us-east-1"}
    if source.endpoint:
        config["endpoint"] = source.endpoint
    if source.access_key_id:
        config["access_key_id"] = source.access_key_id
        config["secret_access_key"] = source.secret_access_key
    else:
        config["skip_signature"] = True
    if source.session_token:
        config["session_token"] = source.session_token
    return S3Store(source.bucket, config=config, client_options=options, retry_config=no_retries)


def _authorization(source: HttpSource) -> str:
    if source.token:
        return f"Bearer {source.token}"
    if source.username:
        return "Basic " + base64.b64encode(f"{source.username}:{source.password}".encode()).decode()
    return ""


def _translate(source: Source, error: Exception) -> SourceError:
    name = describe(source)
    text = str(error)
    status = _status(text)
    is_denied = isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError)
    # Some S3 servers answer 404 or 400 where AWS answers 403.
    if is_denied or "InvalidAccessKeyId" in text or "AccessDenied" in text:
        return SourceDenied(f"{name} refused the credentials ({status or 'denied'}); check the Secret")
    if isinstance(error, FileNotFoundError):
        what = "has no such bucket" if "NoSuchBucket" in text else "does not exist"
        return SourceNotFound(f"{name} {what} (404); correct spec.model.source")
    cause = (
        f"it answered {status}" if status else next((says for word, says in _CAUSES if word in text), "reading failed")
    )
    return SourceUnreachable(f"{name} can't be fetched: {cause}")


def _status(text: str) -> str:
    _, found, rest = text.partition("non-2xx status code: ")
    return rest[:3] if found and rest[:3].isdigit() else ""
