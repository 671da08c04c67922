"""The entry point `bankmodel-fetch`."""

import logging
import os
import sys

from bankmodel_serving.errors import SettingsInvalid, StartError
from bankmodel_serving.fetch.download import fetch
from bankmodel_serving.fetch.settings import read_settings
from bankmodel_serving.fetch.sources import describe
from bankmodel_serving.logs import set_up_logs
from bankmodel_serving.termination import say_why

__all__ = ["main"]

_LOG = logging.getLogger(__name__)


def main() -> None:
    """Fetch once. Exit code 2: wrong settings; 1: not fetched, the reason is in the termination message."""
    set_up_logs("info")
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        size = fetch(settings)
    except StartError as error:
        say_why(error)
        sys.exit(2 if isinstance(error, SettingsInvalid) else 1)
    _LOG.info("fetched", extra={"source": describe(settings.source), "to": settings.to, "bytes": size})


if __name__ == "__main__":
    main()
