"""What the machine lacks is named all at once, each with what to do."""

from pathlib import Path
from typing import Any

import pytest

from cluster.errors import PrerequisiteMissing
from cluster.prerequisites import (
    IMAGES,
    NODE,
    NODE_AND_IMAGES,
    TESTS,
    Machine,
    Missing,
    Needs,
    describe,
    ensure,
    find_missing,
)

_GIB = 2**30
_STATIC, _DYNAMIC = 1, 3


@pytest.fixture(autouse=True)
def _caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKMODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOCACHE", str(tmp_path / "go"))


def _program(file: Path, segment: int) -> str:
    """The beginning of a 64-bit ELF file with one segment of this kind."""
    header = bytearray(64)
    header[:4] = b"\x7fELF"
    header[32:40] = (64).to_bytes(8, "little")
    header[54:58] = (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
    file.write_bytes(bytes(header) + segment.to_bytes(4, "little") + bytes(52))
    return str(file)


def _machine(folder: Path, *, lacks: tuple[str, ...] = (), segment: int = _STATIC, **changes: Any) -> Machine:
    """A machine with everything, but for what LACKS and CHANGES say."""
    busybox = _program(folder / "busybox", segment)
    answers: dict[str, Any] = {
        "path_of": lambda command: None if command in lacks else busybox,
        "go": lambda: "go",
        "free_bytes": lambda _: 100 * _GIB,
        "is_built": lambda _: True,
        "base_is_built": lambda: True,
        "user_id": lambda: 0,
        "filters_bridges": lambda: True,
    }
    return Machine(**{**answers, **changes})


@pytest.mark.parametrize("needs", [TESTS, NODE, IMAGES, NODE_AND_IMAGES], ids=["api", "node", "images", "both"])
def test_a_machine_with_everything_lacks_nothing(tmp_path: Path, needs: Needs) -> None:
    missing = find_missing(needs, _machine(tmp_path))

    assert Missing() == missing
    assert not missing


@pytest.mark.parametrize(
    ("needs", "lacks", "expected"),
    [
        (NODE, ("runc",), ("runc",)),
        (NODE, ("ip", "nft", "openssl"), ("iproute2", "nftables", "openssl")),
        (NODE, ("buildah",), ()),
        (NODE_AND_IMAGES, ("buildah", "umount"), ("buildah", "mount")),
        (TESTS, ("runc", "ip", "openssl"), ("openssl",)),
    ],
    ids=["one", "several, sorted", "not needed for a node", "of both tasks", "not needed for the API"],
)
def test_absent_commands_are_named_as_packages(
    tmp_path: Path, needs: Needs, lacks: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert expected == find_missing(needs, _machine(tmp_path, lacks=lacks)).packages


def test_a_busybox_that_needs_libraries_is_not_the_one_for_pods(tmp_path: Path) -> None:
    assert ("busybox-static",) == find_missing(NODE, _machine(tmp_path, segment=_DYNAMIC)).packages


def test_the_loader_of_kernel_modules_is_missing_only_where_one_is_to_be_loaded(tmp_path: Path) -> None:
    lacking = _machine(tmp_path, lacks=("modprobe",), filters_bridges=lambda: False)

    assert ("kmod",) == find_missing(NODE, lacking).packages
    assert () == find_missing(NODE, _machine(tmp_path, lacks=("modprobe",))).packages
    assert () == find_missing(NODE, _machine(tmp_path, filters_bridges=lambda: False)).packages


@pytest.mark.parametrize(
    ("is_built", "go", "expected"),
    [(True, None, False), (False, None, True), (False, "go", False)],
    ids=["all built", "to be built", "to be built and there"],
)
def test_go_is_missing_only_where_something_is_to_be_built(
    tmp_path: Path, is_built: bool, go: str | None, expected: bool
) -> None:
    machine = _machine(tmp_path, is_built=lambda _: is_built, go=lambda: go)

    assert expected == find_missing(NODE, machine).go


def test_the_api_alone_needs_no_go_for_what_it_does_not_use(tmp_path: Path) -> None:
    machine = _machine(tmp_path, is_built=lambda module: module not in ("containerd", "coredns"), go=lambda: None)

    assert not find_missing(TESTS, machine)
    assert find_missing(NODE, machine).go


@pytest.mark.parametrize(
    ("needs", "changes", "free_gib", "expected"),
    [
        (NODE, {}, 2, []),
        (NODE, {}, 1, ["checkout"]),
        (NODE, {"is_built": lambda _: False}, 5, ["go"]),
        (NODE_AND_IMAGES, {"is_built": lambda _: False, "base_is_built": lambda: False}, 3, ["go", "cache"]),
        (
            NODE_AND_IMAGES,
            {"is_built": lambda _: False, "base_is_built": lambda: False},
            0,
            ["go", "cache", "checkout"],
        ),
        (IMAGES, {"base_is_built": lambda: False}, 3, ["cache"]),
        (TESTS, {}, 0, ["checkout"]),
    ],
    ids=["enough", "no room to run", "to build", "to build all", "full", "a base image", "an API without room"],
)
def test_room_is_asked_for_where_it_will_be_used(
    tmp_path: Path, needs: Needs, changes: dict[str, Any], free_gib: int, expected: list[str]
) -> None:
    machine = _machine(tmp_path, free_bytes=lambda _: free_gib * _GIB, **changes)
    folders = [line.split()[0] for line in find_missing(needs, machine).room]
    names = {str(tmp_path / "go"): "go", str(tmp_path / "cache"): "cache"}

    assert expected == [names.get(folder, "checkout") for folder in folders]


@pytest.mark.parametrize(
    ("needs", "user", "expected"),
    [(NODE, 0, False), (NODE, 1000, True), (IMAGES, 1000, True), (TESTS, 1000, False)],
    ids=["root", "not root", "images, not root", "the API, not root"],
)
def test_root_is_asked_for_where_it_is_needed(tmp_path: Path, needs: Needs, user: int, expected: bool) -> None:
    assert expected == find_missing(needs, _machine(tmp_path, user_id=lambda: user)).root


def test_all_that_is_missing_is_in_one_message_with_what_to_do(tmp_path: Path) -> None:
    machine = _machine(
        tmp_path,
        lacks=("buildah", "runc"),
        go=lambda: None,
        free_bytes=lambda _: _GIB // 2,
        is_built=lambda _: False,
        base_is_built=lambda: False,
        user_id=lambda: 1000,
    )
    message = describe(find_missing(NODE_AND_IMAGES, machine))

    assert "apt-get install -y --no-install-recommends buildah runc" in message
    assert "Go 1.26 or newer" in message
    assert "as root (sudo), or with CLUSTER=kind" in message
    assert f"{tmp_path}/go needs 10 GiB, 0.5 GiB are free; free some or set GOCACHE and GOMODCACHE" in message
    assert f"{tmp_path}/cache needs 5 GiB, 0.5 GiB are free; free some or set BANKMODEL_CACHE" in message


def test_what_cannot_be_installed_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    needs = Needs({"no-such-command": "no-such-package"})

    with pytest.raises(PrerequisiteMissing, match="no-such-package"):
        ensure(needs)
