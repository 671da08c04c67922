"""Settings of the server and of the fetch: flag before environment before default, all faults at once, no secrets."""

import pytest

from bankmodel_serving.errors import SettingsInvalid
from bankmodel_serving.fetch.settings import FileSource, HttpSource, S3Source, read_settings as read_fetch_settings
from bankmodel_serving.settings import read_settings

DIGEST = "a" * 64
NEEDED = ["--model", "m.onnx", "--name", "credit-risk", "--sha256", DIGEST]


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    settings = read_settings([*NEEDED, "--port", "1"], {"BANKMODEL_SERVING_PORT": "2", "BANKMODEL_SERVING_QUEUE": "3"})

    assert (1, 3, 9090, 4 << 20, 10_000) == (
        settings.port,
        settings.queue,
        settings.metrics_port,
        settings.max_body,
        settings.max_rows,
    )


def test_every_wrong_setting_is_reported_at_once() -> None:
    wrong = ["--name", "Credit Risk", "--sha256", "abc", "--port", "99999", "--idle-timeout", "soon"]
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(wrong, {"BANKMODEL_SERVING_MAX_ROWS": "-1"})

    for words in (
        "--model (or BANKMODEL_SERVING_MODEL) is missing: the ONNX file",
        "--name (or BANKMODEL_SERVING_NAME) is 'Credit Risk', must be a DNS label",
        "is 'abc', must be 64 lower-case hex characters",
        "is '99999', must be a whole number from 0 to 65535",
        "is 'soon', must be seconds from 0.1 to 3600",
        "(or BANKMODEL_SERVING_MAX_ROWS) is '-1', must be a whole number from 1 to 10000000",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--tls-cert", "c"], "--tls-key is missing: --tls-cert alone serves no TLS"),
        (["--tls-key", "k"], "--tls-cert is missing: --tls-key alone serves no TLS"),
        (["--tls-client-ca", "ca"], "--tls-client-ca does nothing without --tls-cert and --tls-key"),
        (["--tls-keep-plaintext", "yes"], "--tls-keep-plaintext does nothing without"),
        (["--tls-keep-plaintext", "true"], "is 'true', must be yes or no"),
    ],
    ids=["no-key", "no-certificate", "client-ca-alone", "plaintext-alone", "neither-yes-nor-no"],
)
def test_settings_of_tls_must_fit_together(given: list[str], expected: str) -> None:
    with pytest.raises(SettingsInvalid, match=expected):
        read_settings([*NEEDED, *given], {})


def test_grpc_is_opened_beside_tls() -> None:
    settings = read_settings([*NEEDED, "--tls-cert", "c", "--tls-key", "k", "--grpc-port", "1"], {})

    assert {"tls_port": 8443, "grpc_port": 1} == settings.scoring_ports


def test_a_peer_port_needs_a_table_and_a_revision() -> None:
    with pytest.raises(SettingsInvalid, match="--peer-port does nothing without --routing and --revision"):
        read_settings([*NEEDED, "--peer-port", "8082", "--revision", "aaaaaaaaaa"], {})

    settings = read_settings([*NEEDED, "--peer-port", "8082", "--revision", "a", "--routing", "/r/table.json"], {})
    assert (8082, 1.0) == (settings.peer_port, settings.forward_timeout)


def test_an_unknown_flag_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsInvalid, match="--colour"):
        read_settings([*NEEDED, "--colour", "red"], {})


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_settings(["--help"], {})

    shown = capsys.readouterr().out
    assert 0 == caught.value.code
    for flag in ("--model", "--drain-timeout", "--max-connections", "BANKMODEL_SERVING_MAX_ROWS"):
        assert flag in shown


FETCH = ["--sha256", DIGEST, "--to", "/model/model.onnx"]
SECRETS = {
    "BANKMODEL_SOURCE_token": "t0ken",
    "BANKMODEL_SOURCE_AWS_ACCESS_KEY_ID": "AK",
    "BANKMODEL_SOURCE_AWS_SECRET_ACCESS_KEY": "s3cret",
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--http", "https://h/m.onnx"], HttpSource("https://h/m.onnx", token="t0ken")),
        (
            ["--s3", "bucket/deep/m.onnx", "--endpoint", "http://s3:9000", "--region", "eu"],
            S3Source("bucket", "deep/m.onnx", "http://s3:9000", "eu", "AK", "s3cret"),
        ),
        (["--file", "/source/m.onnx"], FileSource("/source/m.onnx")),
    ],
)
def test_a_source_is_read(arguments: list[str], expected: object) -> None:
    settings = read_fetch_settings([*FETCH, *arguments], SECRETS)

    assert expected == settings.source
    assert "t0ken" not in repr(settings)
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "exactly one of --http, --s3, --file is needed, got 0"),
        (["--http", "http://h/m", "--file", "/m"], "exactly one of --http, --s3, --file is needed, got 2"),
        (["--http", "ftp://h/m"], "--http must be an http:// or https:// URL"),
        (["--http", "http://[h/m"], "--http must be an http:// or https:// URL"),
        (["--http", "http://u:hush@h/m"], "--http must not hold a password; put it into the Secret"),
        (["--s3", "bucket"], "--s3 must be BUCKET/KEY"),
    ],
)
def test_a_wrong_source_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_fetch_settings([*FETCH, *arguments], {})

    assert words in str(caught.value)
    assert "hush" not in str(caught.value)
