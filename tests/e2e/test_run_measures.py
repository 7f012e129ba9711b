"""Every aggregate in every scope, breakdowns and their bounds, numbers at the edges, and firsts that come in late."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.limits import BREAKDOWN_VALUES_MAX
from tests.support.daycount import named, write_definitions, write_lines
from tests.support.records import order
from tests.support.small_runs import SmallRun

SCOPES = {"every": None, "ever": "visitor", "daily": "visitor_day"}
FIELD = "properties.total"


def measure(aggregate: str, once_per: str | None = None, field: str = FIELD) -> dict[str, str]:
    made = {"aggregate": aggregate, **({} if aggregate == "count" else {"field": field})}
    return made | ({"once_per": once_per} if once_per else {})


EVERYTHING = {
    "id": "m",
    "where": {"event": "Order Completed"},
    "measures": {
        **{f"{a}_{s}": measure(a, once) for a in ("count", "sum", "mean") for s, once in SCOPES.items()},
        "least": measure("min"),
        "most": measure("max"),
    },
    "breakdowns": ["properties.plan"],
}


@pytest.fixture
def run(tmp_path: Path) -> SmallRun:
    return SmallRun(f"sqlite:///{tmp_path}/n.db", write_definitions(tmp_path / "d.yaml", EVERYTHING))


def defined(run: SmallRun, **changes: Any) -> SmallRun:
    write_definitions(Path(run.definitions), {**EVERYTHING, **changes})
    return run


def feed(run: SmallRun, *records: Any) -> None:
    run.run(write_lines(Path(run.definitions).with_name("in.jsonl"), records))


def answer(run: SmallRun, *dimensions: str, last: str = "2026-10-01") -> dict[tuple[str, ...], dict[str, Any]]:
    words = {"dimensions": ",".join(dimensions)} if dimensions else {}
    rows = named(run.query("m", from_="2026-10-01", to=last, **words))
    return {key: {name.partition(".")[2]: n for name, n in row.items()} for key, row in rows.items()}


def total(run: SmallRun) -> dict[str, Any]:
    return answer(run)[()]


def quality(run: SmallRun) -> dict[str, int]:
    found: dict[str, int] = run.query("m", from_="2026-10-01", to="2026-10-01")["meta"]["quality"]
    return found


def event(n: int, visitor: str | None, at: str, amount: Any, **more: Any) -> dict[str, Any]:
    return order(messageId=f"m{n}", anonymousId=visitor, timestamp=f"2026-10-{at}:00Z", total=amount, **more)


def test_every_aggregate_in_every_scope(run: SmallRun) -> None:
    feed(
        run,
        event(1, "a", "01T10:00", 1.5),
        event(2, "a", "01T09:00", 4),
        event(3, "a", "02T09:00", 10),
        event(4, "b", "02T08:00", -3),
        event(5, None, "02T07:00", 100),
    )
    first, second = answer(run, "time:day", last="2026-10-02").values()
    assert first == {
        "count_every": 2, "count_ever": 1, "count_daily": 1,
        "sum_every": Decimal("5.5"), "sum_ever": 4, "sum_daily": 4,
        "mean_every": Decimal("2.75"), "mean_ever": 4, "mean_daily": 4,
        "least": Decimal("1.5"), "most": 4,
    }  # fmt: skip
    assert second == {
        "count_every": 3, "count_ever": 1, "count_daily": 2,
        "sum_every": 107, "sum_ever": -3, "sum_daily": 7,
        "mean_every": Decimal("35.666667"), "mean_ever": -3, "mean_daily": Decimal("3.5"),
        "least": -3, "most": 100,
    }  # fmt: skip


def test_days_without_events_are_zeros_and_nulls(run: SmallRun) -> None:
    feed(run, event(1, "a", "01T10:00", 1))
    empty = answer(run, "time:day", last="2026-10-02")[("2026-10-02",)]
    assert {name for name, n in empty.items() if n is None} == {
        "least",
        "most",
        "mean_every",
        "mean_ever",
        "mean_daily",
    }
    assert {n for n in empty.values() if n is not None} == {0}


def test_breakdown_values_are_texts_of_scalars(run: SmallRun) -> None:
    values = [
        1,
        "1",
        1.0,
        True,
        "true",
        None,
        "",
        [],
        {"a": 1},
        ...,
        "(none)",
        0.1,
        -0.0,
        1e21,
        "ü",
        "x" * 256,
        "x" * 257,
    ]
    values.append("ü" * 128)
    values.append("ü" * 129)
    feed(run, *[event(n, "a", "01T10:00", 1, properties={"plan": value}) for n, value in enumerate(values)])
    counts = {plan: row["count_every"] for (plan,), row in answer(run, "properties.plan").items()}
    assert counts == {
        "1": 3, "true": 2, "(none)": 6, "0.1": 1, "0": 1, "1000000000000000000000": 1, "ü": 1,
        "x" * 256: 1, "ü" * 128: 1, "(other)": 2,
    }  # fmt: skip
    assert sum(counts.values()) == total(run)["count_every"]


def test_once_per_holds_for_each_breakdown_value(run: SmallRun) -> None:
    feed(
        run,
        event(1, "a", "01T10:00", 1, properties={"plan": "x"}),
        event(2, "a", "01T11:00", 2, properties={"plan": "y"}),
        event(3, "a", "01T09:00", 4, properties={"plan": "y"}),
    )
    rows = {plan: (row["count_ever"], row["sum_ever"]) for (plan,), row in answer(run, "properties.plan").items()}
    assert rows == {"x": (1, 1), "y": (1, 4)}
    assert (total(run)["count_ever"], total(run)["sum_ever"]) == (1, 4)


def test_values_beyond_the_bound_are_others_and_totals_stay_exact(run: SmallRun) -> None:
    """All by one visitor, so in one slot: the bound is per slot."""
    defined(run, measures={"n": measure("count"), "ever": measure("count", "visitor"), "sum": measure("sum")})
    beyond = 37
    plans = [f"p{n}" for n in range(BREAKDOWN_VALUES_MAX + beyond)]
    events = [event(n, "a", "01T10:00", 1, properties={"plan": plan}) for n, plan in enumerate(plans)]
    feed(run, *events[:500])
    feed(run, *events[500:])
    again = [event(10_000 + n, "a", "01T09:00", 2, properties={"plan": plan}) for n, plan in enumerate(plans)]
    feed(run, *again)
    asked = ["(other)", *plans[:400], *plans[-beyond:]]  # one query lists no more than the writer names in one slot
    words = {"from_": "2026-10-01", "to": "2026-10-01", "dimensions": "properties.plan"}
    answered = named(run.query("m", **words, filters=json.dumps([["is", "properties.plan", asked]])))
    rows = {plan: {name[2:]: n for name, n in row.items()} for (plan,), row in answered.items()}
    assert rows.pop("(other)") == {"n": 2 * beyond, "ever": beyond, "sum": 3 * beyond}
    assert rows == {plan: {"n": 2, "ever": 1, "sum": 3} for plan in plans[:400]}
    assert total(run) == {"n": 2 * len(plans), "ever": 1, "sum": 3 * len(plans)}


@pytest.mark.parametrize("field", ["properties.products.quantity", "items.quantity", "context.cart.items.quantity"])
def test_a_path_through_an_array_adds_its_elements_up(run: SmallRun, field: str) -> None:
    defined(run, measures={"q": measure("sum", None, field), "first": measure("sum", "visitor", field)})
    *way, _ = field.split(".")

    def holding(n: int, products: Any, at: str = "01T10:00") -> dict[str, Any]:
        record = event(n, "a", at, 1)
        inner = record
        for part in way[:-1]:
            inner = inner.setdefault(part, {})
        inner[way[-1]] = products
        return record

    feed(
        run,
        holding(1, [{"quantity": 2}, {"quantity": 0.5}, {}, {"quantity": "7"}, 5, None]),
        holding(2, [{"quantity": 3}], "01T09:00"),
        holding(3, {"quantity": 10}),
        holding(4, []),
        holding(5, [{}, {"quantity": None}]),
        holding(6, "none"),
        holding(7, [[{"quantity": 1}], [{"quantity": 1}]]),
    )
    assert total(run) == {"q": Decimal("17.5"), "first": 3}
    assert quality(run)["no_number"] == 3


def test_a_numeric_part_indexes_an_array(run: SmallRun) -> None:
    defined(run, measures={"q": measure("sum", None, "properties.products.1.quantity")})
    products = [{"quantity": 1}, {"quantity": 20}]
    feed(run, event(1, "a", "01T10:00", 1, properties={"products": products}), event(2, "a", "01T10:00", 1))
    assert (total(run), quality(run)["no_number"]) == ({"q": 20}, 1)


EDGE = 10**12
NUMBERS: list[tuple[str, str | None]] = [
    ("1000000000000", str(EDGE)),
    ("-1000000000000.0", str(-EDGE)),
    ("1e12", str(EDGE)),
    ("1000000000000.0001", None),
    ("1000000000001", None),
    ("-1e13", None),
    ("123456789012345678901234567890", None),
    ("1e300", None),
    ("999999999999.9999", "999999999999.9999"),
    ("0.1", "0.1"),
    ("-0.0", "0"),
    ("0.0000005", "0"),
    ("0.0000015", "0.000002"),
    ("0.0000025", "0.000002"),
    ("-0.0000015", "-0.000002"),
    ("0.00000050000001", "0.000001"),
    ("1e-7", "0"),
    ("8.41", "8.41"),
    ("1.005", "1.005"),
    ("0.30000000000000004", "0.3"),
    ("true", None),
    ("false", None),
    ('"5"', None),
    ('""', None),
    ("null", None),
    ("[1]", None),
    ('{"a":1}', None),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_a_number_is_its_shortest_decimal_to_six_places(run: SmallRun, text: str, expected: str | None) -> None:
    feed(run, json.dumps(event(1, "a", "01T10:00", "?")).replace('"?"', text))
    row = total(run)
    assert row["count_every"] == row["count_ever"] == 1
    sums = {row[name] for name in ("sum_every", "sum_ever", "sum_daily")}
    means = {row[name] for name in ("mean_every", "mean_ever", "mean_daily", "least", "most")}
    assert sums == {Decimal(expected or "0")}
    assert means == {None if expected is None else Decimal(expected)}
    assert quality(run)["no_number"] == (expected is None)


def test_sums_beyond_63_bits_of_millionths_stay_exact(run: SmallRun) -> None:
    defined(run, measures={"s": measure("sum"), "mean": measure("mean"), "daily": measure("sum", "visitor_day")})
    amounts = [999_999_999_999.999999, 999_999_999_999.5, 0.000001]
    events = [event(n, f"v{n}", "01T10:00", amounts[n % 3]) for n in range(60)]
    feed(run, *events[:30])
    feed(run, *events[30:])
    feed(run, *[event(100 + n, f"w{n}", "01T10:00", -amounts[n % 3]) for n in range(3)])
    exact = 19 * sum((Decimal(repr(a)) for a in amounts), Decimal(0))
    assert exact > Decimal(2**63) / 10**6
    assert (total(run)["s"], total(run)["daily"]) == (exact, exact)
    assert total(run)["mean"] == (exact / 63).quantize(Decimal("0.000001"))


def test_a_first_without_a_number_stays_the_first(run: SmallRun) -> None:
    """Which event is a visitor's first is decided before its field is read."""
    feed(run, event(1, "a", "01T10:00", 5), event(2, "a", "01T09:00", "many"))
    row = total(run)
    assert (row["count_ever"], row["sum_ever"], row["mean_ever"], row["sum_every"]) == (1, 0, None, 5)
    feed(run, event(3, "a", "01T08:00", 7))
    row = total(run)
    assert (row["count_ever"], row["sum_ever"], row["mean_ever"], row["sum_every"]) == (1, 7, 7, 12)


