"""Grouping of integer codes: what `numpy.unique` gives, without its sort where the codes lie close together."""

from __future__ import annotations

import numpy as np

_SPREAD_MAX = 16  # codes per element up to which a table of all codes is cheaper than a sort
_SMALL = 4096  # a table of so many entries is always cheap


def group(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distinct codes, ascending; for each element the index of its code). codes: int64."""
    if not len(codes):
        return codes, codes
    low, high = int(codes.min()), int(codes.max())
    span = high - low + 1
    if span > _SPREAD_MAX * len(codes) + _SMALL:
        distinct, inverse = np.unique(codes, return_inverse=True)
        return distinct, inverse.ravel()
    shifted = codes - low
    present = np.zeros(span, dtype=bool)
    present[shifted] = True
    distinct = np.flatnonzero(present)
    rank = np.empty(span, dtype=np.int64)
    rank[distinct] = np.arange(len(distinct))
    return distinct + low, rank[shifted]


def group_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs, ordered by `first`, then `second`: (first, second, for each element the index of its pair)."""
    if not len(first):
        return first, second, first
    low = int(second.min())
    span = int(second.max()) - low + 1
    codes, inverse = group(first.astype(np.int64) * span + (second - low))
    firsts, rest = np.divmod(codes, span)
    return firsts, rest + low, inverse
