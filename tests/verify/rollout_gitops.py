"""Item 6 of `make verify-rollout`: what GitOps tools make of a BankModel, and do to it."""

from collections.abc import Iterator

from verify.lines import Line, exactly
from verify.suite import exit_code_of

__all__ = ["item_6"]

_ITSELF = {
    "tests/control_plane/test_gitops_tools.py": "Flux's controller and Argo CD's engine on rollbacks, retries and orders",
    "tests/unit/gitops": "kstatus and the health check for Argo CD at every step",
}
_DEADLINE_S = 900


def item_6() -> Iterator[Line]:
    """A line for each part."""
    for tests, what in _ITSELF.items():
        yield exactly(f"{what}: exit code of the tests", exit_code_of(tests, deadline_s=_DEADLINE_S), 0)
