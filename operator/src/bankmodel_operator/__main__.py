"""The operator's entry point: settings, logs, then the process until it is told to stop.

    python -m bankmodel_operator

Exit codes: 0 after SIGTERM, 1 when the lease was lost or something essential failed, 2 for wrong settings.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from bankmodel_operator.process import run
from bankmodel_operator.settings import SettingsError, load
from bankmodel_operator.telemetry import logs


def main() -> None:
    """Run until told to stop."""
    try:
        settings = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    logs.configure(settings.log_level, settings.log_format)
    code = asyncio.run(run(settings))
    logging.shutdown()
    sys.exit(code)


if __name__ == "__main__":
    main()
