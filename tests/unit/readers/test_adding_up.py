"""Slots, days, hours and values add up to the numbers of rows."""

from __future__ import annotations

import orjson

from tests.unit.readers.conftest import COUNTRY, ORDERS, VARIATION, VISITS, Desk

THREE_DAYS = ["2026-10-01", "2026-10-03"]


def test_the_slots_of_a_day_add_up(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 5}, slot=0)
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 7}, slot=4095)
    assert desk.rows(date_range=THREE_DAYS) == [[12]]


def test_empty_days_are_zeros_and_have_no_least_most_or_average(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 1, "least": "3", "most": "3", "average": ("3", 1)})
    names = [f"big_orders.{name}" for name in ("orders", "revenue", "least", "most", "average")]
    assert desk.rows(names, THREE_DAYS, dimensions=["time:day"]) == [
        ["2026-10-01", 0, 0, None, None, None],
        ["2026-10-02", 1, 0, 3, 3, 3],
        ["2026-10-03", 0, 0, None, None, None],
    ]


def test_days_outside_the_range_do_not_count(desk: Desk) -> None:
    for day in ("2026-09-30", "2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-11-02"):
        desk.counters.day(ORDERS, day, {"orders": 1})
    assert desk.rows(date_range=THREE_DAYS) == [[3]]
    assert desk.rows(date_range=["2026-09-30", "2026-10-01"]) == [[2]]
    assert desk.rows(date_range=["2026-09-30", "2026-11-01"]) == [[5]]


def test_sums_are_exact_decimals_however_large(desk: Desk) -> None:
    for slot in range(10):
        desk.counters.day(ORDERS, "2026-10-02", {"revenue": "999999999999.1000003"[:19]}, slot=slot)
    desk.counters.day(ORDERS, "2026-10-03", {"revenue": "1846498.003"})
    body = desk.answer("big_orders.revenue", THREE_DAYS, dimensions=["time:day"]).to_json()
    assert b'"metrics":[9999999999991.000000]' not in body
    assert b'"metrics":[9999999999991]' in body
    assert b'"metrics":[1846498.003]' in body


def test_negative_sums_and_small_ones_have_no_exponent(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"revenue": "-0.000001"})
    desk.counters.day(ORDERS, "2026-10-02", {"revenue": "-1234.5"})
    body = desk.answer("big_orders.revenue", THREE_DAYS, dimensions=["time:day"]).to_json()
    assert b"[-0.000001]" in body and b"[-1234.5]" in body
    assert b"[-1234.500001]" in desk.answer("big_orders.revenue", THREE_DAYS).to_json()


def test_limbs_that_were_not_carried_do_not_overflow(desk: Desk) -> None:
    import numpy as np

    from pipeline.model.counter import columns
    from readers.query.part import carry

    cols = columns(ORDERS.measures)
    at = next(i for i, c in enumerate(cols) if c.measure == "revenue" and c.part == "lo")
    row = np.zeros(len(cols), dtype=np.int64)
    row[at] = np.iinfo(np.int64).max
    carried = carry(cols, np.array([row, row]))
    assert int(carried[:, at].sum()) < 1 << 33
    assert [(int(r[at - 1]) << 32) + int(r[at]) for r in carried] == [np.iinfo(np.int64).max] * 2


def test_means_come_from_sums_and_numbers_and_are_rounded_half_even(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"average": ("1", 2)}, slot=1)
    desk.counters.day(ORDERS, "2026-10-01", {"average": ("1", 1)}, slot=2)
    desk.counters.day(ORDERS, "2026-10-02", {"average": ("0.000005", 2)})
    desk.counters.day(ORDERS, "2026-10-03", {"average": ("0.000007", 2)})
    rows = desk.rows("big_orders.average", THREE_DAYS, dimensions=["time:day"])
    assert [row[1] for row in rows] == [0.666667, 0.000002, 0.000004]


def test_the_least_and_the_most_of_slots_that_saw_nothing_are_left_aside(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 1})
    desk.counters.day(ORDERS, "2026-10-01", {"least": "-2.5", "most": "-2.5"}, slot=1)
    desk.counters.day(ORDERS, "2026-10-02", {"least": "7", "most": "9"})
    assert desk.rows(["big_orders.least", "big_orders.most"], THREE_DAYS) == [[-2.5, 9]]


def test_visitors_add_up_over_days_and_months(desk: Desk) -> None:
    for day in ("2026-09-30", "2026-10-01", "2026-10-02"):
        desk.counters.day(ORDERS, day, {"buyers": 2})
    assert desk.rows("big_orders.buyers", ["2026-09-01", "2026-10-31"]) == [[6]]


def test_several_metrics_share_rows(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 2, "revenue": "10.5"})
    desk.counters.day(VISITS, "2026-10-02", {"views": 9})
    rows = desk.rows(["visits.views", "big_orders.revenue"], THREE_DAYS, dimensions=["time:day"])
    assert rows == [["2026-10-01", 0, 10.5], ["2026-10-02", 9, 0], ["2026-10-03", 0, 0]]


