"""The entry point `bankmodel-serving`."""

import asyncio
import os
import sys
from importlib.metadata import version

import uvloop

from bankmodel_serving.errors import FatalError, SettingsInvalid
from bankmodel_serving.logs import set_up_logs
from bankmodel_serving.settings import Settings, read_settings
from bankmodel_serving.termination import say_why
from bankmodel_serving.workers.channel import Channel
from bankmodel_serving.workers.supervisor import supervise

__all__ = ["main"]


def main() -> None:
    """Serve until told to stop. Exit code 2: wrong settings; 1: can't serve, or not any more; 0: stopped as asked."""
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        set_up_logs(settings.log_level)
        if settings.workers == 1:
            _serve(settings)
        else:
            supervise(settings, _work)
    except FatalError as error:
        say_why(error)
        sys.exit(2 if error.reason == SettingsInvalid.reason else 1)


def _work(settings: Settings, number: int, channel: Channel) -> None:
    set_up_logs(settings.log_level, worker=number)
    _serve(settings, channel)


def _serve(settings: Settings, channel: Channel | None = None) -> None:
    from bankmodel_serving.server import serve  # numpy and onnxruntime: a supervisor has no use for them

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, version("bankmodel"), channel))


if __name__ == "__main__":
    main()
