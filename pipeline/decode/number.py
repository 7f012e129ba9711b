"""Exact micro-units of JSON numbers: the shortest decimal text, rounded half-even to six places."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np

from pipeline.model.counter import NO_NUMBER

NUMBER_MAX = 10**12  # beyond it a number is not summed
_EXACT_MAX = 10**15  # two decimals of at most 15 digits never share a double
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal("0.000001")


def to_micro(number: object) -> int | None:
    """Micro-units of a JSON number (or Decimal); None for anything else (strings and booleans too) and beyond ±10^12."""
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        return None
    if not -NUMBER_MAX <= number <= NUMBER_MAX:  # also NaN
        return None
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    return int(exact.quantize(_PLACES, context=_CONTEXT).scaleb(6))


def to_micros(numbers: Sequence[object]) -> np.ndarray:
    """`to_micro` of a list as int64, NO_NUMBER for None. The list holds int, float, Decimal and None only."""
    try:
        floats = np.array(numbers, dtype=np.float64)
    except OverflowError:  # an integer beyond the doubles
        floats = np.full(len(numbers), np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        micros = np.rint(floats * 1e6)
        sure = (np.abs(micros) < _EXACT_MAX) & (micros / 1e6 == floats)
        result = np.where(sure, micros, 0).astype(np.int64)
    result[~sure] = NO_NUMBER
    for i in np.flatnonzero(~sure).tolist():
        if numbers[i] is not None:
            micro = to_micro(numbers[i])
            result[i] = NO_NUMBER if micro is None else micro
    return result


def sum_through(value: object, rest: tuple[str, ...]) -> Decimal | None:
    """The numbers at path `rest` below `value`, added up over arrays on the way; None where there is no number at all.

    Elements without a number add nothing. Each number is rounded before it is added, so that order can't matter.
    """
    total: int | None = None
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        at, depth = pending.pop()
        if depth == len(rest):
            micro = to_micro(at)
            if micro is not None:
                total = micro + (total or 0)
        elif isinstance(at, list):
            if rest[depth].isascii() and rest[depth].isdecimal():
                index = int(rest[depth]) if len(rest[depth]) < 10 else len(at)
                if index < len(at):
                    pending.append((at[index], depth + 1))
            else:
                pending.extend((element, depth) for element in at)
        elif isinstance(at, dict) and rest[depth] in at:
            pending.append((at[rest[depth]], depth + 1))
    return None if total is None else Decimal(total).scaleb(-6)
