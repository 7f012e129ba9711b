"""Owns how complaints about a document are gathered, and the place that each of them names."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pipeline.model.definition import DefinitionError, Groups, Where

_QUOTED_CHARS_MAX = 60
_QUOTED_BITS_MAX = 3 * _QUOTED_CHARS_MAX


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document, and the list in which complaints about the whole document gather.

    `label` names a definition, as in `metrics[2] (big_orders)`; `path` leads on from there, and so do its `parts`.
    """

    found: list[DefinitionError]
    label: str = ""
    path: str = ""
    parts: tuple[str, ...] = ()

    def at(self, part: str) -> Place:
        """The place of a key, or of an index such as `[2]`, inside this one."""
        shown = part if part.isprintable() and len(part) <= _QUOTED_CHARS_MAX else quoted(part)
        joint = "." if self.path and shown and not shown.startswith("[") else ""
        return Place(self.found, self.label, f"{self.path}{joint}{shown}", (*self.parts, part))

    def refuse(self, message: str) -> None:
        """Notes what is wrong here and the cure."""
        self.found.append(DefinitionError(str(self), message, self.parts))

    def __str__(self) -> str:
        return ": ".join(part for part in (self.label, self.path) if part)


def quoted(value: object) -> str:
    """A value as a complaint shows it: on one line, cut short. What a list or object holds may be huge."""
    if isinstance(value, str):
        shown = value[:_QUOTED_CHARS_MAX] + "…" if len(value) > _QUOTED_CHARS_MAX else value
        return json.dumps(shown, ensure_ascii=not shown.isprintable())
    if isinstance(value, Mapping):
        return "an object" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "[]"
    if isinstance(value, int) and value.bit_length() > _QUOTED_BITS_MAX:
        return "a huge number"
    return json.dumps(value) if value is None or isinstance(value, (int, float)) else f"a {type(value).__name__}"


CheckWhere = Callable[[Where, Groups, Place], Collection[str]]
"""Complains at the place about a bad condition, or else gives the names of the groups that it refers to."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How documents are judged. Not strict, unknown keys of a metric or of settings are somebody's notes."""

    check_where: CheckWhere
    strict: bool
