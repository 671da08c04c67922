"""The routing table as a pod reads it: generations only grow, a bad table takes nothing away."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.errors import RoutingError
from bankmodel_serving.routing import NO_TABLE, Address, Canary, Role, RoutingTable, Sticky, accept, role_of
from bankmodel_serving.routing_file import RoutingFile
from bankmodel_serving.routing_reading import parse_table

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
CANARY: dict[str, Any] = {
    "peers": {"aaaaaaaaaa": "10.0.0.1", "cccccccccc": "[fd00::1]:18082"},
    "canary": {
        "revision": "cccccccccc",
        "weight": 5,
        "mirror": False,
        "notAfter": "2026-11-25T10:00:00Z",
        "salt": "m/9f2c",
        "sticky": {"parameter": "customer_id"},
        "awaits": ["income"],
        "cutoff": 0.5,
    },
}


def _text(**changes: Any) -> str:
    return json.dumps({**TABLE, **changes})


def _canary(**changes: Any) -> str:
    return _text(**{**CANARY, "canary": {**CANARY["canary"], **changes}})


def test_a_table_is_read() -> None:
    expected = RoutingTable("m", 7, "aaaaaaaaaa", frozenset({"bbbbbbbbbb"}), "mortgage", "High", "credit decisions")

    assert expected == parse_table(_text(unknown={"comes": "later"}), "m")


def test_a_canary_and_its_peers_are_read() -> None:
    table = parse_table(_text(**CANARY), "m")

    assert {"aaaaaaaaaa": Address("10.0.0.1", 8082), "cccccccccc": Address("fd00::1", 18082)} == table.peers
    assert table.canary == Canary(
        revision="cccccccccc",
        weight=5,
        mirror=False,
        not_after=1795600800.0,
        salt="m/9f2c",
        sticky=Sticky(parameter="customer_id"),
        awaits=("income",),
        cutoff=0.5,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", Address("10.0.0.1", 8082)),
        ("10.0.0.1:1", Address("10.0.0.1", 1)),
        ("fd00::1", Address("fd00::1", 8082)),
        ("[fd00::1]:65535", Address("fd00::1", 65535)),
        *((bad, None) for bad in ("None", "", "a.svc", "10.0.0.1:0", "10.0.0.1:x", "[fd00::1]", "10.0.0.1:65536", 5)),
    ],
)
def test_an_address_is_an_ip_with_or_without_a_port(text: Any, expected: Address | None) -> None:
    try:
        found = parse_table(_text(peers={"aaaaaaaaaa": text}), "m").peers["aaaaaaaaaa"]
    except RoutingError as error:
        assert (None, "Invalid") == (expected, error.reason)
    else:
        assert expected == found


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
        (_text(canary=[]), "Invalid"),
        (_text(canary=CANARY["canary"]), "Invalid"),  # nobody says where it is
        (_text(peers=["10.0.0.1"]), "Invalid"),
        (_canary(revision=None), "Invalid"),
        (_canary(revision="aaaaaaaaaa"), "Invalid"),
        (_canary(revision="bbbbbbbbbb"), "Invalid"),
        *((_canary(weight=weight), "Invalid") for weight in (None, -1, 101, 5.0, True, "5")),
        (_canary(mirror=True), "Invalid"),  # and a weight
        (_canary(mirror="no"), "Invalid"),
        *((_canary(notAfter=moment), "Invalid") for moment in (None, 5, "soon", "2026-11-25T10:00:00")),
        *((_canary(sticky=key), "Invalid") for key in ({}, "x", {"parameter": "a", "input": "b"}, {"input": 5})),
        (_canary(salt=""), "Invalid"),
        (_canary(awaits="income"), "Invalid"),
        *((_canary(cutoff=cutoff), "Invalid") for cutoff in ("0.5", True)),
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
        (parse_table(_canary(), "m"), "cccccccccc", Role.CANARY, False),
        (parse_table(_canary(), "m"), "dddddddddd", Role.UNLISTED, False),
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
