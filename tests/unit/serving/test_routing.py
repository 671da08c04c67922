"""The routing table as a pod reads it: generations only grow, a bad table takes nothing away."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.errors import RoutingError
from bankmodel_serving.routing import NO_TABLE, Role, RoutingTable, accept, parse_table, role_of
from bankmodel_serving.routing_file import RoutingFile

TABLE: dict[str, Any] = {
    "apiVersion": "serving.bankmodel.io/routing.v1",
    "model": "m",
    "generation": 7,
    "stable": "aaaaaaaaaa",
    "superseded": ["bbbbbbbbbb"],
    "owner": "mortgage",
    "tier": "High",
    "purpose": "credit decisions",
}


def _text(**changes: Any) -> str:
    return json.dumps({**TABLE, **changes})


def test_a_table_is_read() -> None:
    expected = RoutingTable("m", 7, "aaaaaaaaaa", frozenset({"bbbbbbbbbb"}), "mortgage", "High", "credit decisions")

    assert expected == parse_table(_text(canary={"comes": "later"}), "m")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Unreadable"),
        ("[]", "Unreadable"),
        pytest.param("[" * 100_000, "Unreadable", id="too deep"),
        (_text(apiVersion="serving.bankmodel.io/routing.v2"), "Version"),
        (_text(model="other"), "OtherModel"),
        (_text(generation=None), "Invalid"),
        (_text(generation=-1), "Invalid"),
        (_text(generation=True), "Invalid"),
        (_text(generation=1.5), "Invalid"),
        (_text(stable=5), "Invalid"),
        (_text(superseded="bbbbbbbbbb"), "Invalid"),
        (_text(superseded=[5]), "Invalid"),
        (_text(superseded=["aaaaaaaaaa"]), "Invalid"),
        (_text(owner={}), "Invalid"),
    ],
)
def test_a_bad_table_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(RoutingError) as caught:
        parse_table(text, "m")

    assert reason == caught.value.reason


@pytest.mark.parametrize(
    ("table", "revision", "role", "closes"),
    [
        (NO_TABLE, "aaaaaaaaaa", Role.ALONE, False),
        (NO_TABLE, "", Role.ALONE, False),
        (parse_table(_text(), "m"), "aaaaaaaaaa", Role.STABLE, False),
        (parse_table(_text(), "m"), "bbbbbbbbbb", Role.SUPERSEDED, True),
        (parse_table(_text(), "m"), "cccccccccc", Role.UNLISTED, False),
        (parse_table(_text(stable=None), "m"), "", Role.UNLISTED, False),
    ],
)
def test_a_pod_knows_its_role(table: RoutingTable, revision: str, role: Role, closes: bool) -> None:
    assert (role, closes) == (role_of(table, revision), role_of(table, revision).closes_connections)


@given(st.lists(st.integers(0, 9)))
def test_the_generation_followed_never_falls(generations: list[int]) -> None:
    current = NO_TABLE
    for generation in generations:
        before = current.generation
        try:
            current = accept(current, RoutingTable("m", generation))
        except RoutingError as error:
            assert "LowerGeneration" == error.reason

        assert max(before, generation) == current.generation


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists), st.sampled_from(list(TABLE)))
def test_any_value_in_any_field_is_read_or_refused(value: Any, key: str) -> None:
    try:
        parse_table(_text(**{key: value}), "m")
    except RoutingError as error:
        assert error.reason in {"Version", "OtherModel", "Invalid"}


class _Watched:
    """A table in a folder as the kubelet makes it: a link to a dated folder, swapped as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swaps = 0
        self.rejected: Counter[str] = Counter()
        path = str(folder / "table.json")
        self.file = RoutingFile(path, model="m", revision="bbbbbbbbbb", rejected=lambda r: self.rejected.update((r,)))

    def swap(self, text: str) -> None:
        self._swaps += 1
        fresh = self._folder / f"..{self._swaps}"
        fresh.mkdir()
        (fresh / "table.json").write_text(text)
        link = self._folder / "..new"
        link.symlink_to(fresh.name)
        os.replace(link, self._folder / "..data")
        if self._swaps == 1:
            (self._folder / "table.json").symlink_to("..data/table.json")
        self.file.poll()


def test_no_file_means_alone(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    watched.file.poll()

    assert (Role.ALONE, 0) == (watched.file.role, watched.file.table.generation)


def test_a_swapped_folder_is_noticed(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    watched.swap(_text(stable="bbbbbbbbbb", superseded=[]))
    before = watched.file.role
    watched.swap(_text(generation=8))

    assert (Role.STABLE, Role.SUPERSEDED, 8) == (before, watched.file.role, watched.file.table.generation)


def test_bad_tables_are_counted_once_and_the_last_good_one_stays(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    watched.swap(_text())
    for text in ("{", _text(generation=6), _text(model="other")):
        watched.swap(text)
        watched.file.poll()

    assert {"Unreadable": 1, "LowerGeneration": 1, "OtherModel": 1} == dict(watched.rejected)
    assert (Role.SUPERSEDED, 7) == (watched.file.role, watched.file.table.generation)


def test_a_table_that_vanishes_stays_in_force(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    watched.swap(_text())
    (tmp_path / "..data").unlink()
    watched.file.poll()

    assert Role.SUPERSEDED is watched.file.role
