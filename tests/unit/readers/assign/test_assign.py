"""What a unit gets: by the vectors that other languages are held to, and rule by rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import readers.assign
from pipeline.definitions import parse_account
from pipeline.model.definition import AccountDefinitions
from pipeline.model.experiment import Experiment
from readers.assign import Allocations, allocations_of, assign, bucket_of
from tests.support.experiments import LAYER, experiment_document, trial_document
from tests.support.murmur import murmur
from tests.unit.readers.conftest import NOW

VECTORS = json.loads((Path(readers.assign.__file__).parent / "vectors.json").read_text())
OWN = {"parameters": {}, "variations": [{"id": "control"}], "eligible": None}


def allocations(*experiments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return allocations_of(parse_account(trial_document(*experiments, **changes), strict=True), NOW)


def decision(document: dict[str, Any], unit: str = "u1", at: datetime = NOW, **attributes: Any) -> dict[str, Any]:
    found: dict[str, Any] = assign(document, unit, attributes, at)["experiments"]["hero_cta"]
    return found


def test_the_contracts_numbers() -> None:
    known = {"homepage:u1": (3065103452, 92), "homepage:user-42": (244969065, 617), "mail:Zoë": (1269592948, 884)}
    for text, (hashed, bucket) in known.items():
        assert murmur(text) == hashed
        assert bucket_of(*text.split(":"), 1024) == bucket


@pytest.mark.parametrize("vector", VECTORS["hashes"], ids=lambda vector: repr(vector["text"][:20]))
def test_hashes_of_the_vectors(vector: dict[str, Any]) -> None:
    assert murmur(vector["text"]) == vector["hash"]


@pytest.mark.parametrize("vector", VECTORS["buckets"], ids=lambda v: f"{v['layer']}:{v['unit']} of {v['buckets']}")
def test_buckets_of_the_vectors(vector: dict[str, Any]) -> None:
    assert bucket_of(vector["layer"], vector["unit"], vector["buckets"]) == vector["bucket"]


@pytest.mark.parametrize("vector", VECTORS["decisions"], ids=lambda v: f"{v['unit']} {v['attributes']} {v['at']}")
def test_decisions_of_the_vectors(vector: dict[str, Any]) -> None:
    document = VECTORS["allocations"][vector["allocations"]]
    at = datetime.fromisoformat(vector["at"])
    assert assign(document, vector["unit"], vector["attributes"], at) == vector["assignment"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 20))
def test_any_unit_has_the_bucket_of_the_hash_written_out(unit: str, power: int) -> None:
    assert bucket_of("layer", unit, 2**power) == murmur(f"layer:{unit}") % 2**power


def test_a_unit_that_is_assigned_gets_its_variation() -> None:
    got = decision(allocations(), "user-42", country="DK")
    assert got == {
        "variation": "friendly",
        "parameters": {"cta": "Count me in!"},
        "bucket": 617,
        "epoch": 1,
        "reason": "assigned",
    }


def test_a_unit_that_is_not_eligible_or_not_allocated_gets_the_defaults() -> None:
    for got, reason in [
        (decision(allocations(), "user-42"), "not_eligible"),
        (decision(allocations(experiment_document(allocation={"control": [[0, 92]]})), country="DK"), "not_allocated"),
    ]:
        assert (got["variation"], got["parameters"], got["reason"]) == (None, {"cta": "Join"}, reason)


def test_ranges_are_half_open() -> None:
    for first, end, reason in [(92, 93, "assigned"), (91, 92, "not_allocated"), (93, 94, "not_allocated")]:
        document = allocations(experiment_document(allocation={"control": [[first, end]]}))
        assert decision(document, country="DK")["reason"] == reason


def test_a_test_has_its_time() -> None:
    start, end = "2026-10-01T00:00:00Z", "2026-10-02T00:00:00+00:00"
    document = allocations(experiment_document(start=start, end=end))
    midnight = datetime(2026, 10, 1, tzinfo=UTC)
    on = [midnight, midnight + timedelta(days=1, milliseconds=-1)]
    off = [midnight - timedelta(milliseconds=1), midnight + timedelta(days=1)]
    assert all("hero_cta" in assign(document, "u1", {}, at)["experiments"] for at in on)
    assert [assign(document, "user-42", {"country": "DK"}, at) for at in off] == [
        {"experiments": {}, "parameters": {"cta": "Join"}}
    ] * 2


def test_only_what_runs_is_assigned_and_drafts_are_nobodys_business() -> None:
    stopped = allocations(experiment_document(status="stopped"))
    assert assign(stopped, "u1", {"country": "DK"}) == {"experiments": {}, "parameters": {"cta": "Join"}}
    draft = allocations(experiment_document(status="draft"))
    assert draft["experiments"] == [] and assign(draft, "u1") == {"experiments": {}, "parameters": {}}


def test_parameters_are_merged_over_layers() -> None:
    other = experiment_document(
        id="other",
        layer="mail",
        parameters={"hour": {"type": "integer", "default": 9}, "size": {"type": "number", "default": 1.5}},
        variations=[{"id": "late", "parameters": {"hour": 18}}],
        allocation={"late": [[0, 2]]},
        eligible=None,
        control="late",
    )
    document = allocations(experiment_document(), other, layers=[LAYER, {"id": "mail", "buckets": 2}])
    assert assign(document, "user-42", {"country": "UK"})["parameters"] == {"cta": "Count me in!", "hour": 18, "size": 1.5}
    assert assign(document, "user-42")["parameters"] == {"cta": "Join", "hour": 18, "size": 1.5}


def test_a_unit_that_another_layer_is_for_gets_what_that_sets() -> None:
    parameters = {"cta": {"type": "string", "default": "Enter"}}
    changes = {"id": "a_german", "layer": "german", "parameters": parameters, "eligible": {"country": "DE"}}
    variations = [{"id": "control"}, {"id": "loud", "parameters": {"cta": "LOS!"}}]
    german = experiment_document(**changes, variations=variations, allocation={"loud": [[0, 1]]})
    document = allocations(experiment_document(), german, layers=[LAYER, {"id": "german", "buckets": 1}])
    assert assign(document, "user-42", {"country": "DE"})["parameters"] == {"cta": "LOS!"}
    assert assign(document, "user-42", {"country": "DK"})["parameters"] == {"cta": "Count me in!"}


def test_groups_travel_with_allocations_where_they_are_named() -> None:
    assert "groups" not in allocations()
    document = allocations(experiment_document(eligible={"id": {"$inGroup": "staff"}}))
    assert document["groups"] == {"staff": ["s1"]}
    assert [decision(document, id=name)["reason"] for name in ("s1", "u1")] == ["assigned", "not_eligible"]


def test_an_epoch_to_come_is_not_in_force() -> None:
    account = parse_account(trial_document(), strict=True)
    stored = account.experiments["hero_cta"].to_json()
    soon = {**stored["epochs"][0], "number": 2, "effective_at": "2026-10-31T12:00:00.001Z", "allocation": {}}
    two = Experiment.from_json({**stored, "epochs": [*stored["epochs"], soon]})
    both = AccountDefinitions.of("acme", account.settings, account.metrics.values(), (), account.layers.values(), [two])
    now, later = (allocations_of(both, NOW + timedelta(milliseconds=more))["experiments"][0] for more in (0, 1))
    assert (now["epoch"], now["allocation"]["control"]) == (1, [[0, 512]])
    assert (later["epoch"], later["allocation"]) == (2, {})


def test_prepared_or_not_and_asked_twice_it_is_the_same() -> None:
    document = allocations()
    prepared = Allocations.of(json.loads(json.dumps(document)))
    first = assign(prepared, "user-42", {"country": "DK"})
    first["parameters"]["cta"] = first["experiments"]["hero_cta"]["parameters"]["cta"] = "spoiled"
    assert assign(prepared, "user-42", {"country": "DK"}) == assign(document, "user-42", {"country": "DK"})
    assert assign(prepared, "user-42", None) == assign(prepared, "user-42", {})
