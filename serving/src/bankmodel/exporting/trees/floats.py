"""Floats as integers in the same order: neighbours differ by one, so a boundary is found by bisection. Pure."""

import numpy as np

__all__ = ["around", "float_at", "highest", "lowest", "rank_of"]

_SIGN = {np.dtype(np.float32): (np.int32, 0x7FFFFFFF), np.dtype(np.float64): (np.int64, 0x7FFFFFFFFFFFFFFF)}


def rank_of(values: np.ndarray) -> np.ndarray:
    """The rank of each finite float32 or float64 among its kind; zero, of either sign, has rank 0."""
    kind, magnitude = _SIGN[values.dtype]
    bits = values.view(kind).astype(np.int64)
    ranks: np.ndarray = np.where(bits < 0, -(bits & magnitude), bits)
    return ranks


def float_at(ranks: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The float of each rank: `rank_of` backwards."""
    kind, _ = _SIGN[dtype]
    sizes = np.abs(ranks).astype(kind).view(dtype)
    values: np.ndarray = np.where(ranks < 0, -sizes, sizes)
    return values


def lowest(dtype: np.dtype) -> int:
    """The rank of the smallest finite float."""
    return -highest(dtype)


def highest(dtype: np.dtype) -> int:
    """The rank of the largest finite float."""
    return int(rank_of(np.array([np.finfo(dtype).max], dtype))[0])


def around(values: np.ndarray, dtype: np.dtype, reach: int = 1) -> np.ndarray:
    """Ranks of the values, rounded to `dtype`, and of their neighbours on both sides; each once, in order."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(values).astype(dtype)
    centres = rank_of(rounded[np.isfinite(rounded)])
    ranks = centres[:, None] + np.arange(-reach, reach + 1)
    return np.unique(np.clip(ranks, lowest(dtype), highest(dtype)))
