"""What can go wrong with a benchmark, by what to do."""

__all__ = ["BenchError", "ContenderFailed", "WrongAnswer"]


class BenchError(Exception):
    """The benchmark can't be made here; the message says what is missing."""


class ContenderFailed(BenchError):
    """One contender can't be installed, started or loaded; the others go on, and the table says why."""


class WrongAnswer(ContenderFailed):
    """A contender answered otherwise than `session.run`: its speed is of no interest."""
