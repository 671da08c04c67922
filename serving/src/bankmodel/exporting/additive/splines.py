"""SplineTransformer as a sum of what the spline gains on each piece between two knots, up to the number at hand.

On a piece it is a polynomial of a number between 0 and 1, where double precision loses nothing. Powers and hinges of the
number itself would be fewer, but with knots at quantiles of skewed amounts they lost 11 digits.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np

from bankmodel.exporting.additive.features import Curve, Feature, Kind, Operation, Stepped
from bankmodel.exporting.trees.ensemble import NotFoldable

__all__ = ["splines"]


def splines(step: Any, place: int, feature: Feature) -> Iterator[Feature]:
    """The features that SplineTransformer makes of the one at `place`."""
    spline = step.bsplines_[place]
    kept = spline.c.shape[1] - (not step.include_bias)
    if isinstance(feature, Stepped):
        yield from (Stepped(feature.column, feature.marks, is_raw=False) for _ in range(kept))
        return
    degree = spline.k
    knots = spline.t[degree : len(spline.t) - degree]
    # Below degree 2 scikit-learn begins the linear ends of every column but the first at another knot
    least = 2 if step.extrapolation == "linear" else 1
    if step.extrapolation == "periodic" or (np.diff(knots) <= 0).any() or degree < least:
        raise NotFoldable(f"SplineTransformer of degree {degree} ({step.extrapolation}) and its knots are not read")
    curves, weights = _basis(spline, knots.tolist(), feature.curve(step), step.extrapolation)
    for start, row in zip(spline(knots[0])[:kept], weights, strict=False):
        terms = tuple((float(weight), curve) for weight, curve in zip(row, curves, strict=True) if weight)
        yield replace(feature, constant=float(start), terms=terms)


def _basis(spline: Any, knots: list[float], curve: Curve, extrapolation: str) -> tuple[list[Curve], np.ndarray]:
    """Curves, and how much of each is in each spline, without its value at the first knot."""
    low, high = knots[0], knots[-1]
    is_open = extrapolation not in ("constant", "linear")
    curves, weights = [], []
    for start, end in pairwise(knots):
        ends = (-np.inf if is_open and start == low else start, np.inf if is_open and end == high else end)
        width = end - start
        within = curve.then(Operation(Kind.CLIP, ends), Operation(Kind.AFFINE, (1 / width, -start / width)))
        for power in range(1, spline.k + 1):
            curves.append(within if power == 1 else within.then(Operation(Kind.POWER, (float(power),))))
            weights.append(spline(start, nu=power) * width**power / factorial(power))
    if extrapolation == "linear":
        for end, beyond in ((low, (-np.inf, low)), (high, (high, np.inf))):
            curves.append(curve.then(Operation(Kind.CLIP, beyond), Operation(Kind.AFFINE, (1.0, -end))))
            weights.append(spline(end, nu=1))
    return curves, np.stack(weights, axis=1)
