"""Hostile conditions: refused with a ConditionError or compiled, in bounded time and memory, and then never raising."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.match import ConditionError, compile_condition, parse_condition, to_terms
from pipeline.match.names import LOGIC, OPERATORS
from tests.support.any_pace import at_any_pace
from tests.support.bounded import in_bounds
from tests.support.conditions import ANY_JSON, GROUPS

_KEYS = st.sampled_from([*sorted(OPERATORS), *LOGIC, "a", "a.0", "", ".", "$", "$a", "__proto__", "a" * 501, "few"])
_LEAVES = st.sampled_from([10**400, -(10**400), 1e308, "(a{1000}){1000}", "\ud800", "\\C", "(?i)\\pL{99}", "v1.2", "few"])
CONDITIONS = st.recursive(
    ANY_JSON | _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=15,
)
EVENTS = st.dictionaries(st.sampled_from(["a", "", "__proto__"]), ANY_JSON | _LEAVES, max_size=3) | ANY_JSON


@at_any_pace
@given(st.dictionaries(_KEYS, CONDITIONS, max_size=3), st.lists(EVENTS, max_size=3))
def test_a_condition_is_refused_or_compiled_and_then_never_raises(condition: dict[str, Any], events: list[Any]) -> None:
    try:
        matches = compile_condition(condition, GROUPS)
    except ConditionError as error:
        assert str(error).isprintable()
        return
    assert {matches(event) for event in events} <= {True, False}


def nested(depth: int, wrap: Any) -> Any:
    condition: Any = {"a": 1}
    for _ in range(depth):
        condition = wrap(condition)
    return condition


def explosions() -> Iterator[tuple[str, Any]]:
    """Conditions whose disjunctive form is out of all proportion."""
    yield "product", {"$and": [{"$or": [{f"a{i}": j} for j in range(60)]} for i in range(30)]}
    yield "pairs", {"$and": [{"$or": [{f"a{i}": 1}, {f"b{i}": 1}]} for i in range(900)]}
    yield "negated", {"$nor": [{"$and": [{f"a{i}": 1}, {f"b{i}": 1}]} for i in range(900)]}
    yield "nested", nested(6, lambda c: {"$and": [{"$or": [c, {"b": 1}]}, {"$or": [c, {"c": 1}]}]})
    yield "wide", {"$or": [{f"a{i}.{k}": 1 for k in range(31)} for i in range(63)]}
    yield "lists", {"$or": [{"a": {"$in": [f"{n}" for n in range(i, i + 300)]}} for i in range(60)]}


def too_much() -> Iterator[tuple[str, Any]]:
    """Conditions past a bound."""
    for depth in (10_000, 100_000):
        yield f"{depth} $not", nested(depth, lambda c: {"$not": c})
        yield f"{depth} lists", nested(depth, lambda c: {"$or": [c]})
        yield f"{depth} $elemMatch", nested(depth, lambda c: {"a": {"$elemMatch": c}})
        yield f"{depth} values", nested(depth, lambda c: {"a": [c]})
    yield "clauses", {"$or": [{"a": n} for n in range(100_000)]}
    yield "keys", {f"a{n}": 1 for n in range(100_000)}
    yield "members", {"a": {"$in": list(range(100_000))}}
    yield "long key", {"a." * 500_000 + "a": 1}
    yield "repetitions", {"a": {"$regex": "(a{1000}){1000}"}}
    yield "nested repetitions", {"a": {"$regex": "(" * 400 + "a{2}" + "){2}" * 80 + ")" * 320}}
    yield "a megabyte", {"a": {"$regex": "a" * 1_000_000}}
    yield "alternatives", {"a": {"$regex": "|".join(f"{n}x" for n in range(5_000))}}
    yield "classes", {"a": {"$regex": "\\pL{80}"}}
    yield "patterns", {"$or": [{f"a{n}": {"$regex": f"{n}\\pL{{40}}"}} for n in range(1_900)]}
    yield "many patterns", {"$or": [{f"a{n}": {"$regex": f"{n}(a|b)*a(a|b){{18}}"}} for n in range(1_900)]}


def judge_explosions() -> None:
    text = "ab" * 50_000
    for _, condition in explosions():
        node = parse_condition(condition)
        assert len(to_terms(node) or ()) <= 64
        assert compile_condition(condition)({"a1": text}) in (True, False)


def judge_too_much() -> None:
    for name, condition in too_much():
        print(name, file=sys.stderr)
        with pytest.raises(ConditionError):
            parse_condition(condition)


def judge_hungry_patterns() -> None:
    """Each pattern of these has a million states, which are built while events are matched."""
    patterns = {"$or": [{"a": {"$regex": f"{n}(a|b)*a(a|b){{18}}$"}} for n in range(100)]}
    matches = compile_condition(patterns)
    for n in range(100):
        assert not matches({"a": f"{n}" + "abbabaab" * 5_000 + "c"})


@pytest.mark.parametrize(
    ("trial", "memory_mb"), [(judge_explosions, 200), (judge_too_much, 400), (judge_hungry_patterns, 400)]
)
def test_what_is_out_of_proportion_costs_bounded_time_and_memory(trial: Any, memory_mb: int) -> None:
    in_bounds(trial, memory_mb)
