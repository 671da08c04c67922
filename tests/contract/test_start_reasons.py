"""Every reason a container can give for not starting is one the operator shows, and the other way round."""

from collections.abc import Iterator

from bankmodel_operator.core.diagnosis.last_words import REMEDIES
from bankmodel_serving.errors import StartError

_SAID_BY_THE_PROBE = {"GoldenVectorsFailed", "CertificateInvalid"}
"""The process stays to tell: the file is whole and loads, or another certificate may come."""


def test_the_operator_knows_each_reason_for_not_starting() -> None:
    said = {error.reason for error in _leaves(StartError)} | _SAID_BY_THE_PROBE

    assert said == {str(reason) for reason in REMEDIES}


def _leaves(error: type[StartError]) -> Iterator[type[StartError]]:
    yield error
    for each in error.__subclasses__():
        yield from _leaves(each)
