"""What may stand behind a path: a value to equal, or operators that must all hold. One test of the value comes of it.

Owns the operators that hold further conditions, the groups, and the bound on clauses. A condition on the elements of a
list is the caller's business, by way of `condition_test`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.match.coerce import truth_of
from pipeline.match.errors import ConditionError, below
from pipeline.match.names import GROUPS, holds_operators, unknown_operator
from pipeline.match.node import Test
from pipeline.match.operators import PLAIN_OPERATORS, check_members, implicit_test, member_test, plain_test
from pipeline.match.pattern import PatternBudget

CLAUSES_MAX = 2_000
ALL_MAX = 100  # each is looked for in the event's whole list


class ValueParser:
    """One condition's parse: the groups it may name, and how many clauses it may still hold."""

    def __init__(self, groups: Mapping[str, list[Any]], condition_test: Callable[[Any, str], Test]) -> None:
        self._groups = groups
        self._condition_test = condition_test
        self._clauses_left = CLAUSES_MAX
        self._patterns = PatternBudget()
        self._group_tests: dict[str, Test] = {}
        self._group_digests: dict[str, str] = {}
        self._nesting: dict[str, Callable[[Any, str], Test]] = {
            "$not": self._not_test,
            "$size": self._size_test,
            "$elemMatch": self._element_test,
            "$all": self._all_test,
            "$alli": self._alli_test,
            "$inGroup": self._group_test,
            "$notInGroup": self._not_in_group_test,
        }

    def value_test(self, operand: Any, place: str) -> Test:
        """The test of anything that may stand behind a path. Raises ConditionError."""
        if not holds_operators(operand, place):
            return self.implicit_test(operand, place)
        tests = [self.operator_test(operator, inner, below(place, operator)) for operator, inner in operand.items()]
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def implicit_test(self, operand: Any, place: str, insensitive: bool = False) -> Test:
        """The test of a value to equal."""
        self._count(place)
        return implicit_test(operand, insensitive)

    def operator_test(self, operator: str, operand: Any, place: str) -> Test:
        """The test of one operator; `place` is its own. Raises ConditionError."""
        self._count(place)
        if operator in PLAIN_OPERATORS:
            return plain_test(operator, operand, place, self._patterns)
        if operator in self._nesting:
            return self._nesting[operator](operand, place)
        raise ConditionError(place, unknown_operator(operator))

    def identity(self, operator: str, operand: Any) -> str:
        """The parsed operand as canonical JSON, with a digest of the members of each group that it names."""
        named = sorted(groups_named({operator: operand}))
        return _canonical([operand, *map(self._group_digest, named)] if named else operand)

    def _not_test(self, operand: Any, place: str) -> Test:
        test = self.value_test(operand, place)
        return lambda value: not test(value)

    def _size_test(self, operand: Any, place: str) -> Test:
        whole = isinstance(operand, int) and not isinstance(operand, bool) and operand >= 0
        if not whole and not (isinstance(operand, dict) and holds_operators(operand, place)):
            raise ConditionError(place, 'must be a whole number of 0 or more, or a comparison such as {"$gt": 2}')
        test = self.value_test(operand, place)
        return lambda value: isinstance(value, list) and test(len(value))

    def _element_test(self, operand: Any, place: str) -> Test:
        if not isinstance(operand, dict):
            raise ConditionError(place, 'must be an object such as {"$gt": 10} or {"sku": "A1"}')
        operators = bool(operand) and all(key.startswith("$") for key in operand)
        test = self.value_test(operand, place) if operators else self._condition_test(operand, place)
        return lambda value: isinstance(value, list) and any(truth_of(element) and test(element) for element in value)

    def _all_test(self, operand: Any, place: str, insensitive: bool = False) -> Test:
        if not isinstance(operand, list) or len(operand) > ALL_MAX:
            raise ConditionError(place, f"must be a list of at most {ALL_MAX} values or comparisons")
        tests = [self._all_member_test(inner, below(place, index), insensitive) for index, inner in enumerate(operand)]
        return lambda value: isinstance(value, list) and all(any(map(test, value)) for test in tests)

    def _alli_test(self, operand: Any, place: str) -> Test:
        return self._all_test(operand, place, insensitive=True)

    def _all_member_test(self, operand: Any, place: str, insensitive: bool) -> Test:
        if insensitive and isinstance(operand, str):
            return self.implicit_test(operand, place, insensitive=True)
        return self.value_test(operand, place)

    def _group_test(self, name: Any, place: str) -> Test:
        if not isinstance(name, str) or name not in self._groups:
            raise ConditionError(place, f"no group {name!r:.60} is known; add it to the account's settings.groups")
        if name not in self._group_tests:
            self._group_tests[name] = member_test(check_members(self._groups[name], f"{place} (group {name})"))
        return self._group_tests[name]

    def _not_in_group_test(self, name: Any, place: str) -> Test:
        test = self._group_test(name, place)
        return lambda value: not test(value)

    def _group_digest(self, name: str) -> str:
        if name not in self._group_digests:
            members = _canonical(self._groups[name]).encode()
            self._group_digests[name] = hashlib.blake2b(members, digest_size=16).hexdigest()
        return self._group_digests[name]

    def _count(self, place: str) -> None:
        self._clauses_left -= 1
        if self._clauses_left < 0:
            raise ConditionError(place, f"more than {CLAUSES_MAX:,} clauses; join equalities with $in")


def _canonical(operand: Any) -> str:
    return json.dumps(operand, sort_keys=True)


def groups_named(condition: object) -> set[str]:
    """The groups that a condition names, known or not, also in one that parsing would refuse."""
    named: set[str] = set()
    pending = [condition]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            named.update(value[operator] for operator in GROUPS if isinstance(value.get(operator), str))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return named
