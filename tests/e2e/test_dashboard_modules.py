"""The dashboard's rules that need no page, in the browser that runs them: addresses, days, numbers, what answers mean."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from readers.query.dates import PRESETS, parse_span
from tests.support.dashboard_modules import modules, run

__all__ = ["modules"]


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (None, "–"), (0, "0"), (7, "7"), (999, "999"), (1000, "1k"), (1049, "1.05k"), (12_345, "12.3k"), (123_456, "123k"),
        (999_949, "1000k"), (999_950, "1M"), (1_846_498.003, "1.85M"), (2.5e9, "2.5B"), (7e12, "7T"), (-1234, "−1.23k"),
        (3.14159, "3.14"), (0.1 + 0.2, "0.3"), (0.00123, "0.0012"), (456.78, "457"), (-0.5, "−0.5"),
    ],
)  # fmt: skip
def test_a_number_is_short_on_the_page(modules: Page, number: float | None, short: str) -> None:
    assert run(modules, "format", "m.compact(given)", number) == short


@pytest.mark.parametrize(
    ("ratio", "text", "direction"),
    [
        (0.0529, "+5.3 %", "up"), (-0.8, "−80.0 %", "down"), (0, "±0 %", "same"), (0.0004, "±0 %", "same"),
        (12.345, "+1.23k %", "up"), (1.5, "+150 %", "up"),
    ],
)  # fmt: skip
def test_a_change_has_its_sign_and_direction(modules: Page, ratio: float, text: str, direction: str) -> None:
    found = run(modules, "format", "m.change(given)", ratio)
    assert (found["text"], found["direction"]) == (text, direction)


def test_where_there_is_no_change_none_is_shown(modules: Page) -> None:
    assert run(modules, "format", "m.change(null)") is None


def test_a_number_is_in_full_where_it_is_explained(modules: Page) -> None:
    assert run(modules, "format", "m.full(1846498.003)") == "1,846,498.003"


def test_ranges_begin_where_the_service_has_them_begin(modules: Page) -> None:
    days = [date(2023, 12, 1) + timedelta(n) for n in range(0, 900, 7)]
    asked = [(name, day.isoformat()) for day in days for name in PRESETS if name != "all"]
    found = run(modules, "days", "given.map(([name, today]) => m.spanOf(name, today))", asked)
    assert found == [parse_span(name, date.fromisoformat(today)).texts() for name, today in asked]


def test_an_address_gives_back_the_state_that_it_was_written_for(modules: Page) -> None:
    state = {
        "view": "metric", "account": "a", "metric": "orders", "measure": "revenue", "range": "7d", "compare": "none",
        "unit": "hour", "by": "a.b", "value": "=&?# ü", "find": "", "experiment": "", "epoch": "", "goal": "",
    }  # fmt: skip
    changes: list[dict[str, Any]] = [
        {}, {"range": ["2026-01-02", "2026-02-03"]}, {"value": None}, {"value": ""}, {"view": "overview", "metric": ""},
        {"view": "explain"}, {"view": "experiments"}, {"view": "edit"}, {"view": "edit", "experiment": "hero"},
        {"view": "experiment", "experiment": "hero", "epoch": "2", "goal": "a.b"},
        {"compare": "previous_period", "unit": "auto", "range": "30d"},
    ]  # fmt: skip
    states = [{**state, **change} for change in changes]
    assert run(modules, "address", "given.map((s) => m.readAddress(m.writeAddress(s)))", states) == states
    assert run(modules, "address", "m.writeAddress(m.DEFAULTS)") == ""


def test_going_to_another_metric_leaves_behind_what_only_the_last_one_had(modules: Page) -> None:
    code = "m.step({...m.DEFAULTS, metric: 'a', measure: 'x', by: 'p', value: 'v', range: '7d'}, {metric: 'b'})"
    found = run(modules, "address", code)
    kept = {"metric": "b", "measure": "", "by": "", "value": None, "range": "7d", "view": "metric"}
    assert found.items() >= kept.items()


def test_days_to_come_have_no_value_and_today_is_open(modules: Page) -> None:
    answer = {"results": [{"dimensions": [f"2026-10-0{d}"], "metrics": [d]} for d in (1, 2, 3)]}
    points = run(modules, "series", "m.pointsOf(given, 0, 'day', '2026-10-02')", answer)
    assert [(p["value"], p["open"]) for p in points] == [(1, False), (2, True), (None, False)]


def test_the_deepest_fall_is_against_the_same_weekday_and_never_the_day_that_is_not_over(modules: Page) -> None:
    values = [100, 110, 120, 130, 120, 40, 30] * 3
    values[15] = 22  # 110 a week before; weekends are lower still, as they always are
    first = date(2026, 10, 5)
    points = [{"label": (first + timedelta(i)).isoformat(), "value": v, "open": False} for i, v in enumerate(values)]
    points[-1] |= {"value": 1, "open": True}
    found = run(modules, "series", "m.notable(given, 'day')", points)
    assert found["fall"]["label"] == (first + timedelta(15)).isoformat()
    assert found["fall"]["ratio"] == pytest.approx(-0.8)
    assert found["lowest"]["value"] == 22


def test_a_day_is_compared_with_the_day_that_the_service_compares_it_with(modules: Page) -> None:
    code = "m.comparedDay(given[0], given[1], given[2], given[3])"
    assert (
        run(modules, "days", code, ["2026-10-03", ["2026-10-01", "2026-10-07"], ["2026-09-24", "2026-09-30"], "x"])
        == "2026-09-26"
    )
    leap = ["2024-02-29T10:00:00Z", ["2024-02-29", "2024-02-29"], ["2023-02-28", "2023-02-28"], "previous_year"]
    assert run(modules, "days", code, leap) == "2023-02-28"
