"""What is explained of an event is what happens when it is counted: in worlds drawn from seeds, number by number."""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from pipeline.explain import past
from pipeline.explain.body import Body, chosen, explain_event
from pipeline.explain.judge import Judge
from pipeline.explain.past import look_up
from pipeline.model.definition import Metric
from pipeline.store import open_store
from pipeline.store.contract import Store
from pipeline.store.fixed import fix
from pipeline.visitors.known import Known
from tests.differential.conftest import OpenStore
from tests.support.deliver import KEY, NOW, Delivery, Manner
from tests.support.generate import Event, World, make_world
from tests.support.seeds import seeds
from tests.support.stored import Numbers, stored_numbers

NOW_NS = int(NOW.timestamp()) * 10**9
FOLLOWED = 12  # events whose effect is looked at, of each world


class Told:
    """A world of which the first events are counted, and the others are explained before they are."""

    def __init__(self, seed: int, store: Store) -> None:
        self.world: World = make_world(seed)
        self.store = store
        random = Random(seed)
        shards = random.choice([1, 2, 8])
        fix(store, shards=shards, default_shards=shards, visitor_key=KEY)
        self.delivery = Delivery(store, Manner(shards=shards), random)
        self.delivery.adopt(self.world.snapshot)
        self._judges = {name: Judge(definitions) for name, definitions in self.world.snapshot.accounts.items()}
        self.ahead = random.sample(self.world.events, min(FOLLOWED, len(self.world.events)))
        self.counted = [event for event in self.world.events if event not in self.ahead]
        self.count(self.counted)

    def count(self, events: list[Event]) -> None:
        self.delivery.run(events, self.world.trusted)

    def numbers(self) -> Numbers:
        return stored_numbers(self.store, [self.world.snapshot])

    def explain(self, event: Event) -> Body:
        judge = self._judges[event.get("account", self.world.trusted)]
        line = json.dumps(event).encode()

        def look(line: bytes) -> Any:
            return look_up(self.store, judge, line, NOW_NS, KEY)

        return explain_event(judge, line, chosen(judge.definitions, None), NOW_NS, look)

    def metric(self, body: Body, told: Body) -> Metric:
        return self.world.snapshot.accounts[body["account"]].metrics[told["id"]]


@pytest.mark.parametrize("seed", seeds(25))
def test_an_event_adds_what_was_said_where_it_was_said(seed: int, new_store: OpenStore) -> None:
    told = Told(seed, new_store())
    for event in told.ahead:
        body = told.explain(event)
        before = told.numbers()
        told.count([event])
        after = told.numbers()
        touched = {key[:3] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        counting = {(body["account"], m["id"], m["revision"]) for m in body["metrics"] if m["counts"]}
        assert touched <= counting, event
        for metric in body["metrics"]:
            assert metric["counts"] is metric["matches"] and not metric.get("counted_before"), event
            for measure in metric.get("measures", ()):
                key = body["account"], metric["id"], metric["revision"], measure["name"]
                assert_added(measure, body["time"]["day"], before, after, key)
                if measure["aggregate"] == "count" and "once_per" not in measure:
                    for path, value in metric["breakdowns"].items():
                        cell = (*key, path, value, body["time"]["day"])
                        assert after[cell] == before.get(cell, 0) + 1


def assert_added(measure: Body, day: str, before: Numbers, after: Numbers, key: tuple[str, ...]) -> None:
    """The days' numbers of one measure changed as was said."""
    days = {k[-1] for k in before.keys() | after.keys() if k[:5] == (*key, "") and "/" not in k[-1]}
    cells = {one: (before.get((*key, "", "", one)), after.get((*key, "", "", one))) for one in days}
    changed = {one for one, (was, now) in cells.items() if was != now}
    was, now = cells.get(day, (None, None))
    earlier = str(measure.get("instead_of", ""))
    if measure["counts"] is False:
        assert changed <= {earlier}
    elif measure["aggregate"] in ("min", "max"):
        best = min if measure["aggregate"] == "min" else max
        assert changed <= {day} and now == (measure["adds"] if was is None else best(was, measure["adds"]))
    elif measure["aggregate"] == "mean" or (measure["aggregate"] == "sum" and earlier):
        assert changed <= {day, earlier}
    else:
        wanted = {day: Decimal(measure["adds"])} if earlier != day else {}
        wanted |= {earlier: Decimal(-1)} if earlier not in ("", day) else {}
        assert {one: Decimal(cells[one][1] or 0) - Decimal(cells[one][0] or 0) for one in changed} == {
            one: amount for one, amount in wanted.items() if amount
        }


@pytest.mark.parametrize("seed", seeds(10))
def test_an_event_that_was_counted_is_said_to_be(seed: int, new_store: OpenStore) -> None:
    told = Told(seed, new_store())
    firsts: dict[tuple[str, ...], int] = {}
    for event in told.counted:
        body = told.explain(event)
        assert body["counts_in"] == []
        for metric in body["metrics"]:
            assert metric["matches"] is metric.get("counted_before", False), event
            for measure in metric.get("measures", ()):
                assert measure["counts"] is False and measure["why"]
                if measure["aggregate"] == "count" and measure.get("first"):
                    key = body["account"], metric["id"], metric["revision"], measure["name"], "", ""
                    firsts[key] = firsts.get(key, 0) + 1
    numbers = told.numbers()
    for key, found in firsts.items():  # of several at one time each may be the first
        assert found >= sum(number for cell, number in numbers.items() if cell[:-1] == key and "/" not in cell[-1])


@pytest.mark.parametrize("seed", seeds(2))
def test_it_is_so_on_bigtable_too(seed: int, bigtable_url: str) -> None:
    with closing(open_store(bigtable_url, create=True)) as store:
        test_an_event_adds_what_was_said_where_it_was_said(seed, lambda: store)


@pytest.mark.parametrize("step", ["mark_firsts", "drop_duplicates"])
def test_a_canary_in_what_is_known_of_a_visitor_is_noticed(
    step: str, new_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that knows nothing of the past."""
    real = getattr(past, step)
    forgetful = {
        "mark_firsts": lambda unit, touches, _: real(unit, touches, Known()),
        "drop_duplicates": lambda unit, _, names_of: real(unit, Known(), names_of),
    }
    monkeypatch.setattr(past, step, forgetful[step])
    held = test_an_event_adds_what_was_said_where_it_was_said, test_an_event_that_was_counted_is_said_to_be
    with pytest.raises(AssertionError):
        for seed in range(10):
            held[step == "drop_duplicates"](seed, new_store)


def test_most_worlds_have_firsts_that_are_taken_over(new_store: OpenStore) -> None:
    taken = 0
    for seed in range(12):
        told = Told(seed, new_store())
        bodies = [told.explain(event) for event in told.ahead]
        taken += any("instead_of" in m for body in bodies for metric in body["metrics"] for m in metric.get("measures", ()))
    assert taken > 5
