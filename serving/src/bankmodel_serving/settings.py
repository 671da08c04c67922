"""All settings of the scoring container: from the command line, else the environment, else the default.

Read once at start; every wrong setting is reported together. The flag `--max-rows` is `BANKMODEL_SERVING_MAX_ROWS`.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankmodel_serving.errors import SettingsInvalid

__all__ = ["Settings", "read_settings"]

ENV_PREFIX = "BANKMODEL_SERVING_"
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LEVELS = ("debug", "info", "warning", "error")
Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Settings:
    """Sizes are bytes, times are seconds. What each one is for: `_SETTINGS` below, and --help."""

    model: str
    name: str
    sha256: str
    model_version: str
    revision: str
    routing: str
    host: str
    port: int
    metrics_port: int
    workers: int
    grpc_port: int | None
    peer_port: int | None
    forward_timeout: float
    tls_cert: str
    tls_key: str
    tls_client_ca: str
    tls_port: int
    tls_keep_plaintext: bool
    max_body: int
    max_rows: int
    max_depth: int
    max_string: int
    max_connections: int
    max_buffered: int
    max_header_bytes: int
    max_headers: int
    queue: int
    queue_time: float
    batch_rows: int
    large_rows: int
    grpc_connection_age: float
    idle_timeout: float
    header_timeout: float
    request_timeout: float
    drain_delay: float
    drain_timeout: float
    log_level: str

    @property
    def serves_tls(self) -> bool:
        return bool(self.tls_cert)

    @property
    def serves_plaintext(self) -> bool:
        return not self.serves_tls or self.tls_keep_plaintext

    @property
    def scoring_ports(self) -> dict[str, int]:
        """Those that are opened."""
        ports = {"port": self.port} if self.serves_plaintext else {}
        ports |= {"tls_port": self.tls_port} if self.serves_tls else {}
        ports |= {} if self.grpc_port is None else {"grpc_port": self.grpc_port}
        return ports if self.peer_port is None else {**ports, "peer_port": self.peer_port}


@dataclass(frozen=True)
class _Setting:
    """One setting. `default` is text, as the environment would have it; None means required."""

    flag: str
    default: str | None
    parse: Parse
    help: str
    metavar: str


def _whole(low: int, high: int) -> Parse:
    def parse(text: str) -> int:
        value = int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None
        if value is None or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _seconds(low: float, high: float) -> Parse:
    def parse(text: str) -> float:
        value = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else None
        if value is None or not low <= value <= high:
            raise ValueError(f"seconds from {low:g} to {high:g}")
        return value

    return parse


def _or_none(parse: Parse) -> Parse:
    return lambda text: parse(text) if text else None


def _matching(pattern: re.Pattern[str], expected: str) -> Parse:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(expected)
        return text

    return parse


def _one_of(*allowed: str) -> Parse:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


_ANYTHING = _matching(re.compile(r"[\x21-\x7e]{0,253}"), "at most 253 printable characters without spaces")
_PATH = _matching(re.compile(r"[^\0]+"), "a path")
_MAYBE_PATH = _matching(re.compile(r"[^\0]*"), "a path")
_SETTINGS = (
    _Setting("model", None, _PATH, "the ONNX file", "FILE"),
    _Setting("name", None, _matching(_NAME, "a DNS label such as credit-risk"), "the model's name in its URL", "NAME"),
    _Setting("sha256", None, _matching(_HEX, "64 lower-case hex characters"), "digest the file must have", "HEX"),
    _Setting("model-version", "", _ANYTHING, "version in answers and in /versions/V/", "V"),
    _Setting("revision", "", _ANYTHING, "revision of the BankModel, in answers and metrics", "R"),
    _Setting("routing", "", _MAYBE_PATH, "routing table to follow (none: alone)", "FILE"),
    _Setting("host", "", _ANYTHING, "address to listen on (all of them when empty)", "ADDRESS"),
    _Setting("port", "8080", _whole(0, 65535), "scoring port; 0 picks a free one", "PORT"),
    _Setting("metrics-port", "9090", _whole(0, 65535), "port of /metrics, /livez, /readyz; 0 picks a free one", "PORT"),
    _Setting("workers", "1", _whole(1, 16), "processes sharing the port; limits hold for each of them", "N"),
    _Setting(
        "grpc-port", "", _or_none(_whole(0, 65535)), "gRPC port, TLS with --tls-cert; 0 picks one, empty: none", "PORT"
    ),
    _Setting(
        *("peer-port", "", _or_none(_whole(0, 65535))),
        "port on which other revisions' pods are answered as the routing table grants; 0 picks a free one, empty: none",
        "PORT",
    ),
    _Setting(
        "forward-timeout",
        "1",
        _seconds(0.01, 60),
        "another revision answers within it, or this one answers itself",
        "S",
    ),
    _Setting(
        "tls-cert", "", _MAYBE_PATH, "serve TLS with this certificate chain (PEM), read again when changed", "FILE"
    ),
    _Setting("tls-key", "", _MAYBE_PATH, "its private key (PEM, no password)", "FILE"),
    _Setting("tls-client-ca", "", _MAYBE_PATH, "let in only callers with a certificate from this CA (PEM)", "FILE"),
    _Setting("tls-port", "8443", _whole(0, 65535), "scoring port with TLS; 0 picks a free one", "PORT"),
    _Setting("tls-keep-plaintext", "no", _yes_or_no, "with TLS, open --port as well: yes or no", "YES"),
    _Setting("max-body", "4194304", _whole(1024, 1 << 30), "largest body (bytes)", "BYTES"),
    _Setting("max-rows", "10000", _whole(1, 10**7), "most rows in one request", "ROWS"),
    _Setting("max-depth", "16", _whole(4, 512), "deepest nesting of a body", "LEVELS"),
    _Setting("max-string", "16384", _whole(1, 1 << 24), "longest text in one value (characters)", "N"),
    _Setting("max-connections", "1024", _whole(1, 65536), "most open scoring connections", "N"),
    _Setting(
        "max-buffered", "67108864", _whole(1024, 1 << 34), "most bytes of unfinished bodies, all together", "BYTES"
    ),
    _Setting("max-header-bytes", "16384", _whole(256, 1 << 20), "largest request line and headers (bytes)", "BYTES"),
    _Setting("max-headers", "64", _whole(4, 1000), "most header lines", "N"),
    _Setting("queue", "4096", _whole(1, 10**6), "most requests waiting; beyond it 503 at once", "N"),
    _Setting("queue-time", "0.1", _seconds(0.0005, 600), "longest wait to be expected; beyond it 503 at once", "S"),
    _Setting("batch-rows", "256", _whole(1, 256), "most rows scored together in one turn of the loop", "ROWS"),
    _Setting("large-rows", "64", _whole(1, 1024), "a request with more rows is scored apart, on a thread", "ROWS"),
    _Setting(
        *("grpc-connection-age", "20", _seconds(0.1, 86400)),
        "a gRPC connection is asked to leave after it, give or take a tenth; a drain that is shorter may lose calls",
        "S",
    ),
    _Setting("idle-timeout", "75", _seconds(0.1, 3600), "an idle connection is closed after it", "S"),
    _Setting("header-timeout", "10", _seconds(0.1, 600), "headers must have arrived within it", "S"),
    _Setting("request-timeout", "10", _seconds(0.1, 600), "body read, waiting and scoring each stay below it", "S"),
    _Setting("drain-delay", "5", _seconds(0, 600), "after SIGTERM, go on accepting for it", "S"),
    _Setting("drain-timeout", "20", _seconds(0, 600), "after that, let requests in flight finish for it", "S"),
    _Setting("log-level", "info", _one_of(*_LEVELS), "least severity to log: " + ", ".join(_LEVELS), "LEVEL"),
)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings, or SettingsInvalid with one line for each that is missing or wrong."""
    given = vars(_parser().parse_args(arguments))
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in _SETTINGS:
        key = setting.flag.replace("-", "_")
        variable = ENV_PREFIX + key.upper()
        found = given[key] if given[key] is not None else environment.get(variable, setting.default)
        if found is None:
            problems.append(f"--{setting.flag} (or {variable}) is missing: {setting.help}")
            continue
        try:
            values[key] = setting.parse(found)
        except ValueError as error:
            problems.append(f"--{setting.flag} (or {variable}) is {found[:80]!r}, must be {error}")
    if problems or (problems := _at_odds(values)):
        raise SettingsInvalid("; ".join(problems))
    return Settings(**values)


