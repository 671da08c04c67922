"""Lanes: a test's folder is its lane, quick lanes run first, and a skip is a failure: what could not run was not shown."""

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

_LANES = ("unit", "contract", "serving_system", "control_plane", "e2e")
_TESTS = Path(__file__).parent

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
# For `make mutate-core`, which wants to know whether something is found and not what.
_QUICK = [Phase.explicit, Phase.generate]
settings.register_profile("first find", settings.get_profile("any machine"), phases=_QUICK, database=None)


def _lane(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by lane, and bring the lanes into order after the modules were shuffled."""
    for item in items:
        if _lane(item) in ("control_plane", "e2e"):
            item.add_marker(_lane(item))
    items.sort(key=lambda item: _LANES.index(_lane(item)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be: {report.longrepr}"
    return report
