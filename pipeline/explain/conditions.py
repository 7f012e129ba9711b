"""Owns the explanation of a condition: the tree as it is written, what of it holds, and the values that clauses saw.

Every part is judged by parsing it as a condition of its own and evaluating what comes of that: there is one evaluator.
"""

from __future__ import annotations

from typing import Any

from pipeline.definitions.pointer import to_pointer
from pipeline.explain.seen import seen, shown
from pipeline.match import Clause, Node, node_test, parse_condition, value_at
from pipeline.match.names import LOGIC
from pipeline.model.definition import Groups

Keys = tuple[str | int, ...]


class ConditionTree:
    """Conditions of one account, held against one event."""

    def __init__(self, event: Any, groups: Groups) -> None:
        self._event = event
        self._groups = groups

    def explain(self, condition: dict[str, Any], at: Keys) -> dict[str, Any]:
        """{logic, holds, parts} of a condition whose keys must all hold; at: where it stands.

        Parts are of the same form, or clauses: {path, operator, operand, holds, type, value, pointer}.
        """
        parts = [part for key, operand in condition.items() for part in self._parts(key, operand, (*at, key))]
        return {"logic": "$and", "holds": self._holds(condition), "parts": parts}

    def _parts(self, key: str, operand: Any, at: Keys) -> list[dict[str, Any]]:
        if key == "$not":
            return [self._logic(key, operand, [self.explain(operand, at)])]
        if key in LOGIC:
            return [self._logic(key, operand, [self.explain(inner, (*at, i)) for i, inner in enumerate(operand)])]
        node = parse_condition({key: operand}, self._groups)
        if isinstance(node, Clause):
            return [self._clause(node, at if node.operator == "=" else (*at, node.operator))]
        return [part for name, inner in operand.items() for part in self._parts(key, {name: inner}, at)]

    def _logic(self, key: str, operand: Any, parts: list[dict[str, Any]]) -> dict[str, Any]:
        # A single part in braces of its own is shown without them.
        flat = [part["parts"][0] if len(part["parts"]) == 1 else part for part in parts]
        return {"logic": key, "holds": self._holds({key: operand}), "parts": flat}

    def _clause(self, clause: Clause, at: Keys) -> dict[str, Any]:
        return {
            "path": ".".join(clause.path),
            "operator": clause.operator,
            **shown(clause.operand, "operand"),
            "holds": clause.test(value_at(self._event, clause.path)),
            **seen(self._event, clause.path),
            "pointer": to_pointer(at),
        }

    def _holds(self, condition: dict[str, Any]) -> bool:
        return self.node_holds(parse_condition(condition, self._groups))

    def node_holds(self, node: Node) -> bool:
        """Whether a parsed condition holds."""
        return node_test(node, lambda path: value_at(self._event, path))
