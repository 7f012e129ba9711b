"""Owns the numbers of a measure: many totals at once, as `counter.measure_value` has one."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from pipeline.model.counter import NO_MAX, NO_MIN, Column, divide_half_even, from_micro, join_limbs
from pipeline.model.definition import Measure

Number = int | Decimal | None


def measure_values(cols: tuple[Column, ...], totals: np.ndarray, measure: Measure) -> list[Number]:
    """The numbers of a measure. totals: int64, (rows, columns)."""
    part = {column.part: totals[:, i].tolist() for i, column in enumerate(cols) if column.measure == measure.name}
    if measure.aggregate == "count":
        return part["n"]
    if measure.aggregate in ("min", "max"):
        return [None if micro in (NO_MIN, NO_MAX) else from_micro(micro) for micro in part[measure.aggregate]]
    micros = map(join_limbs, part["hi"], part["lo"])
    if measure.aggregate == "sum":
        return [from_micro(micro) for micro in micros]
    means = zip(micros, part["n"], strict=True)
    return [from_micro(divide_half_even(micro, number)) if number else None for micro, number in means]