def test_a_late_earlier_event_moves_the_first_day_and_its_amount(run: SmallRun) -> None:
    def firsts() -> list[tuple[Any, ...]]:
        rows = answer(run, "time:day", last="2026-10-03").values()
        return [tuple(row[name] for name in ("count_ever", "sum_ever", "count_daily", "sum_daily")) for row in rows]

    feed(run, event(1, "a", "03T10:00", 30, properties={"plan": "x"}))
    assert firsts() == [(0, 0, 0, 0), (0, 0, 0, 0), (1, 30, 1, 30)]
    feed(run, event(2, "a", "02T10:00", 20, properties={"plan": "x"}))
    assert firsts() == [(0, 0, 0, 0), (1, 20, 1, 20), (0, 0, 1, 30)]
    feed(run, event(3, "a", "01T23:59", 10, properties={"plan": "y"}), event(4, "a", "02T09:00", 2))
    assert firsts() == [(1, 10, 1, 10), (0, 0, 1, 2), (0, 0, 1, 30)]
    by_plan = answer(run, "time:day", "properties.plan", last="2026-10-03")
    assert {key: row["sum_ever"] for key, row in by_plan.items() if row["sum_ever"]} == {
        ("2026-10-01", "y"): 10,
        ("2026-10-02", "x"): 20,
        ("2026-10-02", "(none)"): 2,
    }


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order_of_arrival", list(itertools.permutations(["10", "9", "b"])))
def test_a_tie_goes_to_the_smallest_message_id(run: SmallRun, order_of_arrival: tuple[str, ...], together: bool) -> None:
    amounts = {"10": 1, "9": 2, "b": 4}  # compared as texts: "10" comes first
    events = [order(messageId=name, total=amounts[name]) for name in order_of_arrival]
    if together:
        feed(run, *events)
    else:
        for one in events:
            feed(run, one)
    row = total(run)
    assert (row["count_ever"], row["sum_ever"], row["sum_daily"], row["sum_every"]) == (1, 1, 1, 7)


