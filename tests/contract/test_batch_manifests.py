"""examples/batch and `bankmodel score` say the same: options, exit codes, volumes, and the one right that is needed."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.command import Command

_EXAMPLE = Path(__file__).parents[2] / "examples" / "batch"
_JOB = yaml.safe_load((_EXAMPLE / "cronjob.yaml").read_text())["spec"]["jobTemplate"]["spec"]
_POD: dict[str, Any] = _JOB["template"]["spec"]


def _help(bankmodel: Command) -> str:
    found = bankmodel("score", "--help")
    assert 0 == found.code
    return found.out


def test_every_option_of_the_job_exists(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (container,) = _POD["containers"]
    (line,) = (line for line in container["args"][0].splitlines() if "bankmodel score" in line)
    used = {word for word in shlex.split(line) if word.startswith("--")}

    assert {"--in", "--out", "--sha256"} <= used
    assert used <= set(re.findall(r"--[a-z0-9-]+", _help(Command(monkeypatch, capsys))))


def test_what_a_retry_can_not_mend_is_not_retried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    (codes,) = (rule["onExitCodes"] for rule in _JOB["podFailurePolicy"]["rules"] if "onExitCodes" in rule)
    said = {
        int(code) for code in re.findall(r"[ ,](\d+) ", _help(Command(monkeypatch, capsys)).partition("Exit codes:")[2])
    }

    assert set(codes["values"]) == said - {0, 1, 130, 143}
    assert "score" == codes["containerName"]


def test_only_the_container_that_asks_has_a_token() -> None:
    mounted = {
        each["name"]: {mount["name"] for mount in each["volumeMounts"]}
        for each in (*_POD["initContainers"], *_POD["containers"])
    }
    volumes = {volume["name"] for volume in _POD["volumes"]}

    assert ["stable-digest"] == [name for name, found in mounted.items() if "token" in found]
    assert volumes == set.union(*mounted.values())
