"""`python -m demo up|down|score` (with PYTHONPATH=tests); the Makefile's demo, demo-down and score call this."""

import argparse
import os
import sys

from cluster.paths import DEFAULT_NAME
from demo.alone import score_alone
from demo.tour import demo, demo_down
from system.place import Place, SystemFailed

_COMMANDS = {
    "up": "cluster, images, operator, model, a scored request, then an update under load",
    "down": "stop the cluster and everything on it",
    "score": "the scoring server alone, without a cluster",
}


def main() -> int:
    """Carry out the command; 1 with a message when a step failed."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in _COMMANDS.items():
        commands.add_parser(name, help=text, description=text)
    place = Place(os.environ.get("BANKMODEL_CLUSTER_NAME") or DEFAULT_NAME)
    try:
        match parser.parse_args().command:
            case "up":
                demo(place)
            case "down":
                demo_down(place)
            case "score":
                score_alone()
    except SystemFailed as failed:
        print(f"demo: error: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
