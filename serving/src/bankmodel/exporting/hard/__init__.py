"""Rows made to hurt a model: on and beside every threshold, missing, unknown, extreme; and what came of scoring them twice.

A sample says how a model does on customers as they were. These say how it does where two implementations part, if they do.
"""

from bankmodel.exporting.hard.pools import Pool, pools_of
from bankmodel.exporting.hard.refusing import Scored, accepted_pools, scored
from bankmodel.exporting.hard.rows import HardRows, hard_rows
from bankmodel.exporting.hard.thresholds import thresholds_behind, thresholds_of

__all__ = [
    "HardRows",
    "Pool",
    "Scored",
    "accepted_pools",
    "hard_rows",
    "pools_of",
    "scored",
    "thresholds_behind",
    "thresholds_of",
]
