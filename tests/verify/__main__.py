"""`make verify-operator`, `verify-serving`, `verify-rollout` and `verify-export`: measure what is promised of each, a line per item.

`python -m verify operator|serving|rollout|export [--item N] [--fresh]` (with PYTHONPATH=tests). An item that was good is not measured again until
--fresh, or until it is named; exit code 1 when one is short. docs/verification.md says what each item does.
"""

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from string import ascii_lowercase

from system.place import CHECKOUT
from verify import on_api_server, on_cluster
from verify.export import EXPORT
from verify.lines import Kept, Line, table
from verify.rollout import ROLLOUT
from verify.serving import SERVING
from verify.stages import place

__all__ = ["chosen_of", "main", "measured"]

Items = dict[str, Callable[[], Iterator[Line]]]
_OPERATOR: Items = {
    "2": on_cluster.item_2,
    "3": on_api_server.item_3,
    "4": on_cluster.item_4,
    "5": on_cluster.item_5,
    "6": on_cluster.item_6,
    "7": on_cluster.item_7,
}
_ITEMS: dict[str, Items] = {"operator": _OPERATOR, "serving": SERVING, "rollout": ROLLOUT, "export": EXPORT}


def main() -> int:
    """Measure what is asked for and what is not known yet; 1 when something is short."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped with us
    items = _ITEMS[given.what]
    chosen = chosen_of(items, given.item)
    if not chosen:
        print(f"verify: error: no item {given.item}; {given.what} has {', '.join(items)}", file=sys.stderr)
        return 2
    kept = Kept(CHECKOUT / "build" / f"verify-{given.what}")
    if given.fresh:
        kept.forget()
    began = time.monotonic()
    try:
        results = {item: measured(item, items[item], kept, again=item == given.item) for item in chosen}
    finally:
        if place.cache_info().currsize and not os.environ.get("BANKMODEL_KEEP_CLUSTER"):
            place().command("down")
    print("\n" + "\n".join(table(item, lines) for item, lines in results.items()))
    short = [item for item, lines in results.items() if not all(line.is_ok for line in lines)]
    said = f"short: item {', '.join(short)}" if short else "all ok"
    print(f"\nverify-{given.what}: {said}; {time.monotonic() - began:.0f} s")
    return 1 if short else 0


def chosen_of(items: Iterable[str], named: str | None) -> list[str]:
    """What a name stands for: one item, or one that has parts (2 for 2a, 2b …); without a name all."""
    return [each for each in items if not named or named in (each, each.rstrip(ascii_lowercase))]


def measured(item: str, measure: Callable[[], Iterator[Line]], kept: Kept, *, again: bool) -> list[Line]:
    """The item's lines: kept ones if all were good, else measured now; one that breaks off ends with a line that is short."""
    known = None if again else kept.read(item)
    if known is not None:
        print(f"item {item}: measured before (FRESH=1 measures again)", flush=True)
        return known
    print(f"item {item}: {measure.__doc__}", flush=True)
    lines: list[Line] = []
    try:
        for line in measure():
            lines.append(line)
            print(table(item, [line]), flush=True)
    except Exception as error:  # the outermost loop: one item that breaks is short, and the others are still measured
        traceback.print_exc()
        lines.append(Line(f"broke off: {type(error).__name__}: {' '.join(str(error).split())[:200]}", "", "", False))
    kept.write(item, lines)
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify", description=__doc__)
    parser.add_argument("what", choices=tuple(_ITEMS))
    parser.add_argument("--item", metavar="N", help="only this one, measured anew; or its parts (2: 2a, 2b …)")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    return parser


if __name__ == "__main__":
    sys.exit(main())
