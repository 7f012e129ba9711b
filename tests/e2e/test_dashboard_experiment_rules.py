"""What the dashboard's pages of experiments go by, without a page: shares and buckets, layers over time, axes, the form."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.dashboard_modules import modules, run
from tests.support.experiment_site import BUTTON, HERO
from tests.support.seeds import seeds

__all__ = ["modules"]

Ranges = dict[str, list[list[int]]]


def buckets_of(allocation: Ranges) -> dict[str, set[int]]:
    return {v: {b for first, end in ranges for b in range(first, end)} for v, ranges in allocation.items()}


def test_shares_come_to_whole_buckets_whose_sum_is_that_of_the_shares(modules: Page) -> None:
    code = "m.bucketsOf(given[0], given[1])"
    assert run(modules, "experiments/allocator", code, [[50, 50], 1024]) == [512, 512]
    assert run(modules, "experiments/allocator", code, [[33.34, 33.33, 33.33], 1024]) == [342, 341, 341]
    assert run(modules, "experiments/allocator", code, [[16.67] * 6, 256]) == [43, 43, 43, 43, 42, 42]
    assert run(modules, "experiments/allocator", code, [[0.1, 0], 64]) == [0, 0]


@pytest.mark.parametrize("seed", seeds(6))
def test_the_fewest_buckets_change_hands_and_none_of_others(modules: Page, seed: int) -> None:
    rng, asked = random.Random(seed), []
    for _ in range(40):
        others = sorted(rng.sample(range(257), 2))
        free = [b for b in range(256) if not others[0] <= b < others[1]]
        held: Ranges = {v: [] for v in "abc"}
        for b in free:
            if owner := rng.choice(["", "", "a", "b", "c"]):
                held[owner].append([b, b + 1])
        cuts = sorted(rng.choices(range(len(free) + 1), k=3))
        wanted = dict(zip("abd", (cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1]), strict=True))
        taken = [{"start": others[0], "end": others[1]}]
        asked.append({"buckets": 256, "held": held, "taken": taken, "wanted": wanted})
    code = "given.map((g) => { const a = m.allocate(g); return [a, m.moved(g.held, a, g.buckets)]; })"
    for given, (allocation, moved) in zip(asked, run(modules, "experiments/allocator", code, asked), strict=True):
        held, found = buckets_of(given["held"]), buckets_of(allocation)
        assert {v: len(found.get(v, ())) for v in given["wanted"]} == given["wanted"]
        assert sum(map(len, found.values())) == len(set().union(*found.values()))
        (others_,) = given["taken"]
        assert not set(range(others_["start"], others_["end"])) & set().union(*found.values())
        released = sum(max(0, len(held[v]) - given["wanted"].get(v, 0)) for v in held)
        grown = sum(max(0, n - len(held.get(v, ()))) for v, n in given["wanted"].items())
        assert moved == max(released, grown)


def test_where_others_have_too_much_there_is_no_allocation(modules: Page) -> None:
    given = {"buckets": 64, "held": {}, "taken": [{"start": 0, "end": 40}], "wanted": {"a": 20, "b": 5}}
    assert run(modules, "experiments/allocator", "m.allocate(given)", given) is None


def test_a_ramp_leaves_everybody_who_was_in_where_they_were(modules: Page) -> None:
    held = {"control": [[0, 102]], "friendly": [[102, 204]]}
    given = {"buckets": 1024, "held": held, "taken": [], "wanted": {"control": 512, "friendly": 512}}
    found = run(modules, "experiments/allocator", "m.allocate(given)", given)
    assert found == {"control": [[0, 102], [204, 614]], "friendly": [[102, 204], [614, 1024]]}


def epoch(number: int, at: str | None, **allocation: Any) -> dict[str, Any]:
    return {"number": number, "effective_at": at, "allocation": allocation}


def test_a_layer_has_a_row_for_each_time_at_which_something_changed(modules: Page) -> None:
    one = {"id": "one", "layer": "l", "status": "running"}
    one["epochs"] = [epoch(1, None, a=[[0, 8]]), epoch(2, "2026-10-02T00:00:00.000Z", a=[[0, 16]])]  # type: ignore[assignment]
    two = {"id": "two", "layer": "l", "status": "stopped"}
    two["epochs"] = [epoch(1, None, b=[[32, 48]]), epoch(2, "2026-10-01T00:00:00.000Z")]  # type: ignore[assignment]
    draft = {"id": "draft", "layer": "l", "status": "draft", "epochs": [epoch(1, None, c=[[16, 20]])]}
    rows = run(modules, "experiments/layer_rows", "m.layerRows({id: 'l', buckets: 64}, given)", [one, two, draft])
    told = [[(s["experiment"], s["start"], s["end"]) for s in row["stretches"]] for row in rows]
    assert [row["from"] for row in rows] == [None, "2026-10-01T00:00:00.000Z", "2026-10-02T00:00:00.000Z"]
    assert told == [
        [("one", 0, 8), (None, 8, 32), ("two", 32, 48), (None, 48, 64)],
        [("one", 0, 8), (None, 8, 64)],
        [("one", 0, 16), (None, 16, 64)],
    ]


def test_an_experiment_has_its_buckets_from_its_start_on_though_its_numbers_are_open_to_the_past(modules: Page) -> None:
    pushed, started = "2026-10-01T10:00:00+00:00", "2026-10-02T10:00:00+00:00"
    history = [{"at": pushed, "outcome": "new", "fields": []}, {"at": started, "outcome": "changed", "fields": ["status"]}]
    one = {"id": "one", "layer": "l", "status": "running", "epochs": [epoch(1, None, a=[[0, 8]])], "history": history}
    two = {**one, "id": "two", "history": [{**history[0], "at": "2026-10-03T00:00:00+00:00"}]}
    rows = run(modules, "experiments/layer_rows", "m.layerRows({id: 'l', buckets: 8}, given)", [one])
    assert [(row["from"], row["stretches"][0]["experiment"]) for row in rows] == [(started, "one")]
    rows = run(modules, "experiments/layer_rows", "m.layerRows({id: 'l', buckets: 8}, given)", [one, two])
    assert [row["from"] for row in rows] == [started, two["history"][0]["at"]]  # type: ignore[index]


@pytest.mark.parametrize("document", [HERO, BUTTON])
def test_a_definition_comes_out_of_the_form_as_it_went_in(modules: Page, document: dict[str, Any]) -> None:
    typed = {
        **document,
        "parameters": {
            **document["parameters"],
            "n": {"type": "integer", "default": 3},
            "on": {"type": "boolean", "default": False},
            "j": {"type": "json", "default": {"a": [1]}},
        },
        "eligible": {"country": {"$in": ["UK"]}},
    }
    goals = [{"better": "higher", "guardrail": False, **({"goal": g} if isinstance(g, str) else g)} for g in typed["goals"]]
    code = "m.definitionOf(m.draftOf(given, 1024), given.allocation)"
    found = run(modules, "experiments/draft", code, typed)
    assert found == {"definition": {**typed, "goals": goals}, "faults": []}


def test_a_value_of_another_type_is_told_at_its_place(modules: Page) -> None:
    variations = [{"id": "control", "parameters": {}}, {"id": "b", "parameters": {"n": 4}}]
    document = {**HERO, "parameters": {"n": {"type": "number", "default": 1}}, "variations": variations}
    typed = "draft.variations[1].values[0] = 'four'"
    code = f"((draft) => {{ {typed}; return m.definitionOf(draft, {{}}).faults; }})(m.draftOf(given, 64))"
    assert run(modules, "experiments/draft", code, document) == [
        {"pointer": "/variations/1/parameters/n", "text": "“four” is not of the type number"}
    ]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("rate", 0.005726, "0.573 %"), ("rate", None, "–"), ("mean", 12.345, "12.35"), ("rate", 0, "0 %"),
    ],
)  # fmt: skip
def test_a_goal_s_value_is_short(modules: Page, kind: str, value: float | None, text: str) -> None:
    assert run(modules, "experiments/say", "m.valueText(given[0], given[1])", [kind, value]) == text


def test_an_axis_holds_all_fixed_intervals_the_zero_and_cuts_what_only_says_that_it_is_too_early(modules: Page) -> None:
    near = {"difference": 0.02, "interval": [-5.0, 5.0], "fixed": {"interval": [0.01, 0.03]}}
    axis = run(modules, "experiments/axis", "m.axisOf(given)", [near, {"difference": None}, None])
    assert axis["low"] < 0 < 0.03 < axis["high"] < 0.2
    assert 0 in axis["ticks"] and axis["ticks"] == sorted(axis["ticks"])
    assert run(modules, "experiments/axis", "m.axisOf(given)", [{"difference": None}]) is None


def test_days_without_events_are_as_the_day_before(modules: Page) -> None:
    days = [{"day": "2026-10-01", "visitors": 10, "total": 1}, {"day": "2026-10-03", "visitors": 10, "total": 3}]
    code = "[m.daysOf(given), m.cumulative(given.variations[0], m.daysOf(given)).map((d) => d.value)]"
    found = run(modules, "experiments/over_time", code, {"variations": [{"days": days}, {"days": []}]})
    assert found == [["2026-10-01", "2026-10-02", "2026-10-03"], [0.1, 0.1, 0.2]]