def _at_odds(values: Mapping[str, Any]) -> list[str]:
    """Settings that are right one by one and mean nothing together."""
    certificate, key = values["tls_cert"], values["tls_key"]
    if bool(certificate) != bool(key):
        missing, given = ("tls-key", "tls-cert") if certificate else ("tls-cert", "tls-key")
        return [f"--{missing} is missing: --{given} alone serves no TLS"]
    if values["peer_port"] is not None and not (values["routing"] and values["revision"]):
        return ["--peer-port does nothing without --routing and --revision: nobody could be granted an answer there"]
    alone = [flag for flag in ("tls-client-ca", "tls-keep-plaintext") if values[flag.replace("-", "_")]]
    return [f"--{flag} does nothing without --tls-cert and --tls-key" for flag in alone if not certificate]


_EPILOG = """\
Every flag can be set by environment instead: --max-rows is BANKMODEL_SERVING_MAX_ROWS.

Example: a server on port 8080, and a first request
  bankmodel-serving --model model.onnx --name credit-risk --sha256 $(sha256sum model.onnx | cut -c-64)
  curl localhost:8080/v2/models/credit-risk
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise SettingsInvalid(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bankmodel-serving",
        usage="%(prog)s --model FILE --name NAME --sha256 HEX [options]",
        description="Score one ONNX model over the Open Inference Protocol v2 (REST, and gRPC with --grpc-port).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # a command that is wrapped can't be copied
        allow_abbrev=False,
    )
    for setting in _SETTINGS:
        default = "required" if setting.default is None else f"default: {setting.default or 'empty'}"
        parser.add_argument(f"--{setting.flag}", metavar=setting.metavar, help=f"{setting.help} ({default})")
    return parser
