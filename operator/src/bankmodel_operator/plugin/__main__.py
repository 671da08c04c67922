"""The `kubectl-bankmodel` command, found on the PATH by `kubectl bankmodel`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run it, or say what must be installed for it."""
    try:
        from bankmodel_operator.plugin.cli import run
    except ModuleNotFoundError as absent:
        sys.exit(f"error: {absent}; pip install 'bankmodel[kubectl]'")
    run()


if __name__ == "__main__":
    main()
