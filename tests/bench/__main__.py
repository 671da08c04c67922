"""`python -m bench serving` (with PYTHONPATH=tests): `make bench-serving`. docs/verification.md says what is measured, and how.

`python -m bench prepare` only makes what a measurement of this server needs and the cache lacks; `make test` calls it.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from bench import report
from bench.campaign import Case, Effort, measure
from bench.contenders import CONTENDERS
from bench.cores import the_cores
from bench.errors import BenchError
from bench.generator import ensure_generator
from bench.reference import MODELS, ensure
from bench.wire_http import ensure_wrk
from cluster.paths import CHECKOUT

_FULL = (Case(1, 1), Case(1, 32), Case(1, 32, 0.5), Case(1, 256), Case(32, 1), Case(32, 32))
_SHORT = (Case(1, 32), Case(32, 32))


def main() -> int:
    """Measure, print the table as Markdown, write JSON and a picture; 1 when it can't be made here."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the contenders are stopped with us
    contenders = [CONTENDERS[name] for name in given.contenders]
    effort = Effort(rounds=given.rounds, seconds=given.seconds)
    began = time.monotonic()
    try:
        ensure_wrk()
        ensure_generator()
        if given.what == "prepare":
            return 0
        cores = the_cores()
        results = [
            measure(
                ensure(name),
                contenders,
                _FULL if name == "boosting" else _SHORT,
                effort=effort,
                cores=cores,
                folder=given.output / "work",
                say=lambda text: _say(began, text),
            )
            for name in given.models
        ]
    except BenchError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 1
    print(report.write(results, effort, given.output))
    return 0


def _say(began: float, text: str) -> None:
    print(f"bench {time.monotonic() - began:5.0f} s: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=("serving", "prepare"))
    parser.add_argument("--contenders", nargs="+", choices=tuple(CONTENDERS), default=tuple(CONTENDERS), metavar="NAME")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=tuple(MODELS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds; the median is told")
    parser.add_argument("--seconds", type=int, default=2, help="of load for one case in one round")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "build" / "bench", help="folder for JSON and picture")
    return parser


if __name__ == "__main__":
    sys.exit(main())
