"""What to fetch, from where, and to which place: command line and environment. Every problem is listed at once.

Secrets come by environment alone (a Secret mounted with the prefix BANKMODEL_SOURCE_), so that no message and no
process list can show one.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bankmodel_serving.errors import SettingsInvalid

__all__ = ["FetchSettings", "FileSource", "HttpSource", "S3Source", "Source", "read_settings"]

_PREFIX = "BANKMODEL_SOURCE_"


@dataclass(frozen=True)
class HttpSource:
    """A URL, with a bearer token or a user and a password."""

    url: str
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class S3Source:
    """An object in a bucket; without keys it is read anonymously."""

    bucket: str
    key: str
    endpoint: str = ""
    region: str = ""
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class FileSource:
    """A file on a mounted volume."""

    path: str


Source = HttpSource | S3Source | FileSource


@dataclass(frozen=True)
class FetchSettings:
    """`ca_bundle` is PEM text, added to the public roots; empty for none."""

    source: Source
    sha256: str
    to: str
    ca_bundle: str = ""


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> FetchSettings:
    """The settings, or SettingsInvalid naming everything that is wrong."""
    given = _parser().parse_args(arguments)
    problems = [problem for problem in _problems(given) if problem]
    if problems:
        raise SettingsInvalid("; ".join(problems))
    ca_bundle = environment.get("BANKMODEL_CA_BUNDLE", "")
    return FetchSettings(_source(given, environment), given.sha256, given.to, ca_bundle)


def _problems(given: argparse.Namespace) -> list[str]:
    chosen = [flag for flag in ("http", "s3", "file") if getattr(given, flag)]
    return [
        "" if len(chosen) == 1 else f"exactly one of --http, --s3, --file is needed, got {len(chosen)}",
        "" if re.fullmatch(r"[0-9a-f]{64}", given.sha256 or "") else "--sha256 must be 64 lower-case hex characters",
        "" if given.to else "--to is missing: the file to write",
        _url_problem("--http", given.http),
        _url_problem("--endpoint", given.endpoint),
        "" if not given.s3 or re.fullmatch(r"[^/]+/.+", given.s3) else "--s3 must be BUCKET/KEY",
    ]


def _url_problem(flag: str, url: str | None) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        return f"{flag} must be an http:// or https:// URL"
    return f"{flag} must not hold a password; put it into the Secret" if "@" in parts.netloc else ""


def _source(given: argparse.Namespace, environment: Mapping[str, str]) -> Source:
    def secret(key: str) -> str:
        return environment.get(_PREFIX + key, "").strip()

    if given.file:
        return FileSource(given.file)
    if given.http:
        return HttpSource(given.http, secret("token"), secret("username"), secret("password"))
    bucket, _, key = given.s3.partition("/")
    return S3Source(
        bucket,
        key,
        endpoint=given.endpoint or "",
        region=given.region or "",
        access_key_id=secret("AWS_ACCESS_KEY_ID"),
        secret_access_key=secret("AWS_SECRET_ACCESS_KEY"),
        session_token=secret("AWS_SESSION_TOKEN"),
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise SettingsInvalid(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bankmodel-fetch",
        description="Fetch a model file, check its sha256 while it streams, and put it in place in one step.",
        epilog="Credentials come by environment: BANKMODEL_SOURCE_token, or BANKMODEL_SOURCE_username and _password "
        "(http); BANKMODEL_SOURCE_AWS_ACCESS_KEY_ID, _AWS_SECRET_ACCESS_KEY and _AWS_SESSION_TOKEN (s3). "
        "BANKMODEL_CA_BUNDLE holds PEM certificates to trust besides the public ones.",
        allow_abbrev=False,
    )
    parser.add_argument("--sha256", metavar="HEX", help="digest the file must have (required)")
    parser.add_argument("--to", metavar="PATH", help="where to put the file (required)")
    parser.add_argument("--http", metavar="URL", help="fetch from this http(s) URL")
    parser.add_argument("--s3", metavar="BUCKET/KEY", help="fetch this object")
    parser.add_argument("--endpoint", metavar="URL", help="S3 endpoint (default: AWS)")
    parser.add_argument("--region", metavar="REGION", help="S3 region (default: us-east-1)")
    parser.add_argument("--file", metavar="PATH", help="copy from a mounted volume")
    return parser
