"""`make verify-rollout`: what is promised of a rollout, an item each. An item is one function in a file of its own."""

from verify.rollout_bad import item_7
from verify.rollout_core import item_1
from verify.rollout_cost import item_8
from verify.rollout_faults import item_4
from verify.rollout_gitops import item_6
from verify.rollout_load import item_3
from verify.rollout_many import item_5
from verify.rollout_wire import item_2a, item_2b, item_2c, item_2d, item_2e

__all__ = ["ROLLOUT"]

ROLLOUT = {
    "1": item_1,
    "2a": item_2a,
    "2b": item_2b,
    "2c": item_2c,
    "2d": item_2d,
    "2e": item_2e,
    "3": item_3,
    "4": item_4,
    "5": item_5,
    "6": item_6,
    "7": item_7,
    "8": item_8,
}
