"""Where a cluster's things are, and how two clusters are told apart."""

from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.paths import DEFAULT_NAME, StateFolder, cache_folder, state_folder


@pytest.mark.parametrize("name", ["test", "a", "7", "side-by-side-2", "abcdefghijklmnop"])
def test_a_plain_name_gets_a_folder_of_its_own(name: str) -> None:
    assert Path(f"/c/.cluster-{name}") == state_folder(name, Path("/c")).path


@pytest.mark.parametrize(
    "name",
    ["", "Test", "-a", "a-", "a_b", "../a", "a b", "abcdefghijklmnopq", "a\n"],
    ids=["empty", "upper case", "dash first", "dash last", "underscore", "path", "blank", "17 letters", "newline"],
)
def test_another_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ClusterError, match="at most 16 lower-case letters, digits and dashes"):
        state_folder(name, Path("/c"))


def test_the_default_cluster_has_the_short_folder() -> None:
    assert Path("/c/.cluster") == state_folder(DEFAULT_NAME, Path("/c")).path


def test_a_folder_too_long_for_a_socket_below_it_is_refused() -> None:
    with pytest.raises(ClusterError, match="too long for a unix socket"):
        state_folder("test", Path("/" + "c" * 80))


def test_clusters_of_two_checkouts_and_of_two_names_have_two_identities() -> None:
    folders = [state_folder(name, Path(checkout)) for name in ("a", "b") for checkout in ("/c", "/d")]

    assert 4 == len({folder.identity for folder in folders})
    assert 4 == len({folder.run_folder for folder in folders})


def test_a_shim_socket_fits_into_the_42_characters_that_containerd_allows() -> None:
    assert len(str(state_folder("abcdefghijklmnop", Path("/" + "c" * 50)).run_folder)) <= 42


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/big/disk", "/big/disk"), ("~/elsewhere", "{home}/elsewhere"), ("", "{home}/.cache/bankmodel")],
    ids=["absolute", "home", "unset"],
)
def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BANKMODEL_CACHE", value)

    assert expected.format(home=tmp_path) == str(cache_folder())


def test_a_relative_cache_is_below_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANKMODEL_CACHE", "cache")

    assert tmp_path / "cache" == cache_folder()


def test_a_folder_remembers_its_kind_is_ignored_by_git_and_goes_whole(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    before = state.kind
    state.make("kind")
    state.make("kind")
    ignored = (state.path / ".gitignore").read_text()
    kind = state.kind
    state.remove()

    assert None is before
    assert "kind" == kind
    assert "*\n" == ignored
    assert not state.path.exists()


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state").remove()

    assert not (tmp_path / "state").exists()
