"""Owns what was found of one series over a span: its parts, side by side as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.model.counter import QUALITY, Column
from readers.query.part import Part

ALL = slice(None)


@dataclass(slots=True)
class Found:
    """Rows of totals: the i-th is at tick `ticks[i]` of the span and of the value `names[codes[i]]`; totals: int64,
    (rows, columns). quality, first_count: sums over the days of the span, without breakdown.
    """

    cols: tuple[Column, ...]
    ticks: np.ndarray
    codes: np.ndarray
    names: list[str]
    totals: np.ndarray
    quality: dict[str, int]
    first_count: int


def gather(
    cols: tuple[Column, ...], numbers: list[Part], days: list[Part], begin: int, first_day: int, last_day: int
) -> Found:
    """From parts that may reach beyond the span. numbers: what is added up, its ticks counted from `begin`; days: those
    of the days without breakdown. first_day, last_day: the span, as ordinals.
    """
    scale = begin // first_day
    cut = [(part, _within(part, first_day * scale, (last_day + 1) * scale)) for part in numbers if len(part.ticks)]
    values = cut[0][0].values if cut else ()
    codes: dict[str, int] = {value: code for code, value in enumerate(values)}
    coded = []
    for part, at in cut:
        if part.values == values:  # mostly: the same values, in the same order
            coded.append(part.codes[at])
        else:
            places = np.array([codes.setdefault(value, len(codes)) for value in part.values], dtype=np.int64)
            coded.append(places[part.codes[at]])
    none = np.zeros(0, dtype=np.int64)
    rows = [np.zeros((0, len(cols)), dtype=np.int64), *(part.totals[at, : len(cols)] for part, at in cut)]
    ticks = np.concatenate([none, *(part.ticks[at] for part, at in cut)]) - begin
    sums = _sums([0] * (len(cols) + len(QUALITY)), days, first_day, last_day)
    quality = dict(zip(QUALITY, sums[len(cols) :], strict=True))
    return Found(cols, ticks, np.concatenate([none, *coded]), list(codes), np.concatenate(rows), quality, sums[0])


def _sums(nothing: list[int], days: list[Part], first: int, last: int) -> list[int]:
    """Of each column, over the days of a span."""
    found = [nothing]
    for part in days:
        at = _within(part, first, last + 1)
        found.append(part.sums if at == ALL else part.totals[at].sum(axis=0).tolist())
    return [sum(column) for column in zip(*found, strict=True)]


def _within(part: Part, start: int, end: int) -> slice:
    """Where the ticks of a part are that lie in `start` to before `end`."""
    if start <= part.low and part.high < end:
        return ALL
    return slice(*np.searchsorted(part.ticks, (start, end)).tolist())