def test_breakdown_values_come_by_the_first_metric_and_then_by_name(desk: Desk) -> None:
    for value, orders in (("B", 1), ("A", 1), ("(none)", 3), ("Zoë", 1)):
        desk.counters.day(ORDERS, "2026-10-01", {"orders": orders}, breakdown=COUNTRY, value=value)
    assert desk.rows(date_range=THREE_DAYS, dimensions=[COUNTRY]) == [["(none)", 3], ["A", 1], ["B", 1], ["Zoë", 1]]


def test_each_metric_has_the_breakdown_at_a_place_of_its_own(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 1}, breakdown=VARIATION, value="A")
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 50}, breakdown=COUNTRY, value="A")
    desk.counters.day(VISITS, "2026-10-01", {"views": 4}, breakdown=VARIATION, value="B")
    rows = desk.rows(["visits.views", "big_orders.orders"], THREE_DAYS, dimensions=[VARIATION])
    assert rows == [["B", 4, 0], ["A", 0, 1]]


def test_time_and_breakdown_give_every_value_on_every_day(desk: Desk) -> None:
    desk.counters.day(VISITS, "2026-10-01", {"views": 4}, breakdown=VARIATION, value="B")
    desk.counters.day(VISITS, "2026-10-02", {"views": 5}, breakdown=VARIATION, value="A")
    two = ["2026-10-01", "2026-10-02"]
    rows = desk.rows("visits.views", two, dimensions=["time:day", VARIATION])
    assert rows == [["2026-10-01", "A", 0], ["2026-10-01", "B", 4], ["2026-10-02", "A", 5], ["2026-10-02", "B", 0]]


def test_a_value_that_was_taken_back_to_nothing_is_as_if_never_seen(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {}, breakdown=COUNTRY, value="gone")
    desk.counters.day(ORDERS, "2026-10-01", {"buyers": 1}, breakdown=COUNTRY, value="here")
    assert desk.rows("big_orders.buyers", THREE_DAYS, dimensions=[COUNTRY]) == [["here", 1]]


def test_one_value_may_be_filtered_without_the_dimension(desk: Desk) -> None:
    for value in ("DE", "FR", "IN"):
        desk.counters.day(ORDERS, "2026-10-01", {"orders": 2, "buyers": 1}, breakdown=COUNTRY, value=value)
    both = ["big_orders.orders", "big_orders.buyers"]
    assert desk.rows(both, THREE_DAYS, filters=[["is", COUNTRY, ["DE"]]]) == [[2, 1]]
    assert desk.rows(date_range=THREE_DAYS, filters=[["is", COUNTRY, ["DE", "FR", "DE"]]]) == [[4]]
    assert desk.rows(date_range=THREE_DAYS, filters=[["is_not", COUNTRY, ["DE"]]]) == [[4]]
    assert desk.rows(both, THREE_DAYS, filters=[["is", COUNTRY, ["XX"]]]) == [[0, 0]]


def test_filters_of_the_dimension_keep_and_drop_values(desk: Desk) -> None:
    for value in ("DE", "FR", "1", "true"):
        desk.counters.day(ORDERS, "2026-10-01", {"orders": 2}, breakdown=COUNTRY, value=value)
    asked = {"date_range": THREE_DAYS, "dimensions": [COUNTRY]}
    assert desk.rows(**asked, filters=[["is", COUNTRY, [1, True, "XX"]]]) == [["1", 2], ["true", 2]]
    kept = [["is", COUNTRY, ["DE", "FR"]], ["is_not", COUNTRY, ["FR"]]]
    assert desk.rows(**asked, filters=kept) == [["DE", 2]]


def test_the_other_values_are_shown_and_warned_of(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 2}, breakdown=COUNTRY, value="(other)")
    answer = desk.ask(date_range=THREE_DAYS, dimensions=[COUNTRY])
    assert answer["results"][0]["dimensions"] == ["(other)"]
    assert "(other)" in answer["meta"]["warnings"][0]


def test_the_flat_form_has_an_object_for_each_row(desk: Desk) -> None:
    desk.counters.day(VISITS, "2026-10-01", {"views": 4}, breakdown=VARIATION, value="B")
    answer = desk.answer("visits.views", ["2026-10-01", "2026-10-01"], dimensions=["time:day", VARIATION])
    assert orjson.loads(answer.to_flat_json()) == [{"time": "2026-10-01", VARIATION: "B", "visits.views": 4}]


def test_the_builtin_metric_of_rejects_can_be_asked_for(desk: Desk) -> None:
    from readers.query.names import REJECTS

    desk.counters.day(REJECTS, "2026-10-01", {"rejected": 3})
    desk.counters.day(REJECTS, "2026-10-01", {"rejected": 3}, breakdown="reason", value="not_json")
    assert desk.rows("_rejected", THREE_DAYS) == [[3]]
    assert desk.rows("_rejected.rejected", THREE_DAYS, dimensions=["reason"]) == [["not_json", 3]]
