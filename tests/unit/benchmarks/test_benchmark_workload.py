"""The generated workload is what it says: seeded, of the described shape, and described by valid definitions."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from benchmarks import catalogue, daycount, rows, workload

EVENTS = 3_000


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("workload") / "small.jsonl"
    workload.generate(path, EVENTS)
    return path.read_text(encoding="ascii").splitlines()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path, lines: list[str]) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    workload.generate(again, EVENTS)
    workload.generate(other, EVENTS, seed=2)
    assert again.read_text().splitlines() == lines
    assert other.read_text().splitlines() != lines


def test_two_in_a_hundred_lines_repeat_one_at_most_two_thousand_lines_back(lines: list[str]) -> None:
    last: dict[str, int] = {}
    distances = []
    for number, line in enumerate(lines):
        if line in last:
            distances.append(number - last[line])
        last[line] = number
    assert len(lines) == EVENTS
    assert len({json.loads(line)["messageId"] for line in lines}) == len(last) == EVENTS * 98 // 100
    assert max(distances) <= workload.REPEAT_BACK_MAX


def test_event_names_come_about_as_often_as_the_catalogue_says(lines: list[str]) -> None:
    counts = Counter(json.loads(line)["event"] for line in lines)
    assert counts.keys() == catalogue.EVENT_SHARES.keys()
    for name, share in catalogue.EVENT_SHARES.items():
        assert counts[name] / EVENTS == pytest.approx(share, rel=0.15, abs=0.01)


def test_times_cover_the_thirty_days_and_are_only_locally_out_of_order(lines: list[str]) -> None:
    fresh = list(dict.fromkeys(lines))
    times = [json.loads(line)["timestamp"] for line in fresh]
    by_time = sorted(range(len(times)), key=times.__getitem__)
    assert {time[:10] for time in times} == {f"2026-10-{day:02d}" for day in range(1, 31)}
    assert 0 < max(abs(place - number) for place, number in enumerate(by_time)) <= workload.DISORDER_LINES
    assert all(len(time) == len("2026-10-01T00:00:00.000Z") and time.endswith("Z") for time in times)


def test_lines_have_about_the_size_of_the_original_workload(lines: list[str]) -> None:
    assert sum(map(len, lines)) / EVENTS == pytest.approx(452, rel=0.02)


def test_the_definitions_are_the_metrics_measures_and_breakdowns_that_rows_names() -> None:
    document = yaml.safe_load(daycount.DEFINITIONS.read_text(encoding="utf-8"))
    metrics = {metric["id"]: metric for metric in document["metrics"]}
    assert tuple(metrics) == rows.METRICS
    for name, metric in metrics.items():
        assert tuple(metric["measures"]) == rows.measures_of(name)
        assert metric.get("breakdowns") == ([rows.BREAKDOWNS[name]] if name in rows.BREAKDOWNS else None)
