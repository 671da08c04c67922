"""Opens a source and streams its bytes; the only importer of obstore. Its errors are translated here.

Library messages hold URLs with signatures and bodies of answers, so none of their text is passed on: only the cause,
recognised by its words, and the URL without its query.
"""

import base64
import os
import re
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
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_S3_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_CONNECT = timedelta(seconds=2)
_STALLED = timedelta(seconds=15)  # between two pieces of data
_WHOLE = timedelta(minutes=30)  # obstore's own default of 30 s is too short for a large model
_CAUSES = (
    ("UnknownIssuer", "its certificate is signed by a CA that is not trusted; give it by caBundleRef"),
    ("NotValidForName", "its certificate is for another name; correct the URL or the certificate"),
    ("InvalidCertificate(Expired", "its certificate has expired"),
    ("InvalidCertificate", "its certificate is not valid"),
    ("dns error", "its name can't be resolved"),
    ("refused", "the connection was refused"),
    ("unreachable", "there is no route to it"),
    ("InvalidContentType", "it does not speak TLS"),
    ("timed out", "it did not answer in time"),
    ("Timeout", "it did not answer in time"),
    ("MissingContentLength", "it does not tell the file's length (Content-Length); serve it as a plain file"),
    ("redirect without LOCATION", "it redirects without saying where to; of S3 that asks for another region"),
    ("following redirect", "it redirects in a circle, or to an address that is not allowed"),
    ("body error", "the connection broke off in the middle of the file"),
    ("connect", "no connection could be made"),
)
# What S3 servers say beside, or in place of, a 403; the last one is versitygw's and comes with a 404.
_DENIED_CODES = frozenset(
    (
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "XAdminUserNotFound",
    )
)
_MISSING_CODES = frozenset(("", "NoSuchKey", "NoSuchBucket"))


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
    name, text = describe(source), str(error)
    status, code = _found(_STATUS, text), _found(_S3_CODE, text) if isinstance(source, S3Source) else ""
    answer = f"{status} {code}".strip()
    if code in _DENIED_CODES or isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return _denied(source, f"({answer or 'denied'})")
    if isinstance(error, FileNotFoundError) and code in _MISSING_CODES:
        what = "has no such bucket" if code == "NoSuchBucket" else "does not exist"
        return SourceNotFound(f"{name} {what} (404); correct spec.model.source")
    hint = "; correct its region" if code == "AuthorizationHeaderMalformed" else ""
    cause = f"it answered {answer}{hint}" if status else _cause(text)
    return SourceUnreachable(f"{name} can't be fetched: {cause}")


def _denied(source: Source, answer: str) -> SourceDenied:
    match source:
        case HttpSource(token="", username="") | S3Source(access_key_id=""):
            return SourceDenied(f"{describe(source)} asks for credentials {answer}; name a Secret in secretRef")
        case _:
            return SourceDenied(f"{describe(source)} refused the credentials {answer}; check the Secret")


def _cause(text: str) -> str:
    squeezed = "".join(text.split())  # the library prints its causes over many lines
    return next((says for word, says in _CAUSES if word in text or word in squeezed), "reading failed")


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
