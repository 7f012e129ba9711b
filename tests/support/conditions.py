"""Random conditions and events that often meet, and a naive reading of conditions to hold the real one against.

The naive reading takes a condition as it is written, key by key, without parsing it first. It shares the conversions of
`coerce` (tested case by case) and the patterns, and nothing else.
"""

from __future__ import annotations

import operator
from typing import Any

from hypothesis import strategies as st

from pipeline.match import coerce
from pipeline.match.pattern import compile_pattern
from pipeline.match.version import padded_version

GROUPS: dict[str, list[Any]] = {"few": ["a", 1, True, None], "none": []}

_TEXTS = ["", " ", "0", "1", "10", "0x10", "1,2", "a", "A", "b", "null", "1.2.3", "v1.2.3-rc.1", "ß", "\ue000", "😀"]
_SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 10, -1, 1.5, 1e21, 2**53 + 1, *_TEXTS])
_TEXT = st.sampled_from(_TEXTS)
_PATHS = st.sampled_from(["a", "b", "a.b", "a.0", "l", "l.0", "l.0.k"])


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "l", "k", "0"]), inner, max_size=3)


_VALUES = st.recursive(_SCALARS, _containers, max_leaves=6)
EVENTS = st.dictionaries(st.sampled_from(["a", "b", "l"]), _VALUES, max_size=3)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    _containers,
    max_leaves=12,
)


def _operators(below: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of one or two operators, each with an operand that it takes."""
    behind = _SCALARS | below
    operands: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("$eq", "$ne"), _VALUES),
        **dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), st.sampled_from([0, 1, 1.5, 10, *_TEXTS])),
        **dict.fromkeys(("$in", "$nin", "$ini", "$nini"), st.lists(_SCALARS, max_size=3)),
        **dict.fromkeys(("$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"), _TEXT),
        **dict.fromkeys(("$regex", "$regexi"), st.sampled_from(["a", "^1", "L$", "[0-9]+"])),
        **dict.fromkeys(("$inGroup", "$notInGroup"), st.sampled_from(sorted(GROUPS))),
        **dict.fromkeys(("$all", "$alli"), st.lists(behind, max_size=2)),
        "$exists": st.booleans(),
        "$type": st.sampled_from(["string", "number", "boolean", "array", "object", "null", "undefined"]),
        "$not": behind | _VALUES,
        "$size": st.integers(0, 3) | st.just({"$gt": 1}),
        "$elemMatch": below | st.dictionaries(st.sampled_from(["k", "0"]), behind, max_size=2),
    }
    one = st.sampled_from(sorted(operands)).flatmap(lambda name: operands[name].map(lambda operand: {name: operand}))
    return st.tuples(one, one).map(lambda pair: pair[0] | pair[1]) | one


OPERATORS = st.recursive(_operators(st.just({"$exists": True})), _operators, max_leaves=3)
_PATH_CONDITIONS = st.dictionaries(_PATHS, OPERATORS | _VALUES, max_size=2)


def _logic(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(inner, max_size=3)
    logic = st.one_of(*(st.fixed_dictionaries({name: lists}) for name in ("$and", "$or", "$nor")))
    return st.tuples(_PATH_CONDITIONS, logic | st.fixed_dictionaries({"$not": inner})).map(lambda two: two[0] | two[1])


CONDITIONS = st.recursive(_PATH_CONDITIONS, _logic, max_leaves=5)

_ORDERS = {name: getattr(operator, name.replace("te", "e")) for name in ("eq", "ne", "gt", "gte", "lt", "lte")}


def naive_holds(condition: dict[str, Any], event: Any) -> bool:
    """The condition read key by key."""
    for key, operand in condition.items():
        some = [naive_holds(child, event) for child in operand] if key in ("$and", "$or", "$nor") else []
        if key == "$and":
            held = all(some)
        elif key in ("$or", "$nor"):
            held = (any(some) or not some) == (key == "$or")
        elif key == "$not":
            held = not naive_holds(operand, event)
        else:
            held = _meets(operand, _reach(event, key))
        if not held:
            return False
    return True


def _reach(value: Any, path: str) -> Any:
    for part in path.split("."):
        known = {str(i): element for i, element in enumerate(value)} if isinstance(value, list) else value
        value = known.get(part) if isinstance(known, dict) else None
    return value


def _meets(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict) and operand and all(key[0] == "$" for key in operand):
        return all(_operator_holds(name[1:], inner, value) for name, inner in operand.items())
    if isinstance(operand, bool):
        return value is not None and coerce.truth_of(value) is operand
    if isinstance(operand, str):
        return coerce.text_of(value) == operand
    return (
        coerce.number_of(value) == coerce.as_double(operand) if isinstance(operand, (int, float)) else _same(value, operand)
    )


def _same(value: Any, wanted: Any) -> bool:
    if coerce.type_name(value) != coerce.type_name(wanted):
        return False
    if isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(wanted, dict):
        return sorted(value) == sorted(wanted) and all(_same(value[key], wanted[key]) for key in wanted)
    return coerce.text_of(value) == coerce.text_of(wanted)


def _operator_holds(name: str, operand: Any, value: Any) -> bool:
    elements = value if isinstance(value, list) else []
    if name in ("ne", "nin", "nini", "notInGroup"):
        return not _operator_holds({"ne": "eq", "nin": "in", "nini": "ini", "notInGroup": "inGroup"}[name], operand, value)
    if name in ("in", "ini", "inGroup"):
        members = GROUPS[operand] if name == "inGroup" else operand
        lowered = _lower if name == "ini" else lambda scalar: scalar
        return any(_same(lowered(v), lowered(m)) for v in (elements if value is elements else [value]) for m in members)
    if name in ("all", "alli"):
        return value is elements and all(any(_all_member(wanted, v, name) for v in elements) for wanted in operand)
    if name == "elemMatch":
        check = _meets if operand and all(key[0] == "$" for key in operand) else naive_holds
        return any(coerce.truth_of(v) and check(operand, v) for v in elements)
    if name[0] == "v":
        return _ORDERS[name[1:]](coerce.text_key(padded_version(value)), coerce.text_key(padded_version(operand)))
    if name in ("gt", "gte", "lt", "lte"):
        left, right = coerce.comparable(value), coerce.comparable(operand)
        texts = isinstance(left, str) and isinstance(right, str)
        return _ORDERS[name](*map(coerce.text_key if texts else coerce.number_of, (left, right)))
    return {
        "eq": lambda: _same(value, operand),
        "not": lambda: not _meets(operand, value),
        "size": lambda: value is elements and _meets(operand, len(elements)),
        "exists": lambda: (value is not None) == operand,
        "type": lambda: coerce.type_name(value) == operand,
        "regex": lambda: compile_pattern(operand, False, "")(value),
        "regexi": lambda: compile_pattern(operand, True, "")(value),
    }[name]()


def _lower(scalar: Any) -> Any:
    return scalar.lower() if isinstance(scalar, str) else scalar


def _all_member(wanted: Any, value: Any, name: str) -> bool:
    if name == "alli" and isinstance(wanted, str):
        return coerce.text_of(value).lower() == wanted.lower()
    return _meets(wanted, value)
