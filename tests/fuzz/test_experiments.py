"""Hostile experiments: refused at their place or taken, and what is taken travels, is pushed on and assigns anybody."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.definitions.hashes import read_hash, to_value
from pipeline.definitions.plan import plan_push
from pipeline.definitions.validate import parse_account
from pipeline.model.definition import AccountDefinitions, DefinitionError, Snapshot
from readers.assign import allocations_of, assign
from tests.support.any_pace import at_any_pace
from tests.support.conditions import ANY_JSON, CONDITIONS
from tests.support.experiments import LAYER, experiment_document, trial_document
from tests.unit.readers.conftest import NOW

COMPLAINT_CHARS_MAX = 2_000
_ODD = st.sampled_from(
    [10**400, 2**63, -1, True, 1.0, float("inf"), "\ud800", "x" * 300, "a\nb", [[0, 2]], [["a", "b"]], {}]
)
_WORDS = st.sampled_from(["control", "friendly", "cta", "homepage", "running", "stopped", "draft", "orders.count", "json"])
_ANYTHING = ANY_JSON | _ODD | _WORDS | CONDITIONS
FULL = experiment_document(
    start="2026-10-01T00:00:00Z", end="2027-10-01T00:00:00Z", breakdowns=["a.b"], description="Words",
    goals=["orders.count", {"goal": "orders.revenue", "better": "lower", "guardrail": True}],
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, inner in keys for place in places(inner, (*at, key)))]


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at one place."""
    if not place:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def spoiled(document: Any) -> st.SearchStrategy[Any]:
    changes = st.lists(st.tuples(st.sampled_from(sorted(places(document), key=len, reverse=True)), _ANYTHING), max_size=2)

    def apply(wanted: list[tuple[tuple[Any, ...], Any]]) -> Any:
        found = document
        for place, value in wanted:
            try:
                found = put(found, place, value)
            except (LookupError, TypeError):  # an earlier change took the place away
                continue
        return found

    return changes.map(apply)


def check_taken(taken: AccountDefinitions) -> None:
    for problem in taken.problems:
        assert problem.isprintable() and len(problem) < COMPLAINT_CHARS_MAX
    snapshot = Snapshot.of([taken])
    assert Snapshot.from_bytes(snapshot.to_bytes()).version == snapshot.version
    assigned = assign(json.loads(json.dumps(allocations_of(taken, NOW))), "u1", {"country": "DK", "a": [1]}, NOW)
    assert assigned["experiments"].keys() <= taken.experiments.keys()


@at_any_pace
@given(spoiled([FULL, experiment_document(id="other", status="draft")]), spoiled([LAYER]))
def test_a_document_is_taken_or_refused_with_a_complaint_of_one_line(experiments: Any, layers: Any) -> None:
    for strict in (True, False):
        try:
            check_taken(parse_account(trial_document(experiments=experiments, layers=layers), strict=strict))
        except DefinitionError as error:
            assert str(error).isprintable() and len(str(error)) < COMPLAINT_CHARS_MAX


def _stored() -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for allocation in ({"control": [[0, 9]]}, {"control": [[0, 99]]}):
        fields |= plan_push(trial_document({**FULL, "allocation": allocation}), fields, NOW).set
    return fields


STORED = _stored()
KEPT = json.loads(STORED[b"experiment:hero_cta"])


@at_any_pace
@given(spoiled(KEPT), st.sampled_from([b"experiment:hero_cta", b"epochs:hero_cta"]), spoiled(FULL))
def test_whatever_is_stored_is_read_and_pushed_onto_or_refused(kept: Any, field: bytes, pushed: Any) -> None:
    rest = {name: value for name, value in STORED.items() if name != b"experiment:hero_cta"}
    fields = {**rest, field: json.dumps(kept).encode()}
    check_taken(read_hash("acme", fields))
    try:
        plan = plan_push(trial_document(experiments=[pushed]), fields, NOW)
    except DefinitionError as error:
        assert str(error).isprintable()
        return
    after = read_hash("acme", {**fields, **plan.set})
    check_taken(after)
    again = plan_push(trial_document(experiments=[pushed]), {**fields, **plan.set}, NOW)
    assert all(change.outcome == "unchanged" for change in again.report.trials)
    assert to_value(after.document())
