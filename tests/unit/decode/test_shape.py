"""Structs of events: decoded from text or built from a dict, the same values stand at the same leaves."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.shape import Path, Shape
from pipeline.match.path import value_at
from pipeline.match.plan import read_leaf
from pipeline.model.event import ENVELOPE
from tests.support.any_pace import at_any_pace

PARTS = st.sampled_from(["a", "b", "properties", "context", "event", "account", "0", "1", "f0", "class", "é", "a b", ""])
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=4).map(tuple), max_size=8)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner, max_size=4),
    max_leaves=25,
)
EVENTS = st.dictionaries(PARTS | st.sampled_from(ENVELOPE), JSON, max_size=8)


@at_any_pace
@given(PATHS, EVENTS)
def test_building_gives_what_decoding_gives(paths: list[Path], event: dict[str, Any]) -> None:
    shape = Shape(paths)
    text = orjson.dumps(event)
    built = shape.build(event)
    for path in [*paths, *((name,) for name in ENVELOPE)]:
        found, attributes = read_leaf(shape, built, path), len(shape.leaf(path).attributes)
        assert found == (None if _through_no_object(event, path, attributes) else value_at(event, path))
    try:
        decoded = shape.decode(text)
    except msgspec.ValidationError:
        return  # some way isn't through objects: such records are built
    assert decoded == built


def _through_no_object(event: Any, path: Path, attributes: int) -> bool:
    """Whether the way through structs meets something else than objects: there is nothing to find then."""
    for part in path[: attributes - 1]:
        event = event.get(part) if isinstance(event, dict) else None
    return not isinstance(event, dict)


@pytest.mark.parametrize(
    "text", [b'{"context":5}', b'{"context":{"location":[]}}', b'{"context":{"location":"x"}}', b"[]", b"{"]
)
def test_what_is_no_object_on_the_way_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Shape([("context", "location", "country")]).decode(text)


def test_nulls_on_the_way_are_nothing() -> None:
    shape = Shape([("context", "location", "country")])
    for text in (b'{"context":null}', b'{"context":{"location":null}}', b"{}"):
        assert read_leaf(shape, shape.decode(text), ("context", "location", "country")) is None


def test_names_of_clients_never_become_names_of_python() -> None:
    shape = Shape([("__class__",), ("a", "__init__"), ("f0", "f1"), ("if",)])
    event = shape.decode(b'{"__class__":1,"a":{"__init__":2},"f0":{"f1":3},"if":4}')
    found = [read_leaf(shape, event, path) for path in (("__class__",), ("a", "__init__"), ("f0", "f1"), ("if",))]
    assert found == [1, 2, 3, 4]
