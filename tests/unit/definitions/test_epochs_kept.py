"""What is kept of epochs: bounded, never lost to a deletion or to a write past us, and doubted where it was spoiled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.definitions.hashes import read_hash
from pipeline.definitions.plan import plan_push
from pipeline.definitions.plan_deletion import InUse, NotThere
from pipeline.model.limits import EPOCHS_PER_EXPERIMENT_MAX
from tests.support.definitions import metric_document
from tests.support.experiments import experiment_document
from tests.support.shelf import HALF, Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_epochs_are_bounded(shelf: Shelf) -> None:
    shelf.push()
    kept = json.loads(shelf.fields[b"experiment:hero_cta"])
    (first,) = kept["epochs"]
    at = "2026-09-01T00:00:00.000Z"
    more = [{**first, "number": n, "effective_at": at} for n in range(2, EPOCHS_PER_EXPERIMENT_MAX + 1)]
    shelf.fields[b"experiment:hero_cta"] = json.dumps({**kept, "epochs": [first, *more]}).encode()
    assert "it has had 500 epochs, which are all kept; go on with a new experiment" in shelf.refusal(
        experiment_document(allocation=HALF)
    )


def test_a_hash_written_by_any_client_has_one_epoch_and_goes_on_from_it(shelf: Shelf) -> None:
    shelf.push()
    shelf.fields[b"experiment:hero_cta"] = json.dumps(experiment_document()).encode()
    assert shelf.begins == [None]
    later = shelf.wait(hours=1)
    shelf.push(experiment_document(allocation=HALF))
    assert shelf.begins == [None, later]


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        (3, "epochs: 3 is not a list of 1 to 500 epochs; push the experiment again after deleting this field"),
        ([], "epochs: [] is not a list of 1 to 500 epochs"),
        ([{}], "epochs[0]: not epoch 1, as it would be stored; push the experiment again after deleting this field"),
        (["number"], "epochs[0]: not epoch 1"),
    ],
)
def test_epochs_that_were_never_stored_so_are_told(shelf: Shelf, epochs: Any, said: str) -> None:
    shelf.push()
    shelf.fields[b"experiment:hero_cta"] = json.dumps(experiment_document(epochs=epochs)).encode()
    (problem,) = read_hash("acme", shelf.fields).problems
    assert problem.startswith(f"experiment:hero_cta: {said}")


@pytest.mark.parametrize(
    "spoil", [{"number": 3}, {"effective_at": None}, {"effective_at": "soon"}, {"allocation": {"x": [[0, 1]]}}]
)
def test_neither_is_an_epoch_that_does_not_follow(shelf: Shelf, spoil: dict[str, Any]) -> None:
    shelf.push()
    shelf.push(experiment_document(allocation=HALF))
    kept = json.loads(shelf.fields[b"experiment:hero_cta"])
    kept["epochs"][1] |= spoil
    shelf.fields[b"experiment:hero_cta"] = json.dumps(kept).encode()
    (problem,) = read_hash("acme", shelf.fields).problems
    assert problem.startswith("experiment:hero_cta: epochs[1]: not epoch 2, as it would be stored")


def test_who_is_changed_past_us_is_told_and_loses_no_epoch_when_pushed(shelf: Shelf) -> None:
    shelf.push()
    kept = json.loads(shelf.fields[b"experiment:hero_cta"])
    shelf.fields[b"experiment:hero_cta"] = json.dumps({**kept, "allocation": HALF}).encode()
    (problem,) = read_hash("acme", shelf.fields).problems
    assert problem.startswith("experiment:hero_cta: epochs: the last one is not what the experiment says")
    later = shelf.wait(hours=1)
    shelf.push(experiment_document(allocation=HALF))
    assert shelf.begins == [None, later]


def test_what_is_deleted_and_pushed_again_goes_on_counting_epochs(shelf: Shelf) -> None:
    shelf.push()
    shelf.wait(hours=1)
    plan = shelf.delete("hero_cta")
    assert [change.outcome for change in plan.report.trials] == ["deleted"]
    assert json.loads(plan.history[0])["by"] == "bob"
    assert shelf.account.experiments == {}
    again = shelf.wait(hours=1)
    shelf.push()
    assert shelf.begins == [None, again]
    assert b"epochs:hero_cta" not in shelf.fields


def test_a_draft_that_is_deleted_leaves_nothing(shelf: Shelf) -> None:
    shelf.push(experiment_document(status="draft"))
    shelf.delete("experiment:hero_cta")
    assert set(shelf.fields) == {b"settings", b"metric:orders", b"layer:homepage"}


def test_what_is_needed_is_not_deleted(shelf: Shelf) -> None:
    shelf.push()
    with pytest.raises(InUse, match="layer homepage holds experiment hero_cta; delete that first, or with it"):
        shelf.delete("layer:homepage")
    with pytest.raises(InUse, match="metric orders is a goal of experiment hero_cta; take it out of the goals first"):
        shelf.delete("orders")
    with pytest.raises(NotThere, match="account acme has no layer mail"):
        shelf.delete("layer:mail")
    shelf.delete("homepage", "hero_cta", "orders")
    assert set(shelf.fields) == {b"settings", b"epochs:hero_cta"}


def test_all_at_once_is_deleted_whatever_needs_what(shelf: Shelf) -> None:
    shelf.push()
    plan = shelf.delete()
    assert {change.metric for change in plan.report.changes} == {"orders"}
    assert {change.id for change in plan.report.trials} == {"hero_cta", "homepage"}


def test_a_push_may_refer_to_what_is_there(shelf: Shelf) -> None:
    shelf.push(experiments=[])
    document = {"account": "acme", "experiments": [experiment_document()]}
    shelf.take(plan_push(document, shelf.fields, shelf.now))
    assert list(shelf.account.experiments) == ["hero_cta"]


def test_a_metric_that_loses_a_goal_is_refused(shelf: Shelf) -> None:
    shelf.push()
    metric = {"id": "orders", "where": {}, "measures": {"count": {"aggregate": "count"}}}
    said = shelf.refusal(experiments=[], metrics=[metric])
    assert said.startswith("this would break what the account has: experiment:hero_cta: goals[1].goal: metric orders has no")


def test_that_numbers_start_anew_is_said(shelf: Shelf) -> None:
    said = (
        "experiment hero_cta: its exposure, goals or breakdowns changed, or a goal's metric did; "
        "its numbers start at zero unless it has counted so before",
    )
    assert shelf.push().report.notes == ()
    assert shelf.push(experiment_document(goals=["orders.count"])).report.notes == said
    assert shelf.push(experiment_document(goals=["orders.count"], allocation=HALF)).report.notes == ()
    assert shelf.push(metrics=[metric_document(where={"event": "Bought"})], experiments=None).report.notes == said
    assert shelf.push(experiment_document(status="stopped")).report.notes == said
    shelf.push(experiment_document(id="other", layer="homepage", status="draft"))
    assert shelf.push(experiment_document(id="other", status="draft", goals=["orders.count"])).report.notes == ()
