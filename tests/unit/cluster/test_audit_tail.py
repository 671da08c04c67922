"""An audit log is counted as it grows, past its rotation, and without what others write."""

from __future__ import annotations

import json
from pathlib import Path

from support.audit_tail import AuditTail


def entry(verb: str, resource: str, user: str = "operator", **about: str) -> str:
    found = {"resource": resource, "namespace": "lending", **about}
    return json.dumps({"verb": verb, "user": {"username": user}, "objectRef": found}, separators=(",", ":")) + "\n"


def append(log: Path, *entries: str) -> None:
    with log.open("a") as file:
        file.write("".join(entries))


def test_only_writes_of_the_one_user_count_and_no_lease(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(entry("create", "services"))  # before
    with AuditTail(log, "operator") as tail:
        append(log, entry("patch", "services"), entry("update", "bankmodels", subresource="status"))
        append(log, entry("list", "pods"), entry("update", "leases"), entry("create", "pods", "operator-of-others"))
        append(log, entry("create", "events", namespace="cards"))
        found, of_cards = tail.writes(), tail.writes("cards")

    assert found == {"patch services": 1, "update bankmodels/status": 1, "create events": 1}
    assert of_cards == {"create events": 1}


def test_what_is_written_before_and_after_a_rotation_counts_once(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.touch()
    with AuditTail(log, "operator") as tail:
        append(log, entry("patch", "services"))
        tail.look()
        append(log, entry("patch", "services"))
        log.rename(tmp_path / "audit-before.log")
        append(log, entry("patch", "services"))

        assert tail.writes() == {"patch services": 3}


def test_a_line_that_is_being_written_is_counted_once_it_is_whole(tmp_path: Path) -> None:
    log, line = tmp_path / "audit.log", entry("patch", "services")
    log.touch()
    with AuditTail(log, "operator") as tail:
        append(log, line[:30])
        before = tail.writes()
        append(log, line[30:])

        assert (before, tail.writes()) == ({}, {"patch services": 1})
