"""The body of the results: every field, exact totals, nothing undefined."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from readers.experiments.epochs import epoch_for_results, span
from readers.experiments.power import arriving_per_day
from readers.experiments.results import Question, breakdown_body, results_body
from tests.support.trials import METRICS, REVENUE, SIGNUPS, converted, counted, epoch, experiment, totals, valued

NOW = datetime(2026, 10, 10, 12, tzinfo=UTC)
TODAY = date(2026, 10, 10)
OF = experiment(SIGNUPS, REVENUE)
ASKED = Question(OF, OF.epoch, METRICS, NOW, date(2026, 10, 5))
FOUND = totals(
    counted("control", 21306, converted(122), valued(["10.10", "20.20", 0])),
    counted("friendly", 21307, converted(267), valued(["10.10", "40.000001", "3"])),
    several=3,
    unknown={"bold": 2},
)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield value


def test_it_has_the_fields_that_are_promised() -> None:
    body = results_body(ASKED, FOUND)
    assert {"experiment": "hero_cta", "epoch": 1, "since": None, "until": None, "control": "control"}.items() <= body.items()
    assert body["method"]["name"] == "asymptotic confidence sequence" and body["method"]["level"] == 0.95
    ratio = body["sample_ratio"]
    assert ratio["ok"] and round(ratio["p_value"], 3) == 0.996 and ratio["observed"] == {"control": 21306, "friendly": 21307}
    assert ratio["expected"] == {"control": 0.5, "friendly": 0.5}
    assert body["excluded"] == {"several_variations": 3, "unknown_variation": 2, "forgotten_goal_events": 0}
    first, second = body["goals"]
    assert (first["goal"], first["kind"], first["primary"], first["better"]) == ("signups.visitors", "rate", True, "higher")
    assert (second["goal"], second["kind"], second["primary"]) == ("orders.revenue", "mean", False)
    control, friendly = first["variations"]
    assert "versus_control" not in control and round(control["value"], 6) == 0.005726
    assert control["days"] == [{"day": "2026-10-01", "visitors": 21306, "total": Decimal(122)}]
    versus = friendly["versus_control"]
    assert {"difference", "interval", "uplift", "uplift_interval", "p_value", "fixed"} <= versus.keys()
    assert round(versus["fixed"]["z"], 3) == 7.385
    assert second["variations"][1]["total"] == Decimal("53.100001")


def test_the_interval_of_the_last_day_is_that_of_now() -> None:
    for goal in results_body(ASKED, FOUND)["goals"]:
        versus = goal["variations"][1]["versus_control"]
        last = versus["over_time"][-1]
        assert (last["difference"], last["interval"]) == (
            pytest.approx(versus["difference"]),
            pytest.approx(versus["interval"]),
        )


def test_without_any_visitor_every_number_is_there_or_null_and_finite() -> None:
    for found in (totals(), totals(counted("control", 1, converted(0), valued([0]))), FOUND):
        numbers = [leaf for leaf in leaves(results_body(ASKED, found)) if isinstance(leaf, float)]
        assert all(math.isfinite(number) for number in numbers)
    empty = results_body(ASKED, totals())["goals"][0]["variations"]
    assert [v["value"] for v in empty] == [None, None] and empty[1]["versus_control"]["difference"] is None


def test_values_of_a_breakdown_have_numbers_and_no_decision() -> None:
    body = breakdown_body(ASKED, "context.traits.plan", FOUND, {"pro": FOUND})
    assert body["by"] == "context.traits.plan" and body["decision"]["verdict"] == "ship"
    (value,) = body["values"]
    assert value["value"] == "pro" and "decision" not in value
    for goal in body["goals"]:
        del goal["variations"][1]["versus_control"]["over_time"]
        for variation in goal["variations"]:
            del variation["days"]
    assert value["goals"] == body["goals"]


def test_results_are_of_the_latest_epoch_that_has_begun_and_has_buckets() -> None:
    epochs = [
        epoch(1, None, control=10, friendly=10),
        epoch(2, "2026-10-05T00:00:00Z", control=10, friendly=500),
        epoch(3, "2026-10-07T00:00:00Z", control=0, friendly=0),
        epoch(4, "2026-11-01T00:00:00Z", control=10, friendly=10),
    ]
    of = experiment(epochs=epochs)
    assert epoch_for_results(of, NOW).number == 2
    assert epoch_for_results(of, datetime(2026, 11, 2, tzinfo=UTC)).number == 4
    assert span(of, epochs[1]) == ("2026-10-05T00:00:00Z", "2026-10-07T00:00:00Z")
    assert span(of, epochs[0]) == (None, "2026-10-05T00:00:00Z")


def test_the_power_counts_visitors_and_days_still_to_come() -> None:
    power = results_body(ASKED, FOUND)["power"]
    assert power["visitors_needed"] > power["visitors_needed_fixed"] > 1_000_000
    assert power["visitors_missing"] == power["visitors_needed"] - 42_613
    assert power["days_left"] == math.ceil(power["visitors_missing"] / (42_613 / 4))


def test_the_fixed_number_of_visitors_is_statsmodels() -> None:
    from statsmodels.stats.power import NormalIndPower

    from readers.experiments.always_valid import Sequence
    from readers.experiments.power import needed
    from readers.experiments.sample import Sample

    found = needed(0.1, Sample(1000, 2.0, 9.0, 900), (0.5, 0.5), 1000, 100.0, Sequence())
    assert found is not None and found.visitors_fixed is not None
    told = NormalIndPower().solve_power(effect_size=0.2 / 3, alpha=0.05, power=0.8, ratio=1.0)
    assert found.visitors_fixed == pytest.approx(2 * told, rel=1e-3)


def test_arrivals_are_those_of_the_last_whole_week() -> None:
    days = {"2026-10-01": 700, "2026-10-03": 10, "2026-10-09": 60, "2026-10-10": 5}
    assert arriving_per_day(days, TODAY) == 10
    assert arriving_per_day({"2026-10-08": 30, "2026-10-09": 10}, TODAY) == 20
    assert arriving_per_day({"2026-10-10": 5}, TODAY) == 5
