"""Owns what was found of one series over a span: its parts, side by side as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.model.counter import QUALITY, Column
from readers.query.part import Part


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
    cut = [_within(part, first_day * scale, (last_day + 1) * scale) for part in numbers if len(part.ticks)]
    codes: dict[str, int] = {value: code for code, value in enumerate(cut[0].values)} if cut else {}
    coded = []
    for part in cut:
        if part.values == cut[0].values:  # mostly: the same values, in the same order
            coded.append(part.codes)
        else:
            places = np.array([codes.setdefault(value, len(codes)) for value in part.values], dtype=np.int64)
            coded.append(places[part.codes])
    none = np.zeros(0, dtype=np.int64)
    rows = np.concatenate([part.totals for part in cut])[:, : len(cols)] if cut else np.zeros((0, len(cols)), dtype=np.int64)
    ticks = np.concatenate([none, *(part.ticks for part in cut)]) - begin
    found = [_within(part, first_day, last_day + 1).sums for part in days if len(part.ticks)]
    sums = [sum(column) for column in zip([0] * (len(cols) + len(QUALITY)), *found, strict=True)]
    quality = dict(zip(QUALITY, sums[len(cols) :], strict=True))
    return Found(cols, ticks, np.concatenate([none, *coded]), list(codes), rows, quality, sums[0])


def _within(part: Part, start: int, end: int) -> Part:
    """What of a part lies in the ticks from `start` to before `end`."""
    if start <= part.low and part.high < end:
        return part
    low, high = np.searchsorted(part.ticks, (start, end)).tolist()
    totals = part.totals[low:high]
    return replace(
        part, ticks=part.ticks[low:high], codes=part.codes[low:high], totals=totals, sums=totals.sum(axis=0).tolist()
    )
