"""The order of rows, and their pages."""

from __future__ import annotations

import pytest

from tests.unit.readers.conftest import COUNTRY, ORDERS, Desk

DAY = ["2026-10-01", "2026-10-01"]
BOTH = ["big_orders.orders", "big_orders.least"]


@pytest.fixture
def countries(desk: Desk) -> Desk:
    for value, amounts in {
        "B": {"orders": 2, "least": "1"},
        "A": {"orders": 2, "least": "5"},
        "C": {"orders": 10, "least": "-3"},
        "D": {"orders": 1},
    }.items():
        desk.counters.day(ORDERS, "2026-10-01", amounts, breakdown=COUNTRY, value=value)
    return desk


def values(desk: Desk, **body: object) -> str:
    return "".join(row[0] for row in desk.rows(BOTH, DAY, dimensions=[COUNTRY], **body))


def test_ties_are_in_the_order_of_dimensions_either_way(countries: Desk) -> None:
    assert values(countries, order_by=[["big_orders.orders", "desc"]]) == "CABD"
    assert values(countries, order_by=[["big_orders.orders", "asc"]]) == "DABC"


def test_several_keys_are_taken_one_after_the_other(countries: Desk) -> None:
    order = [["big_orders.orders", "asc"], [COUNTRY, "desc"]]
    assert values(countries, order_by=order) == "DBAC"


def test_rows_without_a_number_come_last_either_way(countries: Desk) -> None:
    assert values(countries, order_by=[["big_orders.least", "asc"]]) == "CBAD"
    assert values(countries, order_by=[["big_orders.least", "desc"]]) == "ABCD"


def test_days_can_be_turned_round(desk: Desk) -> None:
    rows = desk.rows(date_range=["2026-10-01", "2026-10-03"], dimensions=["time:day"], order_by=[["time:day", "desc"]])
    assert [row[0][-1] for row in rows] == ["3", "2", "1"]


def test_pages_together_are_the_whole(countries: Desk) -> None:
    pages = [values(countries, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert pages == ["CAB", "D", ""]
    assert countries.ask(BOTH, DAY, dimensions=[COUNTRY], limit=1)["meta"]["total_rows"] == 4


def test_a_cut_at_the_default_limit_is_warned_of(desk: Desk) -> None:
    asked = {"date_range": "90d", "dimensions": ["time:hour"]}
    answer = desk.ask(**asked)
    assert len(answer["results"]) == 1000
    assert "of 2160" in answer["meta"]["warnings"][0]
    assert desk.ask(**asked, limit=1000)["meta"]["warnings"] == []
    assert len(desk.ask(**asked, limit=10_000)["results"]) == 2160
