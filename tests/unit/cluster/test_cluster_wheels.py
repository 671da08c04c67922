"""Of a lock file that is good for every Python, the lines for the one in the images."""

import pytest

from cluster.wheels import lines_for_image


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        ("orjson==3.11\n", "orjson==3.11\n"),
        ("numpy==2.5 ; python_full_version >= '3.12'\n", "\n"),
        ("numpy==2.4 ; python_full_version < '3.12'\n", "numpy==2.4\n"),
        ("colorama==0.4 ; sys_platform == 'win32'\n", "\n"),
        ("uvloop==0.22 ; platform_python_implementation == 'CPython'\n", "uvloop==0.22\n"),
        ("# by hand\nhttptools==0.7\n    # via bankmodel\n", "# by hand\nhttptools==0.7\n    # via bankmodel\n"),
    ],
    ids=["no marker", "newer Python", "this Python", "another system", "this implementation", "comments"],
)
def test_a_requirement_stays_if_it_is_for_the_image(lock: str, expected: str) -> None:
    assert expected == lines_for_image(lock)


def test_the_hashes_go_with_their_requirement() -> None:
    lock = """\
numpy==2.4 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
numpy==2.5 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
orjson==3.11 \\
    --hash=sha256:dd
"""

    expected = """\
numpy==2.4 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
orjson==3.11 \\
    --hash=sha256:dd
"""

    assert expected == lines_for_image(lock)
