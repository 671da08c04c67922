"""A fitted CalibratedClassifierCV as plain arrays: what its members' scores are mapped by. Pure."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Calibration", "Lines", "Sigmoids", "Temperatures"]


@dataclass(frozen=True)
class Sigmoids:
    """For each column of scores T a sigmoid of -(slope * T + intercept)."""

    slopes: np.ndarray
    intercepts: np.ndarray


@dataclass(frozen=True)
class Lines:
    """For each column of scores a line through points, told by their places and heights; level beyond its ends."""

    points: tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True)
class Temperatures:
    """For each member the factor of its logits."""

    factors: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """How many members there are, and what is done with their scores, which stand side by side, before they are averaged.

    `reads_sums`: mapped is what the trees sum up (scikit-learn's decision_function), else the probability.
    """

    members: int
    reads_sums: bool
    by: Sigmoids | Lines | Temperatures
