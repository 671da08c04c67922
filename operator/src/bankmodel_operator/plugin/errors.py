"""Why a command ends without doing what it was asked: one message that says what to do next, and exit code 1.

PluginError
├── Refused       the order makes no sense now
├── Unreadable    the BankModel is not what this version understands
├── Denied        the user's rights do not reach
├── Absent        there is no such model
└── Unreachable   no API server answers
"""

from __future__ import annotations

__all__ = ["Absent", "Denied", "PluginError", "Refused", "Unreachable", "Unreadable"]


class PluginError(Exception):
    """Base of all."""


class Refused(PluginError):
    """The order makes no sense as things stand, or the API server did not take it."""


class Unreadable(PluginError):
    """Written by a version that this one does not understand."""


class Denied(PluginError):
    """A right is missing, or the credentials were not taken."""


class Absent(PluginError):
    """No such model, or a cluster that knows none."""


class Unreachable(PluginError):
    """No API server, or none that answers in time."""
