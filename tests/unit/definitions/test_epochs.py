"""What opens an epoch, from when on, and what is refused: plans of pushes onto a hash, one after the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.definitions.plan import Plan
from pipeline.definitions.plan_trials import TrialChange
from tests.support.experiments import LAYER, experiment_document
from tests.support.shelf import HALF, Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def change_of(plan: Plan, name: str = "hero_cta") -> TrialChange:
    (change,) = (change for change in plan.report.trials if change.id == name)
    return change


def test_the_first_epoch_is_open_to_the_past(shelf: Shelf) -> None:
    plan = shelf.push()
    assert shelf.begins == [None]
    assert change_of(plan).opened == shelf.hero.epoch
    assert [change.outcome for change in plan.report.trials] == ["new", "new"]


@pytest.mark.parametrize(
    "changes",
    [
        {"allocation": HALF},
        {"eligible": {"country": "DK"}},
        {"eligible": None},
        {"variations": [{"id": "control"}, {"id": "friendly", "parameters": {"cta": "Come!"}}]},
        {"variations": [{"id": "control"}, {"id": "friendly", "parameters": {"cta": "Count me in!"}}, {"id": "more"}]},
        {"parameters": {"cta": {"type": "string", "default": "Enter"}}},  # what control gets
        {"status": "stopped"},
    ],
)
def test_a_change_of_who_gets_what_opens_an_epoch_at_the_push(shelf: Shelf, changes: dict[str, Any]) -> None:
    shelf.push()
    later = shelf.wait(hours=1)
    plan = shelf.push(experiment_document(**changes))
    assert shelf.begins == [None, later]
    assert change_of(plan).opened == shelf.hero.epoch
    assert shelf.hero.epochs[0].allocation == {"control": ((0, 512),), "friendly": ((512, 1024),)}
    entry = json.loads(plan.history[-1])
    assert (entry["experiment"], entry["by"], entry["epoch"]["number"]) == ("hero_cta", "ann", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"description": "Words"},
        {"goals": ["orders.revenue"]},
        {"breakdowns": ["context.country"]},
        {"control": "friendly"},
        {"start": "2026-10-01T00:00:00Z"},
        {"exposure": {"where": {}, "variation": "v"}},
        {"variations": list(reversed(experiment_document()["variations"]))},
        {"variations": [{"id": "control", "parameters": {"cta": "Join"}}, experiment_document()["variations"][1]]},
        {"allocation": {"friendly": [[512, 1024]], "control": [[0, 512]]}},
    ],
)
def test_no_other_change_does(shelf: Shelf, changes: dict[str, Any]) -> None:
    shelf.push()
    shelf.wait(hours=1)
    assert change_of(shelf.push(experiment_document(**changes))).opened is None
    assert shelf.begins == [None]


def test_the_same_again_changes_nothing(shelf: Shelf) -> None:
    shelf.push()
    shelf.wait(hours=1)
    shelf.push(experiment_document(allocation=HALF))
    before = dict(shelf.fields)
    shelf.wait(hours=1)
    plan = shelf.push(experiment_document(allocation=HALF, effective_at="2020-01-01T00:00:00Z"))
    assert (plan.history, shelf.fields) == ([], before)
    assert {change.outcome for change in plan.report.trials} == {"unchanged"}


def test_a_default_spelled_out_keeps_its_value_when_the_default_changes(shelf: Shelf) -> None:
    shelf.push()
    variations = [{"id": "control", "parameters": {"cta": "Join"}}, experiment_document()["variations"][1]]
    parameters = {"cta": {"type": "string", "default": "Enter"}}
    shelf.push(experiment_document(variations=variations, parameters=parameters))
    assert shelf.begins == [None]
    assert shelf.hero.epoch.variations[0].parameters == {"cta": "Join"}


def test_a_stop_releases_the_buckets_and_going_on_opens_another_epoch(shelf: Shelf) -> None:
    shelf.push()
    stopped = shelf.wait(hours=1)
    shelf.push(experiment_document(status="stopped"))
    assert shelf.hero.epoch.allocation == {}
    before = dict(shelf.fields)
    shelf.wait(hours=1)
    shelf.push(experiment_document(status="stopped"))
    assert shelf.fields == before
    other = experiment_document(
        id="other", parameters={}, variations=[{"id": "control"}], allocation={"control": [[0, 1024]]}
    )
    shelf.push(other)
    assert shelf.refusal(experiment_document()) == (
        "experiments[0] (hero_cta): allocation.control: [0, 512] overlaps [0, 1024] of layer homepage, which running "
        "experiment other has for control; take other buckets, or stop other"
    )
    gone_on = shelf.wait(hours=1)
    shelf.push(experiment_document(), {**other, "status": "stopped"})
    assert shelf.begins == [None, stopped, gone_on]
    assert shelf.hero.epoch.allocation["control"] == ((0, 512),)


def test_a_draft_that_changes_and_starts_has_one_epoch(shelf: Shelf) -> None:
    shelf.push(experiment_document(status="draft", allocation=HALF))
    shelf.push(experiment_document(status="draft", eligible=None))
    shelf.push(experiment_document())
    assert shelf.begins == [None]
    assert shelf.refusal(experiment_document(status="draft")) == (
        "experiments[0] (hero_cta): status: it has run already, and its numbers stay; write stopped, or give a new one "
        "its own id"
    )


def test_another_layer_opens_an_epoch(shelf: Shelf) -> None:
    shelf.push(layers=[LAYER, {"id": "mail", "buckets": 1024}])
    later = shelf.wait(hours=1)
    shelf.push(experiment_document(layer="mail"), layers=[])
    assert shelf.begins == [None, later]


def test_an_epoch_may_begin_in_the_future(shelf: Shelf) -> None:
    shelf.push()
    tomorrow = shelf.text(days=1)
    shelf.push(experiment_document(allocation=HALF, effective_at=tomorrow))
    assert shelf.begins == [None, tomorrow]
    other = experiment_document(
        id="other", parameters={}, variations=[{"id": "control"}], allocation={"control": [[256, 300]]}
    )
    assert "overlaps [0, 512] of layer homepage" in shelf.refusal(other)
    shelf.wait(days=1)
    shelf.push(other)


def test_a_collision_to_come_says_from_when_on(shelf: Shelf) -> None:
    shelf.push(experiment_document(allocation=HALF))
    other = experiment_document(
        id="other", parameters={}, variations=[{"id": "control"}], allocation={"control": [[256, 300]]}
    )
    shelf.push(other)
    tomorrow = shelf.text(days=1)
    assert shelf.refusal(experiment_document(effective_at=tomorrow)) == (
        "experiments[0] (hero_cta): allocation.control: [0, 512] overlaps [256, 300] of layer homepage, which running "
        f"experiment other has for control from {tomorrow} on; take other buckets, or stop other"
    )


def test_an_epoch_begins_neither_in_the_past_nor_before_the_latest(shelf: Shelf) -> None:
    shelf.push()
    past, tomorrow, between = shelf.text(seconds=-61), shelf.text(days=1), shelf.text(hours=1)
    assert shelf.refusal(experiment_document(allocation=HALF, effective_at=past)) == (
        f"experiments[0] (hero_cta): effective_at: {past} is past, and events since then are counted in epoch 1; "
        "leave it out for a change from now on, or write a time to come"
    )
    shelf.push(experiment_document(allocation=HALF, effective_at=tomorrow))
    assert shelf.refusal(experiment_document(allocation={}, effective_at=between)) == (
        f"experiments[0] (hero_cta): effective_at: {between} is before epoch 2 begins, at {tomorrow}; "
        "write a time from then on"
    )
    shelf.push(experiment_document(allocation={}))
    assert shelf.begins == [None, tomorrow, tomorrow]


def test_a_moment_ago_is_now(shelf: Shelf) -> None:
    shelf.push()
    moment_ago = shelf.text(seconds=-59)
    shelf.push(experiment_document(allocation=HALF, effective_at=moment_ago))
    assert shelf.begins == [None, moment_ago]


def test_a_stop_is_from_now_on(shelf: Shelf) -> None:
    shelf.push()
    assert shelf.refusal(experiment_document(status="stopped", effective_at=shelf.text(days=1))) == (
        "experiments[0] (hero_cta): effective_at: a stop is from now on; leave it out, or write `end` for an end at a time "
        "to come"
    )


def test_a_first_effective_at_is_passed_over_and_told(shelf: Shelf) -> None:
    plan = shelf.push(experiment_document(effective_at=shelf.text(days=1)))
    assert shelf.begins == [None]
    assert plan.report.notes == ("experiment hero_cta: effective_at is passed over: its first epoch is open to the past",)


def test_buckets_can_change_hands_in_one_push(shelf: Shelf) -> None:
    shelf.push()
    other = experiment_document(
        id="other", parameters={}, variations=[{"id": "control"}], allocation={"control": [[256, 512]]}
    )
    shelf.push(other, experiment_document(allocation=HALF))
    assert list(shelf.account.experiments) == ["hero_cta", "other"]


def test_a_layer_with_something_running_keeps_its_size(shelf: Shelf) -> None:
    shelf.push()
    layers = [{"id": "homepage", "buckets": 2048}]
    assert shelf.refusal(layers=layers, experiments=[]) == (
        "layers[0] (homepage): buckets: the layer has 1024, and experiment hero_cta runs in it: all its units would get "
        "other buckets; make a new layer, or stop it first"
    )
    shelf.push(experiment_document(status="stopped"), layers=layers)
    assert shelf.account.layers["homepage"].buckets == 2048
