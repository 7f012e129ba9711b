"""An experiment's events in any order, and its truth worked out the obvious way from the set of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.experiment import Epoch, Experiment, Goal, Parameter, Variation
from pipeline.shard.keeper import ShardKeeper
from pipeline.store.contract import Store
from readers.experiments.reading import read_totals, read_totals_by
from readers.experiments.totals import GoalTotals, TrialTotals, VariationTotals
from tests.support.generate_definitions import parse

ACCOUNT, SHARDS = "acme", 4
NOW = datetime(2024, 6, 1, tzinfo=UTC)
START = datetime(2024, 5, 1, tzinfo=UTC)
SECOND_EPOCH = "2024-05-04T12:00:00.000Z"
METRICS = [
    {
        "id": "orders",
        "where": {"event": "Order"},
        "measures": {
            "n": {"aggregate": "count"},
            "revenue": {"aggregate": "sum", "field": "properties.total"},
            "buyers": {"aggregate": "count", "once_per": "visitor"},
            "first": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor"},
            "days": {"aggregate": "count", "once_per": "visitor_day"},
        },
    }
]
GOALS = ("orders.n", "orders.revenue", "orders.buyers", "orders.first", "orders.days")
_VARIATIONS = (Variation("control", {}), Variation("friendly", {}))
_HALVES = {"control": ((0, 512),), "friendly": ((512, 1024),)}
EPOCHS = (Epoch(1, None, _VARIATIONS, _HALVES, {}), Epoch(2, SECOND_EPOCH, _VARIATIONS, _HALVES, {}))


def experiment(**changed: Any) -> Experiment:
    """One with two epochs, five goals and a breakdown."""
    named: dict[str, Any] = {
        "id": "hero", "layer": "page", "status": "running", "description": "",
        "parameters": {"cta": Parameter("string", "Join")},
        "exposed": {"event": "Viewed"}, "variation_path": "properties.variation", "breakdowns": ("properties.plan",),
        "goals": tuple(Goal(*goal.split(".")) for goal in GOALS), "control": "control", "epochs": EPOCHS,
        "start": None, "end": None, "revision": "0123456789abcdef",
    }  # fmt: skip
    return Experiment(**{**named, **changed})


def snapshot(*experiments: Experiment, timezone: str = "UTC") -> Snapshot:
    """One account with METRICS and these experiments."""
    plain = parse(ACCOUNT, {"timezone": timezone}, METRICS)
    metrics = plain.metrics.values()
    return Snapshot.of([AccountDefinitions.of(ACCOUNT, plain.settings, metrics, (), (), experiments or (experiment(),))])


def draw_events(random: Random, number: int, visitors: int = 6) -> list[dict[str, Any]]:
    """Exposures and orders of a few visitors, some at the very same time, some of nobody."""
    events = []
    for i in range(number):
        at = START + timedelta(minutes=random.choice([random.randrange(7 * 1440), 6 * 1440 * random.randrange(2)]))
        number_of = random.randrange(visitors)
        visitor = f"v{number_of}" if random.random() < 0.95 else None
        event = {"messageId": f"m{i}", "anonymousId": visitor, "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}Z"}
        if random.random() < 0.3:
            usual = ("control", "friendly")[number_of % 2]
            shown = random.choice(["control", "friendly", "strange"]) if random.random() < 0.07 else usual
            event |= {"event": "Viewed", "properties": {"variation": shown, "plan": "bp"[number_of // 2 % 2]}}
        else:
            total = random.choice([10, 12.5, -3, 0, "12", None, 10**12, 0.000001])
            event |= {"event": "Order", "properties": {"total": total}}
        events.append(event)
    return events


def hits_of(definitions: Snapshot, events: Sequence[dict[str, Any]]) -> list[tuple[int, bytes]]:
    """The events' hits by shard."""
    data = b"".join(json.dumps(e).encode() + b"\n" for e in events)
    matched = BlockMatcher(definitions, SHARDS, b"key").match(data, Span("in", 0, ACCOUNT), int(NOW.timestamp() * 1e9))
    assert not matched.rejects
    return matched.hits


def keeper_of(store: Store, definitions: Snapshot, **named: Any) -> ShardKeeper:
    """A keeper that does not sleep."""
    keeper = ShardKeeper(store, clock=NOW.timestamp, sleep=lambda _: None, **named)
    keeper.adopt(definitions)
    return keeper


