"""What can go wrong while making a cluster. Every message says what to do next; the command line prints it and exits 1."""

__all__ = ["ClusterError", "CommandFailed", "DeadlinePassed", "NotRunning", "PrerequisiteMissing"]


class ClusterError(Exception):
    """The root: something about the test cluster that the reader of the message can act on."""


class PrerequisiteMissing(ClusterError):
    """A package, tool or room on the disk is missing: install what the message names and repeat the command."""


class CommandFailed(ClusterError):
    """A command we called ended with an error; the message carries its last words."""


class DeadlinePassed(ClusterError):
    """Something did not come up in time; the message carries the tail of its log."""


class NotRunning(ClusterError):
    """The command needs a running cluster: `make cluster-up` makes one."""
