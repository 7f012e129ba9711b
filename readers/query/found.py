"""Owns what was found of one series over a span: its parts, side by side as arrays."""

from __future__ import annotations

from dataclasses import dataclass

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
    cut = [(part, slice(*_within(part.ticks, first_day * scale, (last_day + 1) * scale))) for part in numbers]
    codes: dict[str, int] = {value: code for code, value in enumerate(cut[0][0].values)} if cut else {}
    coded = []
    for part, at in cut:
        if part.values == cut[0][0].values:  # mostly: the same values, in the same order
            coded.append(part.codes[at])
        elif part.values:
            places = np.array([codes.setdefault(value, len(codes)) for value in part.values], dtype=np.int64)
            coded.append(places[part.codes[at]])
    none = np.zeros(0, dtype=np.int64)
    rows = [np.zeros((0, len(cols)), dtype=np.int64), *(part.totals[at, : len(cols)] for part, at in cut)]
    sums, firsts = _quality(cols, days, first_day, last_day)
    ticks = np.concatenate([none, *(part.ticks[at] for part, at in cut)]) - begin
    return Found(cols, ticks, np.concatenate([none, *coded]), list(codes), np.concatenate(rows), sums, firsts)


def _within(ticks: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """Where the ticks from `start` to before `end` are."""
    if not len(ticks) or (start <= ticks[0] and ticks[-1] < end):
        return 0, len(ticks)
    low, high = np.searchsorted(ticks, (start, end)).tolist()
    return low, high


def _quality(cols: tuple[Column, ...], days: list[Part], first: int, last: int) -> tuple[dict[str, int], int]:
    sums, count = [0] * len(QUALITY), 0
    for part in days:
        totals = part.totals[slice(*_within(part.ticks, first, last + 1))]
        added = totals.sum(axis=0).tolist()
        sums = [a + b for a, b in zip(sums, added[len(cols) :], strict=True)] if added else sums
        count += added[0]
    return dict(zip(QUALITY, sums, strict=True)), count
