"""Owns the numbers of a measure: many totals at once, as `counter.measure_value` has one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from pipeline.model.counter import LIMB_BITS, NO_MAX, NO_MIN, Column, divide_half_even, from_micro, join_limbs
from pipeline.model.definition import Measure
from pipeline.model.layout import MICRO

Number = int | Decimal | None
# Doubles within these bounds (0.0001 to 10^9, in millionths) are written as the very decimals they come from.
LEAST_MICRO, MOST_MICRO = 100, 10**15


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


def json_values(cols: tuple[Column, ...], totals: np.ndarray, measure: Measure) -> list[Any]:
    """The same for orjson, whose texts of them are those of `json_number`."""
    if measure.aggregate == "sum":
        hi, lo = (
            [totals[:, i] for i, c in enumerate(cols) if (c.measure, c.part) == (measure.name, part)]
            for part in ("hi", "lo")
        )
        micros = (hi[0] << LIMB_BITS) + lo[0]
        sizes = np.abs(micros)
        plain = (np.abs(hi[0]) < MOST_MICRO >> LIMB_BITS) & ((sizes >= LEAST_MICRO) | (micros == 0)) & (sizes < MOST_MICRO)
        if plain.all():
            return [micro / MICRO if micro % MICRO else micro // MICRO for micro in micros.tolist()]
    numbers = measure_values(cols, totals, measure)
    return numbers if measure.aggregate == "count" else [json_number(number) for number in numbers]


def json_number(number: str | Number) -> Any:
    """For orjson: all decimals and no exponent."""
    return orjson.Fragment(number_text(number)) if isinstance(number, Decimal) else number


def number_text(number: Decimal) -> str:
    """All decimals and no exponent: what a reader of any language takes as it is."""
    return format(number, "f")
