"""Conditions on one event: parsed strictly, evaluated as GrowthBook does, and rewritten into shareable clauses."""

from pipeline.match.errors import ConditionError
from pipeline.match.node import AllOf, AnyOf, Clause, Node, clauses_of, node_test
from pipeline.match.parse import compile_condition, parse_condition
from pipeline.match.path import value_at
from pipeline.match.terms import to_terms
from pipeline.match.values import groups_named

__all__ = [
    "AllOf",
    "AnyOf",
    "Clause",
    "ConditionError",
    "Node",
    "clauses_of",
    "compile_condition",
    "groups_named",
    "node_test",
    "parse_condition",
    "to_terms",
    "value_at",
]
