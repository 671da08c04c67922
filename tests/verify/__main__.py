"""`make verify-operator`: measures what the README promises of the operator, a line per item.

`python -m verify operator [--item N] [--fresh]` (with PYTHONPATH=tests). An item that was good is not measured again until
--fresh; exit code 1 when one is short. docs/verification.md says what each item does.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator

from system.place import CHECKOUT
from verify import on_api_server, on_cluster
from verify.lines import Kept, Line, table
from verify.stages import place

__all__ = ["main"]

_ITEMS: dict[str, Callable[[], Iterator[Line]]] = {
    "2": on_cluster.item_2,
    "3": on_api_server.item_3,
    "4": on_cluster.item_4,
    "5": on_cluster.item_5,
    "6": on_cluster.item_6,
    "7": on_cluster.item_7,
}
_KEPT = Kept(CHECKOUT / "build" / "verify-operator")


def main() -> int:
    """Measure what is asked for and what is not known yet; 1 when something is short."""
    given = _parser().parse_args()
    if given.fresh:
        _KEPT.forget()
    chosen = [given.item] if given.item else list(_ITEMS)
    began = time.monotonic()
    try:
        results = {item: _measured(item, again=bool(given.item)) for item in chosen}
    finally:
        if place.cache_info().currsize and not os.environ.get("BANKMODEL_KEEP_CLUSTER"):
            place().command("down")
    print("\n" + "\n".join(table(item, lines) for item, lines in results.items()))
    short = [item for item, lines in results.items() if not all(line.is_ok for line in lines)]
    said = f"short: item {', '.join(short)}" if short else "all ok"
    print(f"\nverify-operator: {said}; {time.monotonic() - began:.0f} s")
    return 1 if short else 0


def _measured(item: str, *, again: bool) -> list[Line]:
    kept = None if again else _KEPT.read(item)
    if kept is not None:
        print(f"item {item}: measured before (FRESH=1 measures again)", flush=True)
        return kept
    print(f"item {item}: {_ITEMS[item].__doc__}", flush=True)
    lines: list[Line] = []
    try:
        for line in _ITEMS[item]():
            lines.append(line)
            print(table(item, [line]), flush=True)
    except Exception as error:  # the outermost loop: one item that breaks is short, and the others are still measured
        traceback.print_exc()
        lines.append(Line(f"broke off: {type(error).__name__}: {str(error)[:200]}", "", "", False))
    _KEPT.write(item, lines)
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify", description=__doc__)
    parser.add_argument("what", choices=("operator",))
    parser.add_argument("--item", choices=tuple(_ITEMS), help="only this one, measured anew")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    return parser


if __name__ == "__main__":
    sys.exit(main())
