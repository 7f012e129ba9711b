"""Gathers the hits of an input as columns: what an event matched, whose it is, when it was, what it carries.

An event costs some tens of bytes here and stays until all are read, since only all of them together tell which is a
visitor's first. Decode and match do the judging; of what comes behind them nothing is used.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.model.hit import Combo, HitBlock, split_by
from pipeline.model.judged import REJECTED, Judged

_COLUMNS = {"visitor": "<u8", "message": "<u8", "time": "<i8", "when": "<i4", "flags": "u1", "combo": "<u4"}


class Kind(NamedTuple):
    """Series of one kind: an account's metric (index in `Judged.metrics`) and breakdown (0: none)."""

    account: str
    metric: int
    breakdown: int


class Names:
    """Numbers that stand for values of breakdowns, the same from one pass over the input to the next."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        """The number of a value, new where it is."""
        found = self._numbers.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


class MessageIds:
    """Texts one behind the other in one piece of memory."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("q", [0])

    def add(self, texts: Iterable[str]) -> None:
        """Behind those there are."""
        for text in texts:
            self._bytes += text.encode("utf-8", "surrogatepass")
            self._ends.append(len(self._bytes))

    def __getitem__(self, i: int) -> bytes:
        """UTF-8, which is ordered as the texts are."""
        return bytes(self._bytes[self._ends[i] : self._ends[i + 1]])


class Combos:
    """What hits have in common, block by block: parallel arrays, and one entry for each series of a combo."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._account_numbers: dict[str, int] = {}
        self.kinds: dict[Kind, int] = {}
        self.forms: dict[tuple[int, ...], int] = {}  # the fields that hits carry
        self.account, self.form = array("i"), array("i")
        self.valued = array("b")
        self.content = array("q")  # a hash of all a combo stands for
        self.entry_combo, self.entry_kind, self.entry_name = array("i"), array("i"), array("i")

    def __len__(self) -> int:
        return len(self.account)

    @property
    def accounts(self) -> list[str]:
        """The accounts, as they are numbered."""
        return list(self._account_numbers)

    def add(self, account: str, combo: Combo) -> None:
        """One more."""
        number = self._account_numbers.setdefault(account, len(self._account_numbers))
        for metric, breakdown, value in combo.series:
            self.entry_combo.append(len(self))
            self.entry_kind.append(self.kinds.setdefault(Kind(account, metric, breakdown), len(self.kinds)))
            self.entry_name.append(self._names.number(value))
        self.account.append(number)
        self.form.append(self.forms.setdefault(combo.fields, len(self.forms)))
        self.valued.append(combo.valued)
        self.content.append(hash((account, combo.fields, combo.series)))


class Gathered:
    """The hits of one pass, in the order of the input. part, parts: only visitors of this part of all are taken."""

    def __init__(self, judged: Mapping[str, Judged], names: Names, part: int = 0, parts: int = 1) -> None:
        self._judged = judged
        self._part, self._parts = part, parts
        self._columns: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
        self._values: list[np.ndarray] = []
        self.combos = Combos(names)
        self.message_ids = MessageIds()  # of hits whose combo is `valued`, in order

    def add(self, messages: Iterable[bytes]) -> None:
        """Take the hits of a block, as match gives them; rejects are passed over."""
        for message in messages:
            block: HitBlock | None = HitBlock.from_bytes(message)
            if block is not None and self._parts > 1:
                block = split_by((block.visitor % np.uint64(self._parts)).astype(np.int64), block).get(self._part)
            if block is not None and not self._is_of_rejects(block):
                self._add(block)

    def _is_of_rejects(self, block: HitBlock) -> bool:
        """They come in blocks of their own, and count in the builtin metric only."""
        combo = block.combos[0]
        return self._judged[block.accounts[combo.account].account].metrics[combo.series[0].metric].metric == REJECTED

    def _add(self, block: HitBlock) -> None:
        first = len(self.combos)
        for combo in block.combos:
            self.combos.add(block.accounts[combo.account].account, combo)
        for name, kind in _COLUMNS.items():
            column = getattr(block, name)
            self._columns[name].append((column + np.uint32(first) if name == "combo" else column).astype(kind))
        self._values.append(np.array(block.values))
        self.message_ids.add(block.message_ids)

    def column(self, name: str) -> np.ndarray:
        """One of a hit's numbers, for all hits; it is handed over and not kept."""
        return _joined(self._columns.pop(name), _COLUMNS[name])

    def values(self) -> np.ndarray:
        """The numbers that hits carry, one hit behind the other; handed over."""
        parts, self._values = self._values, []
        return _joined(parts, "<i8")


def _joined(parts: Sequence[np.ndarray], kind: str) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=kind), *parts])
