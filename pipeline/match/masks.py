"""Bits of the terms that a value at one path leaves possible, memoised per value.

A term is a conjunction of clauses. For one path, `PathMasks` knows which terms fail for a value; and-ing the masks of
all paths leaves the terms that hold. The work per event is one look-up per path, however many metrics there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.match.memos import Memos
from pipeline.match.node import Clause, Test

MEMO_CHARS_MAX = 512  # longer texts are judged each time


class PathMasks:
    """The clauses on one path. `full` has a bit for every term in question, with or without a clause here."""

    def __init__(self, full: int, clauses: Iterable[tuple[Clause, int]], memos: Memos) -> None:
        bits: dict[Clause, int] = {}
        for clause, term in clauses:
            bits[clause] = bits.get(clause, 0) | term
        self._full = full
        self._memos = memos
        self.asking = 0  # the terms with a clause here
        for term_bits in bits.values():
            self.asking |= term_bits
        self._clauses = [(clause.test, term_bits) for clause, term_bits in bits.items()]
        self.texts: dict[str, int] = {}
        self._numbers: dict[int | float, int] = {}
        self._index_texts(bits)
        self.none = self._judge(None, self._full, self._clauses)  # what an absent value leaves possible

    def _index_texts(self, bits: dict[Clause, int]) -> None:
        """Clauses that ask for certain texts are looked up by text, one such clause for each term."""
        self._by_text: dict[str, int] = {}
        self._unless_text = self._full  # what a text leaves possible that no such clause asks for
        self._text_clauses = []
        for clause, term_bits in bits.items():
            if clause.strings is None or term_bits & ~self._unless_text:
                self._text_clauses.append((clause.test, term_bits))
                continue
            self._unless_text &= ~term_bits
            for text in clause.strings:
                self._by_text[text] = self._by_text.get(text, 0) | term_bits

    @staticmethod
    def _judge(value: Any, mask: int, clauses: list[tuple[Test, int]]) -> int:
        for test, bits in clauses:
            if mask & bits and not test(value):
                mask &= ~bits
        return mask

    def of_text(self, value: str) -> int:
        """The mask of a text that isn't in `texts`."""
        mask = self._judge(value, self._unless_text | self._by_text.get(value, 0), self._text_clauses)
        if len(value) <= MEMO_CHARS_MAX:
            self._memos.put(self.texts, value, mask)
        return mask

    def of_other(self, value: Any) -> int:
        """The mask of anything but a text. Numbers are memoised apart from booleans, which are equal to some."""
        if value is None:
            return self.none
        if value.__class__ is not float and value.__class__ is not int:
            return self._judge(value, self._full, self._clauses)
        mask = self._numbers.get(value)
        if mask is None:
            mask = self._judge(value, self._full, self._clauses)
            self._memos.put(self._numbers, value, mask)
        return mask
