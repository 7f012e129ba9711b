"""The operators whose operand is a plain value: what operand each takes, and its test. GrowthBook's meaning of each.

Operators that hold further conditions ($not, $size, $all, $elemMatch) and groups are `parse`'s. A test is made once per
clause and called per event: what depends on the operand alone is worked out when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from pipeline.match import coerce
from pipeline.match.errors import ConditionError, below
from pipeline.match.node import Test
from pipeline.match.pattern import PatternBudget, compile_pattern
from pipeline.match.shape import check_scalar
from pipeline.match.version import padded_version

TYPE_NAMES = ("string", "number", "boolean", "array", "object", "null", "undefined")
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}
_VERSION_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$veq": eq, "$vne": ne, "$vgt": gt, "$vgte": ge, "$vlt": lt, "$vlte": le,
}  # fmt: skip
_LISTS = ("$in", "$nin", "$ini", "$nini")
_EQUALITIES = ("$eq", "$ne")
_PATTERNS = ("$regex", "$regexi")
PLAIN_OPERATORS = frozenset((*_EQUALITIES, *_ORDERS, *_VERSION_ORDERS, *_LISTS, *_PATTERNS, "$exists", "$type"))


def plain_test(operator: str, operand: Any, place: str, patterns: PatternBudget) -> Test:
    """The test of one of PLAIN_OPERATORS. Raises ConditionError when the operand is of a wrong type, or costs too much."""
    if operator in _EQUALITIES:
        return equality_test(operand) if operator == "$eq" else lambda value: not coerce.same(value, operand)
    if operator in _ORDERS:
        return _order_test(_ORDERS[operator], operand, place)
    if operator in _LISTS:
        return _list_test(operator, operand, place)
    if operator in _PATTERNS:
        pattern = _expect_text(operand, place, "a pattern in quotes")
        return compile_pattern(pattern, operator == "$regexi", place, patterns)
    if operator in _VERSION_ORDERS:
        return _version_test(_VERSION_ORDERS[operator], operand, place)
    return _exists_test(operand, place) if operator == "$exists" else _type_test(operand, place)


def equality_test(operand: Any) -> Test:
    """`===`, deep for lists and objects."""
    if isinstance(operand, str):
        return lambda value: value == operand
    return lambda value: coerce.same(value, operand)


def implicit_test(operand: Any, insensitive: bool = False) -> Test:
    """`{path: operand}`: the value is converted to the operand's type first, which `$eq` doesn't do."""
    if isinstance(operand, str):
        if insensitive:
            lowered = operand.lower()
            return lambda value: coerce.text_of(value).lower() == lowered
        return lambda value: value == operand if isinstance(value, str) else coerce.text_of(value) == operand
    if isinstance(operand, bool):
        return lambda value: value is not None and coerce.truth_of(value) is operand
    if isinstance(operand, (int, float)):
        number = coerce.as_double(operand)
        return lambda value: coerce.number_of(value) == number
    return equality_test(operand)


def member_test(members: Iterable[Any], insensitive: bool = False) -> Test:
    """Whether the value is a member, or, of a list, one of its elements is. Members are scalars."""
    wanted = frozenset(_member_key(member, insensitive) for member in members)

    def test(value: Any) -> bool:
        if isinstance(value, list):
            return any(_member_key(element, insensitive) in wanted for element in value)
        return _member_key(value, insensitive) in wanted

    return test


def check_members(members: Any, place: str) -> list[Any]:
    """A list of scalars, or ConditionError."""
    if not isinstance(members, list):
        raise ConditionError(place, f"must be a list, not {_shown(members)}; write [{_shown(members)}]")
    for index, member in enumerate(members):
        if isinstance(member, (list, dict)):
            raise ConditionError(below(place, index), "lists and objects are never members; use $or with each of them")
        check_scalar(member, below(place, index))
    return members


def _member_key(value: Any, insensitive: bool) -> Any:
    """Equal keys are `===` values: true isn't 1, and nothing equals a list or an object."""
    if isinstance(value, str):
        return value.lower() if insensitive else value
    if value is None or isinstance(value, bool):
        return ("constant", value)
    return coerce.as_double(value) if isinstance(value, (int, float)) else ("no scalar",)


def _list_test(operator: str, operand: Any, place: str) -> Test:
    test = member_test(check_members(operand, place), operator in ("$ini", "$nini"))
    return (lambda value: not test(value)) if operator in ("$nin", "$nini") else test


def _order_test(order: Callable[[Any, Any], bool], operand: Any, place: str) -> Test:
    if isinstance(operand, bool) or not isinstance(operand, (int, float, str)):
        raise ConditionError(place, f"must be a number or a text, not {_shown(operand)}; to test for null use $exists")
    number = coerce.number_of(operand)
    if not isinstance(operand, str):
        return lambda value: order(coerce.number_of(value), number)
    key = coerce.text_key(operand)

    def test(value: Any) -> bool:
        primitive = coerce.comparable(value)
        return order(coerce.text_key(primitive), key) if isinstance(primitive, str) else order(primitive, number)

    return test


def _version_test(order: Callable[[Any, Any], bool], operand: Any, place: str) -> Test:
    version = _expect_text(operand, place, 'a version in quotes ("1.10": as a number it is 1.1)')
    key = coerce.text_key(padded_version(version))
    return lambda value: order(coerce.text_key(padded_version(value)), key)


def _exists_test(operand: Any, place: str) -> Test:
    if not isinstance(operand, bool):
        raise ConditionError(place, f"must be true or false, not {_shown(operand)}")
    return lambda value: (value is not None) is operand


def _type_test(operand: Any, place: str) -> Test:
    if operand not in TYPE_NAMES:
        raise ConditionError(place, f"must be one of {', '.join(TYPE_NAMES)}, not {_shown(operand)}")
    return lambda value: coerce.type_name(value) == operand


def _expect_text(operand: Any, place: str, wanted: str) -> str:
    if not isinstance(operand, str):
        raise ConditionError(place, f"must be {wanted}, not {_shown(operand)}")
    return operand


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"{value!r:.60}"
    return f"an {coerce.type_name(value)}" if isinstance(value, (list, dict)) else coerce.text_of(value)
