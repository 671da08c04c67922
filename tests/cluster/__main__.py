"""`python -m cluster COMMAND` (with PYTHONPATH=tests): the test cluster by hand. The Makefile's cluster targets call this.

`python -m cluster --help` lists the commands.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from . import current, images, kind, metrics, node, prerequisites
from .binaries import TEST_MODULES, ensure_binaries
from .errors import ClusterError
from .oci import ArchivedImage
from .paths import DEFAULT_NAME, StateFolder, state_folder

__all__ = ["main"]

_EPILOG = """
Environment:
  CLUSTER                node (default), kind (needs Docker) or current (the current kubeconfig context)
  BANKMODEL_CLUSTER_NAME which cluster, when several run side by side (same as --name)
  BANKMODEL_CACHE        where binaries, base image and wheels are kept (default ~/.cache/bankmodel)

After `up`: .cluster/kubectl is kubectl for the cluster, .cluster/run CMD... runs a command inside its network
(the only place where Service and pod addresses answer), .cluster/logs/ has a log per component.
"""


class Kind(Protocol):
    """What each kind of cluster offers; the modules node, kind and current do."""

    def up(self, state: StateFolder) -> None:
        """Start it."""

    def down(self, state: StateFolder) -> None:
        """Stop it and remove its traces."""

    def status(self, state: StateFolder) -> str:
        """Describe it."""

    def build_images(self, state: StateFolder) -> dict[str, str]:
        """Build the project's images and bring them there; how a pod names each part's image."""

    def load(self, state: StateFolder, archive: Path) -> ArchivedImage:
        """Bring an OCI archive there."""


class _Node:
    """Our own cluster: looks at the prerequisites before the work."""

    def up(self, state: StateFolder) -> None:
        prerequisites.ensure(prerequisites.NODE)
        node.up(state)

    def down(self, state: StateFolder) -> None:
        node.down(state)

    def status(self, state: StateFolder) -> str:
        return node.status(state)

    def build_images(self, state: StateFolder) -> dict[str, str]:
        prerequisites.ensure(prerequisites.IMAGES)
        return images.build_images(state)

    def load(self, state: StateFolder, archive: Path) -> ArchivedImage:
        return images.load(state, archive)


_KINDS: dict[str, Kind] = {"node": _Node(), "kind": kind, "current": current}


def main(argv: Sequence[str]) -> int:
    """Carry out the command; 1 with a message on standard error when it failed."""
    arguments = _parser().parse_args(argv)
    try:
        return _carry_out(arguments)
    except ClusterError as failed:
        print(f"cluster: error: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster: interrupted; `make cluster-down` removes what was started", file=sys.stderr)
        return 130


def _carry_out(arguments: argparse.Namespace) -> int:
    state = state_folder(arguments.name)
    chosen = _KINDS[_kind_of(state, arguments.cluster)]
    match arguments.command:
        case "up":
            chosen.up(state)
        case "down":
            chosen.down(state)
        case "status":
            print(chosen.status(state))
        case "images":
            for part, reference in chosen.build_images(state).items():
                print(f"{part} {reference}")
        case "load":
            image = chosen.load(state, arguments.archive)
            print(f"{image.name}\n{image.by_digest}")
        case "kubectl" | "run":
            return _hand_over(state, arguments.command, arguments.words)
        case "metrics":
            _start_metrics(state, chosen)
        case "prerequisites":
            _check_prerequisites()
        case "binaries":
            prerequisites.ensure(prerequisites.TESTS)
            ensure_binaries(TEST_MODULES)
    return 0


def _kind_of(state: StateFolder, wished: str | None) -> str:
    """The kind that is there, else the one wished for: nothing of one kind is done to a cluster of another."""
    if wished and wished not in _KINDS:
        raise ClusterError(f"CLUSTER={wished}: use one of {', '.join(_KINDS)}")
    there = state.kind
    if there and wished and there != wished:
        raise ClusterError(
            f"CLUSTER={wished}: at {state.path} is a cluster of the kind {there}; "
            f"`make cluster-down CLUSTER={there}` removes it, or use another name (BANKMODEL_CLUSTER_NAME)"
        )
    return there or wished or "node"


def _hand_over(state: StateFolder, wrapper: str, words: Sequence[str]) -> int:
    """Become the wrapper, so that signals and exit code are the command's."""
    program = state.path / wrapper
    if not program.exists():
        raise ClusterError(f"no cluster at {state.path}: `make cluster-up` starts one")
    os.execv(program, [str(program), *words])


def _start_metrics(state: StateFolder, chosen: Kind) -> None:
    if not isinstance(chosen, _Node):
        raise ClusterError(
            "only our own cluster gets a metrics-server from here; install it with its own manifest there"
        )
    prerequisites.ensure(prerequisites.METRICS)
    metrics.start(state)


def _check_prerequisites() -> None:
    """Install or name what is missing, for the cluster and for the images."""
    prerequisites.ensure(prerequisites.NODE_AND_IMAGES)
    print("everything that the test cluster needs is here")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster",
        description="A real single-node Kubernetes without Docker, for tests and the demo.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default_name = os.environ.get("BANKMODEL_CLUSTER_NAME") or DEFAULT_NAME
    default_kind = os.environ.get("CLUSTER") or None
    parser.add_argument("--name", default=default_name, help="which cluster (default: %(default)s)")
    parser.add_argument(
        "--cluster", default=default_kind, help="node, kind or current (default: the one there, else node)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "load":
            command.add_argument("archive", type=Path, help="as `bankmodel pack` writes it")
        if name in ("kubectl", "run"):
            command.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help="the command's words")
    return parser


_COMMANDS = {
    "up": "start the cluster; does nothing when it is up, cleans and starts when it is broken",
    "down": "stop it and remove every process, mount, cgroup and namespace of it, also after a crash",
    "status": "which components run, and the node",
    "images": "build the serving and operator images from the checkout and bring them to the node",
    "load": "bring an OCI archive to the node, under its tag and its digest",
    "metrics": "start metrics-server too, for `kubectl top` and autoscalers (built on first use, two to five minutes)",
    "kubectl": "kubectl for the cluster (same as .cluster/kubectl)",
    "run": "run a command inside the cluster's network with KUBECONFIG set (same as .cluster/run)",
    "prerequisites": "check what the machine needs; as root on Debian also install it",
    "binaries": "build what the control-plane tests need (API-only cluster, S3 server), if the cache lacks it",
}

if __name__ == "__main__":
    # As Ctrl-C does: what is half done in the cache is removed on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
