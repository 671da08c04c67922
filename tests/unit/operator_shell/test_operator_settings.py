"""Settings: read once, wrong ones reported together, each with name, value and expectation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bankmodel_operator.settings import Settings, SettingsError, load


@pytest.fixture(autouse=True)
def only_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKMODEL_SERVING_IMAGE", "registry.example/serving:1")


def test_the_defaults_are_those_of_client_go() -> None:
    settings = load()

    assert (settings.lease_duration, settings.renew_deadline, settings.retry_period) == (
        timedelta(seconds=15),
        timedelta(seconds=10),
        timedelta(seconds=2),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1.5h", timedelta(hours=1, minutes=30)),
    ],
)
def test_durations_are_written_with_units(monkeypatch: pytest.MonkeyPatch, text: str, expected: timedelta) -> None:
    monkeypatch.setenv("BANKMODEL_RESYNC", text)

    assert load().resync == expected


@pytest.mark.parametrize("text", ["5", "5 m", "m", "-5m", "0s", "", "5m3", "1h-30m"])
def test_a_wrong_duration_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BANKMODEL_RESYNC", text)

    with pytest.raises(SettingsError, match="BANKMODEL_RESYNC is"):
        load()


def test_a_missing_setting_is_named_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANKMODEL_SERVING_IMAGE")

    with pytest.raises(SettingsError, match="BANKMODEL_SERVING_IMAGE is not set: Image of the scoring container"):
        load()


def test_all_wrong_settings_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKMODEL_WORKERS", "many")
    monkeypatch.setenv("BANKMODEL_LOG_FORMAT", "xml")

    with pytest.raises(SettingsError) as caught:
        load()

    assert "BANKMODEL_WORKERS is 'many'" in str(caught.value)
    assert "BANKMODEL_LOG_FORMAT is 'xml'" in str(caught.value)


def test_lease_times_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKMODEL_RENEW_DEADLINE", "20s")

    with pytest.raises(SettingsError, match=r"BANKMODEL_LEASE_DURATION must be longer .* they are 15 s, 20 s and 2 s"):
        load()


@pytest.mark.parametrize(
    ("text", "expected"), [("", ()), ("lending", ("lending",)), (" lending, cards ,", ("lending", "cards"))]
)
def test_namespaces_are_a_comma_list(monkeypatch: pytest.MonkeyPatch, text: str, expected: tuple[str, ...]) -> None:
    monkeypatch.setenv("BANKMODEL_NAMESPACES", text)

    assert load().namespaces == expected


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())
