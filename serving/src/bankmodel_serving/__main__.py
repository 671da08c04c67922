"""The entry point `bankmodel-serving`."""

import asyncio
import os
import sys
from importlib.metadata import version

import uvloop

from bankmodel_serving.errors import SettingsInvalid, StartError
from bankmodel_serving.logs import set_up_logs
from bankmodel_serving.server import serve
from bankmodel_serving.settings import read_settings
from bankmodel_serving.termination import say_why

__all__ = ["main"]


def main() -> None:
    """Serve until told to stop. Exit code 2: wrong settings; 1: the model can't be served; 0: stopped as asked."""
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        set_up_logs(settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, version("bankmodel")))
    except StartError as error:
        say_why(error)
        sys.exit(2 if isinstance(error, SettingsInvalid) else 1)


if __name__ == "__main__":
    main()
