"""The tree of a parsed condition: clauses under AND and OR. Negations were pushed down to the clauses when parsing.

Owns the tree and its plain evaluation; knows neither operators nor how conditions are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[Any], bool]
_SOURCE_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Clause:
    """One test of the value at one path. Equal when path, operator, operand and negation are: so clauses can be shared.

    `test` takes the value at the path (None when absent) and never raises. `identity` is the operand as canonical JSON,
    with a digest of the groups it names. `operator` is "=" for `{path: value}`. Not picklable: compile where used.
    """

    path: tuple[str, ...]
    operator: str
    identity: str
    negated: bool
    test: Test = field(compare=False, repr=False)
    operand: Any = field(compare=False, repr=False)
    place: str = field(compare=False, repr=False)

    @property
    def source(self) -> str:
        """For people: `properties.total $gte 499`, `not event = "Viewed"`."""
        operand = json.dumps(self.operand, ensure_ascii=False, sort_keys=True)
        operand = operand if len(operand) <= _SOURCE_CHARS_MAX else f"{operand[: _SOURCE_CHARS_MAX - 1]}…"
        return f"{'not ' if self.negated else ''}{'.'.join(self.path)} {self.operator} {operand}"

    @property
    def strings(self) -> frozenset[str] | None:
        """The texts for which it holds, when for a text that is all it asks: to look events up by name."""
        if self.negated:
            return None
        if self.operator in ("=", "$eq") and isinstance(self.operand, str):
            return frozenset((self.operand,))
        if self.operator == "$in":
            return frozenset(member for member in self.operand if isinstance(member, str))
        return None

    def negate(self) -> Clause:
        """The exact complement: for every value, one of the two holds."""
        test = self.test.test if isinstance(self.test, _Complement) else _Complement(self.test)
        return replace(self, negated=not self.negated, test=test)


@dataclass(frozen=True, slots=True)
class _Complement:
    test: Test

    def __call__(self, value: Any) -> bool:
        return not self.test(value)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every child does; without children: always."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when a child does; without children: never."""

    children: tuple[Node, ...]


Node: TypeAlias = "Clause | AllOf | AnyOf"


def negate(node: Node) -> Node:
    """The complement, with the negation at the clauses (De Morgan)."""
    if isinstance(node, Clause):
        return node.negate()
    children = tuple(map(negate, node.children))
    return AnyOf(children) if isinstance(node, AllOf) else AllOf(children)


def node_test(node: Node, value_at: Callable[[tuple[str, ...]], Any]) -> bool:
    """Whether the condition holds for the event that `value_at` reads: the plain twin of every faster way."""
    if isinstance(node, Clause):
        return node.test(value_at(node.path))
    held = (node_test(child, value_at) for child in node.children)
    return all(held) if isinstance(node, AllOf) else any(held)


def clauses_of(node: Node) -> Iterator[Clause]:
    """Every clause, in the order in which the condition names them; a repeated one repeatedly."""
    if isinstance(node, Clause):
        yield node
        return
    for child in node.children:
        yield from clauses_of(child)