def test_take_backs_of_a_year_leave_one_first(run: SmallRun) -> None:
    """Newest first, each in a unit of its own: every event but the last is taken back again."""
    days = [f"2026-{month:02d}-{day:02d}" for month in range(1, 11) for day in (1, 11, 21)]
    for n, day in enumerate(reversed(days)):
        feed(run, order(messageId=f"m{n}", timestamp=f"{day}T10:00:00Z", total=n))
    rows = named(run.query("m", from_="2026-01-01", to="2026-10-31", dimensions="time:day"))
    assert [key for key, row in rows.items() if row["m.count_ever"]] == [("2026-01-01",)]
    assert sum(row["m.sum_ever"] for row in rows.values()) == len(days) - 1
    assert sum(row["m.count_daily"] for row in rows.values()) == len(days)


def test_pushing_an_old_definition_again_goes_on_with_its_numbers(run: SmallRun) -> None:
    feed(run, event(1, "a", "01T10:00", 1))
    defined(run, where={"event": "Order Completed", "properties.total": {"$gt": 1}})
    feed(run, event(2, "b", "01T10:00", 2))
    assert total(run)["count_every"] == 1
    defined(run)
    feed(run, event(3, "c", "01T10:00", 4))
    assert total(run)["sum_every"] == 5
    feed(run, event(1, "a", "01T10:00", 1), event(2, "b", "01T10:00", 2), event(3, "c", "01T10:00", 4))
    assert (total(run)["sum_every"], total(run)["count_ever"]) == (7, 3)
