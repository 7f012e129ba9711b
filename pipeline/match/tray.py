"""Where matchers lay down the hits of the block in work: parallel lists, turned into arrays when the block is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.model.hit import Kind


@dataclass(slots=True)
class Tray:
    """Hits of one block, in the order they were found. `forget`: what was filled for this block only."""

    rows: list[int] = field(default_factory=list)  # the event's row in the block
    account: list[int] = field(default_factory=list)  # its index in the snapshot
    kind: list[int] = field(default_factory=list)  # index in `kinds`
    visitor: list[int] = field(default_factory=list)  # 0: none
    message: list[str | None] = field(default_factory=list)  # None: the source's own id
    values: list[object] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    forget: list[Callable[[], None]] = field(default_factory=list)

    def clear(self) -> None:
        """Make room for the next block; the lists stay the same objects, generated code holds on to them."""
        for part in (self.rows, self.account, self.kind, self.visitor, self.message, self.values, self.kinds):
            part.clear()
        for forget in self.forget:
            forget()
        self.forget.clear()
