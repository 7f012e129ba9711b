"""The part of an event that the definitions refer to, as generated structs: only these fields are decoded.

A path's parts become nested structs as far as they are surely objects; from there on the value is decoded whole and
walked. Below `properties` values are decoded whole, since arrays (of products, say) are common there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from pipeline.model.event import ENVELOPE
from pipeline.model.rejects import RAW_FIELDS

Path = tuple[str, ...]


class Leaf(NamedTuple):
    """Where a path's value is found in the struct: attributes to follow, then keys to walk."""

    attributes: tuple[str, ...]
    rest: Path


class Shape:
    """Decodes events into structs that hold the envelope and the given paths; absent values and nulls are None.

    What may be a rejects record is refused: it has one of the fields that hold what was rejected.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        tree: dict[str, Any] = {}
        for path in sorted({*((name,) for name in ENVELOPE), *paths}, key=lambda p: (len(p), p)):
            _plant(tree, path)
        for name in RAW_FIELDS:
            tree[name] = None
        self._tree = tree
        self._struct = _struct("Event", tree, 0)
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(self._struct).decode

    def leaf(self, path: Path) -> Leaf:
        """Where `path` is found. It must be one of the envelope or of the paths given."""
        attributes: list[str] = []
        level: Any = self._tree
        for depth, part in enumerate(path):
            attributes.append(_attribute(depth, list(level).index(part), part))
            level = level[part]
            if level is None:
                return Leaf(tuple(attributes), path[depth + 1 :])
        raise KeyError(path)

    def build(self, event: dict[str, Any]) -> Any:
        """The same struct from a decoded event, for records whose shape the decoder refuses."""
        return _build(self._struct, self._tree, event, 0)


def _plant(tree: dict[str, Any], path: Path) -> None:
    """Grow the tree by a path; shorter paths came first, so a leaf on the way holds all below it."""
    level = tree
    for depth, part in enumerate(path):
        if part in level and level[part] is None:
            return
        whole = depth == len(path) - 1 or (depth == 1 and path[0] == "properties")
        if whole or path[depth + 1].isdecimal() or any(p.isdecimal() for p in path[depth + 1 :]):
            level[part] = None
            return
        level = level.setdefault(part, {})


def _attribute(depth: int, index: int, part: str) -> str:
    """The envelope keeps its names; other names come from clients and never become Python names."""
    return part if depth == 0 and part in ENVELOPE else f"f{index}"


def _struct(name: str, tree: dict[str, Any], depth: int) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for i, (part, below) in enumerate(tree.items()):
        attribute = _attribute(depth, i, part)
        leaf = None if depth == 0 and part in RAW_FIELDS else Any
        fields.append((attribute, leaf if below is None else _struct(f"{name}{i}", below, depth + 1) | None, None))
        rename[attribute] = part
    return msgspec.defstruct(name, fields, rename=rename, gc=False)


def _build(struct: Any, tree: dict[str, Any], value: dict[str, Any], depth: int) -> Any:
    made = struct()
    for i, (part, below) in enumerate(tree.items()):
        attribute, found = _attribute(depth, i, part), value.get(part)
        if below is None:
            setattr(made, attribute, found)
        elif isinstance(found, dict):
            inner = next(t for t in struct.__annotations__[attribute].__args__ if t is not type(None))
            setattr(made, attribute, _build(inner, below, found, depth + 1))
    return made