def counted(store: Store, of: Experiment) -> dict[Any, TrialTotals]:
    """All totals that the store has, by epoch and value of the breakdown (None: all visitors)."""
    today = date(2024, 6, 1)
    found: dict[Any, TrialTotals] = {}
    for epoch in of.epochs:
        found[epoch.number, None] = read_totals(store, ACCOUNT, of, epoch, today)
        for value, totals in read_totals_by(store, ACCOUNT, of, epoch, "properties.plan", today).items():
            if any(v.visitors for v in totals.variations.values()) or totals.unknown:
                found[epoch.number, value] = totals
    return found


def truth(events: Sequence[dict[str, Any]], of: Experiment, id_of: Any) -> dict[Any, TrialTotals]:
    """The same from the events alone. id_of: what orders events of the same time."""
    by_visitor: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in {e["messageId"]: e for e in events if e["anonymousId"]}.values():
        by_visitor[event["anonymousId"]].append(event)
    sums: dict[Any, dict[str, list[tuple[str, list[Any]]]]] = defaultdict(lambda: defaultdict(list))
    several: Counter[int] = Counter()
    for all_of_visitor in by_visitor.values():
        ordered = sorted(all_of_visitor, key=lambda e: (e["timestamp"], id_of(e["messageId"])))
        for epoch in of.epochs:
            mine = [e for e in ordered if (e["timestamp"] >= SECOND_EPOCH.replace(".000", "")) == (epoch.number == 2)]
            exposures = [e for e in mine if e["event"] == "Viewed"]
            names = {_shown(e, epoch) for e in exposures}
            if len(names) > 1:
                several[epoch.number] += 1
            elif names:
                first = exposures[0]
                orders = [e for e in mine if e["event"] == "Order" and e["timestamp"] >= first["timestamp"]]
                earlier = [e for e in ordered if e["event"] == "Order" and e["timestamp"] < first["timestamp"]]
                worth = [(_values(orders, goal.measure), _values(earlier, goal.measure)) for goal in of.goals]
                for value in (None, first["properties"]["plan"]):
                    sums[epoch.number, value][names.copy().pop()].append((first["timestamp"][:10], worth))
    keys = {*sums, *((epoch.number, None) for epoch in of.epochs)}
    return {key: _totals(of, key, sums[key], several[key[0]] if key[1] is None else 0) for key in keys}


def _shown(event: dict[str, Any], epoch: Epoch) -> str:
    name = event["properties"]["variation"]
    return name if name in {v.id for v in epoch.variations} else "(other)"


def _values(orders: Sequence[dict[str, Any]], measure: str) -> list[tuple[str, Decimal]]:
    counts = orders
    if measure in ("buyers", "first"):
        counts = orders[:1]
    elif measure == "days":
        counts = [o for i, o in enumerate(orders) if o["timestamp"][:10] not in {p["timestamp"][:10] for p in orders[:i]}]
    if measure in ("n", "buyers", "days"):
        return [(o["timestamp"][:10], Decimal(1)) for o in counts]
    totals = [(o["timestamp"][:10], o["properties"]["total"]) for o in counts]
    return [(day, Decimal(repr(total))) for day, total in totals if isinstance(total, (int, float))]


def _totals(of: Experiment, key: Any, sums: dict[str, Any], several: int) -> TrialTotals:
    variations = {}
    for variation in ("control", "friendly"):
        visitors = sums.get(variation, [])
        goals = []
        for number in range(len(of.goals)):
            worth = [values[number] for _, values in visitors]
            after, before = ([sum((Fraction(n) for _, n in of[i]), Fraction(0)) for of in worth] for i in (0, 1))
            days: defaultdict[str, Decimal] = defaultdict(Decimal)
            for day, amount in (pair for of_visitor, _ in worth for pair in of_visitor):
                days[day] += amount
            goals.append(
                GoalTotals(
                    sum(bool(of_visitor) for of_visitor, _ in worth),
                    _decimal(sum(after)),
                    sum((n * n for n in after), Fraction(0)),
                    {day: n for day, n in sorted(days.items()) if n},
                    _decimal(sum(before)),
                    sum((n * n for n in before), Fraction(0)),
                    sum((n * m for n, m in zip(after, before, strict=True)), Fraction(0)),
                )
            )
        exposed = dict(sorted(Counter(day for day, _ in visitors).items()))
        variations[variation] = VariationTotals(variation, len(visitors), exposed, tuple(goals))
    strange = {"(other)": len(sums["(other)"])} if sums.get("(other)") else {}
    return TrialTotals(variations, several, 0, strange)


def _decimal(number: Fraction | int) -> Decimal:
    return Decimal(int(number * 10**6)) / 10**6
