"""The last words of a container: where Kubernetes, and by it the operator, reads why it ended."""

import json
import os
import sys

from bankmodel_serving.errors import FatalError

__all__ = ["say_why"]

_DEFAULT_PATH = "/dev/termination-log"
_MAX_MESSAGE = 2000  # the kubelet keeps 4,096 bytes


def say_why(error: FatalError) -> None:
    """Write reason and message as one line of JSON to the termination log and, last of all, to stderr."""
    line = json.dumps({"reason": error.reason, "message": str(error)[:_MAX_MESSAGE]})
    try:
        with open(os.environ.get("BANKMODEL_TERMINATION_LOG", _DEFAULT_PATH), "w", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError:
        pass  # outside of a container there is no such file, and stderr has it anyway
    print(line, file=sys.stderr, flush=True)
