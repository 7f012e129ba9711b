"""Owns the bounds of a YAML text that must hold before anybody composes it: tags, depth, and what aliases stand for."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from pipeline.model.definition_place import quoted
from pipeline.model.limits import DEFINITION_DEPTH_MAX

# A file nests its definitions a few levels deep.
_DEPTH_MAX = DEFINITION_DEPTH_MAX + 8
# What aliases stand for, all counted: a small file could stand for a document without end.
_ALIASED_NODES_MAX = 1_000_000
_PLAIN_TAGS = (None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq")))


def check_events(events: Iterable[yaml.Event]) -> None:
    """Refuses, with a ValueError, what must not reach the composer (it recurses in C without a guard) or who walks what
    it makes.
    """
    nesting = _Nesting()
    for event in events:
        try:
            nesting.take(event)
        except ValueError as error:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ValueError(f"line {line}: {error}") from None


class _Nesting:
    """How deep and how large the document is when every alias is written out. Keeps (nodes, levels) of each anchor."""

    def __init__(self) -> None:
        self._open: list[tuple[str | None, int, int]] = []
        self._known: dict[str, tuple[int, int]] = {}
        self._aliased = 0

    def take(self, event: yaml.Event) -> None:
        """The next event. Raises ValueError for what is refused."""
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag not in _PLAIN_TAGS:
            raise ValueError(f"the tag {quoted(event.tag)} means nothing in JSON; leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, 1, 1))
            if event.anchor:
                self._known.pop(event.anchor, None)
            self._check_levels(0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, nodes, levels = self._open.pop()
            self._add(anchor, nodes, levels)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(event.anchor, 1, 0)
        elif isinstance(event, yaml.AliasEvent):
            self._add_alias(event.anchor or "")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._known.clear()

    def _add_alias(self, name: str) -> None:
        if any(anchor == name for anchor, _, _ in self._open) and name not in self._known:
            raise ValueError(f"the alias {quoted(name)} stands for what it lies in; write it out")
        nodes, levels = self._known.get(name, (1, 0))  # one that is not there is the composer's to refuse
        self._check_levels(levels)
        self._aliased += nodes
        if self._aliased > _ALIASED_NODES_MAX:
            raise ValueError(f"aliases stand for more than {_ALIASED_NODES_MAX:,} values in all; use fewer")
        self._add(None, nodes, levels)

    def _add(self, anchor: str | None, nodes: int, levels: int) -> None:
        if anchor:
            self._known[anchor] = (nodes, levels)
        if self._open:
            outer, size, depth = self._open[-1]
            self._open[-1] = (outer, size + nodes, max(depth, levels + 1))

    def _check_levels(self, more: int) -> None:
        if len(self._open) + more > _DEPTH_MAX:
            raise ValueError(f"nested too deep; at most {_DEPTH_MAX} levels")
