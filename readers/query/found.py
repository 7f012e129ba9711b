"""Owns cells that were read, as arrays: what is added up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, QUALITY, Column


@dataclass(slots=True)
class Found:
    """Cells of one series over a span. The i-th has the rows `blocks[i]` (ticks x columns) of the value `values[i]`,
    one for each tick from `starts[i]` on. `days`: the cells of whole days without breakdown.
    """

    cols: tuple[Column, ...]
    starts: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    blocks: list[np.ndarray] = field(default_factory=list)
    days: list[np.ndarray] = field(default_factory=list)

    def add(self, start: int, value: str, block: np.ndarray) -> None:
        self.starts.append(start)
        self.values.append(value)
        self.blocks.append(block)

    def lengths(self) -> np.ndarray:
        """How many rows each cell has."""
        return np.array([len(block) for block in self.blocks], dtype=np.int64)

    def ticks(self) -> np.ndarray:
        """The tick (day, or day x 48 + hour) of each row."""
        lengths = self.lengths()
        firsts = np.repeat(lengths.cumsum() - lengths, lengths)
        return np.repeat(np.array(self.starts, dtype=np.int64), lengths) + np.arange(len(firsts)) - firsts

    def matrix(self) -> np.ndarray:
        """All rows as one array (rows, columns), with limbs carried so that no sum of them can overflow."""
        if not self.blocks:
            return np.zeros((0, len(self.cols)), dtype=np.int64)
        matrix = np.concatenate(self.blocks)[:, : len(self.cols)]
        for i, column in enumerate(self.cols):
            if column.part == "hi":
                matrix[:, i] += matrix[:, i + 1] >> LIMB_BITS
                matrix[:, i + 1] &= LIMB_MASK
        return matrix

    def quality(self) -> dict[str, int]:
        """The sums of `counter.QUALITY`."""
        sums = np.array(self.days)[:, len(self.cols) :].sum(axis=0).tolist() if self.days else []
        return {**dict.fromkeys(QUALITY, 0), **dict(zip(QUALITY, sums, strict=False))}

    def first_count(self) -> int:
        """The sum of the first column over all days."""
        return sum(int(totals[0]) for totals in self.days)
