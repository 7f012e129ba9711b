"""What a metric's revision depends on, and what it does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.definitions import parse_account
from pipeline.model.definition_digest import canonical_json, digest_of
from tests.support.definitions import account_document, metric_document

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
GROUPED = {"where": {"userId": {"$inGroup": "vip"}}}


def revision(settings: dict[str, Any] | None = None, **changes: Any) -> str:
    document = account_document(metric_document(**changes))
    document["settings"] = {**document["settings"], **(settings or {})}
    (metric,) = parse_account(document, strict=True).metrics.values()
    return metric.revision


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(inner) for key, inner in reversed(value.items())}
    return [reordered(inner) for inner in value] if isinstance(value, list) else value


def test_a_revision_is_sixteen_hex_characters_for_good():
    # Stored counters are kept under it: this very value must never change.
    assert revision() == "cba8e9867955801c"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other_name"},
        {"description": "in other words"},
        {"description": None},
        {"measures": {"revenue": {"field": "properties.total", "aggregate": "sum"}, "count": {"aggregate": "count"}}},
        {
            "measures": {
                "count": {"aggregate": "count", "once_per": "none", "field": None},
                "revenue": {"aggregate": "sum", "field": "properties.total", "once_per": None},
            }
        },
        {"settings": {"fanout": 16}},
        {"settings": {"groups": {"unnamed": [1]}}},
        {"settings": {"visitor": ["anonymousId", "userId"]}},
    ],
)
def test_a_revision_stays_the_same(changes: dict[str, Any]):
    assert revision(**changes) == revision()


@pytest.mark.parametrize(
    "changes",
    [
        {"where": {"event": "Order Refunded"}},
        {"where": {}},
        {"measures": {"count": {"aggregate": "count"}}},
        {"measures": {"n": {"aggregate": "count"}, "revenue": {"aggregate": "sum", "field": "properties.total"}}},
        {"breakdowns": ["context.country", "properties.plan"]},
        {"breakdowns": None},
        {"settings": {"timezone": "UTC"}},
        {"settings": {"visitor": ["userId", "anonymousId"]}},
    ],
)
def test_a_revision_changes_with_what_decides_the_numbers(changes: dict[str, Any]):
    assert revision(**changes) != revision()


def test_a_revision_depends_on_the_members_of_the_groups_it_names():
    base = revision(**GROUPED)
    assert revision({"groups": {"vip": ["u2", "u1", "u1"]}}, **GROUPED) == base
    assert revision({"groups": {"vip": ["u1", "u2"], "other": [3]}}, **GROUPED) == base
    assert revision({"groups": {"vip": ["u1"]}}, **GROUPED) != base


def test_one_and_one_point_zero_are_alike_but_not_true_or_text():
    revisions = [revision(where={"properties.total": {"$in": [value]}}) for value in (1, 1.0, True, "1")]
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == 3


@given(PLAIN)
def test_the_order_of_keys_means_nothing(value: Any):
    assert canonical_json(value) == canonical_json(reordered(value))


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_an_integer_and_its_float_are_alike(number: int):
    assert digest_of([number]) == digest_of([float(number)])


def test_the_account_s_digest_is_of_metric_ids_and_revisions():
    one = parse_account(account_document(metric_document(), metric_document(id="b")), strict=True)
    same = parse_account(account_document(metric_document(id="b", description="x"), metric_document()), strict=True)
    renamed = parse_account(account_document(metric_document(), metric_document(id="c")), strict=True)
    assert one.digest == same.digest
    assert one.digest != renamed.digest
