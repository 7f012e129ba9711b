"""From a condition as written to the tree: every key checked, nothing tolerated that GrowthBook only lets pass.

Owns paths and logic; what stands behind a path is `values`'. Bounds are checked first (`shape`), so that recursion is
as deep as a condition may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.match.errors import ConditionError, below
from pipeline.match.names import LOGIC, holds_operators, split_path
from pipeline.match.node import AllOf, AnyOf, Clause, Node, Test, negate, node_test
from pipeline.match.path import value_at
from pipeline.match.shape import check_shape
from pipeline.match.values import ValueParser


def parse_condition(condition: object, groups: Mapping[str, list[Any]] | None = None) -> Node:
    """The tree of a condition; `groups` are the account's, by name. Raises ConditionError at the first problem."""
    check_shape(condition)
    return _Parser(groups or {}).condition(condition, "")


def compile_condition(condition: object, groups: Mapping[str, list[Any]] | None = None) -> Callable[[dict[str, Any]], bool]:
    """A function that says whether an event meets the condition, and never raises. Raises ConditionError."""
    return _event_test(parse_condition(condition, groups))


def _event_test(node: Node) -> Test:
    return lambda event: node_test(node, lambda path: value_at(event, path))


class _Parser:
    def __init__(self, groups: Mapping[str, list[Any]]) -> None:
        self._values = ValueParser(groups, lambda condition, place: _event_test(self.condition(condition, place)))

    def condition(self, condition: Any, place: str) -> Node:
        """A condition on an event, or on an element of a list: keys are paths or logic, all of which must hold."""
        if not isinstance(condition, dict):
            raise ConditionError(place, 'must be an object such as {"event": "Order Completed"}')
        return _all_of([self._part(key, operand, below(place, key)) for key, operand in condition.items()])

    def _part(self, key: str, operand: Any, place: str) -> Node:
        if key == "$not":
            return negate(self.condition(operand, place))
        if key in LOGIC:
            return self._list_logic(key, operand, place)
        return self._at_path(split_path(key, place), operand, place)

    def _list_logic(self, key: str, operand: Any, place: str) -> Node:
        if not isinstance(operand, list):
            raise ConditionError(place, "must be a list of conditions; put it in [ ]")
        children = tuple(self.condition(child, below(place, index)) for index, child in enumerate(operand))
        if key == "$and" or not children:  # an empty $or holds: GrowthBook's cases have it so
            return AllOf(children) if key != "$nor" else AnyOf(())
        return AnyOf(children) if key == "$or" else negate(AnyOf(children))

    def _at_path(self, path: tuple[str, ...], operand: Any, place: str) -> Node:
        if not holds_operators(operand, place):
            return self._clause(path, "=", operand, self._values.implicit_test(operand, place), place)
        return _all_of([self._operator(path, op, inner, below(place, op)) for op, inner in operand.items()])

    def _operator(self, path: tuple[str, ...], operator: str, operand: Any, place: str) -> Clause:
        return self._clause(path, operator, operand, self._values.operator_test(operator, operand, place), place)

    def _clause(self, path: tuple[str, ...], operator: str, operand: Any, test: Test, place: str) -> Clause:
        return Clause(path, operator, self._values.identity(operator, operand), False, test, operand, place)


def _all_of(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
