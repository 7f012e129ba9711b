"""Plain Python equals the truth in SQL; a comparison finds what differs, and a measurement what was used."""

import json
import random
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import daycount, processes, workload
from benchmarks.plain import Batch, Live, plain_rows
from benchmarks.processes import Measured, measure
from benchmarks.rows import Row, from_lines, measures_of, to_lines
from benchmarks.truth import compare, truth_rows


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workload") / "small.jsonl"
    workload.generate(path, 3_000, visitors=200)
    return path


@pytest.fixture(scope="module")
def truth(file: Path) -> list[Row]:
    return truth_rows(file)


@pytest.mark.parametrize("kind", [Live, Batch])
def test_plain_python_equals_the_truth_in_any_order_of_arrival(
    file: Path, truth: list[Row], kind: type[Live] | type[Batch]
) -> None:
    lines = file.read_bytes().splitlines()
    for _ in range(3):
        assert compare(truth, plain_rows(lines, kind)[1]) == []
        random.Random(1).shuffle(lines)


def test_the_hits_of_the_truth_come_to_about_one_and_three_tenths_a_line(truth: list[Row]) -> None:
    assert sum(row.count for row in truth) / 3_000 == pytest.approx(1.29, rel=0.05)


def test_a_wrong_cell_a_missing_row_and_a_row_too_many_are_differences(truth: list[Row]) -> None:
    wrong = truth[0]._replace(sum_total=truth[0].sum_total + Decimal("0.01"))
    extra = truth[2]._replace(series="nowhere")
    differences = compare(truth, [wrong, *truth[2:], extra])
    assert differences[0].startswith(f"{'/'.join(truth[0][:3])} sum_total:")
    for row in (truth[1], extra):
        assert any(line.startswith("/".join(row[:3]) + " count:") for line in differences)


def test_rows_of_zeros_are_no_difference_and_rows_twice_are_an_error(truth: list[Row]) -> None:
    assert compare(truth, [*truth, Row("orders", "", "2026-10-31", 0, 0, 0, Decimal(0), Decimal(0))]) == []
    with pytest.raises(ValueError, match="two rows"):
        compare(truth, [*truth, truth[0]])


def test_rows_survive_being_written_and_read(truth: list[Row]) -> None:
    assert from_lines(to_lines(truth)) == truth


def test_answers_of_the_query_command_become_the_same_rows(truth: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
        return Measured(0.1, 1.0, 0.1, 0, _answer(truth, list(command)), "")

    monkeypatch.setattr(daycount, "measure", answer)
    assert compare(truth, daycount.read_rows(daycount.Target("sqlite:///none.db", {}))) == []


def test_the_summary_may_stand_on_one_line_or_on_several() -> None:
    for text in ('progress\n{"events": 3}\n', 'progress {\n{\n  "events": 3\n}\n'):
        assert daycount._last_json(text) == {"events": 3}


def test_a_measured_command_reports_its_memory_with_that_of_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, sample = tmp_path / "seen", processes.tree_rss_mb

    def noting(pid: int) -> float:
        found = sample(pid)
        if found > 120:
            seen.touch()
        return found

    monkeypatch.setattr(processes, "tree_rss_mb", noting)
    seen_yet = f"pathlib.Path({str(seen)!r}).exists()"  # at the longest it waits for a minute
    waiting = f"any({seen_yet} or time.sleep(0.05) for _ in range(1200))"
    child = f"import pathlib, time; held = bytearray(60_000_000); {waiting}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    measured = measure([sys.executable, "-c", f"held = bytearray(60_000_000); {parent}"])
    assert (measured.code, measured.stdout) == (0, "done\n")
    assert measured.peak_rss_mb > 120


def _answer(truth: list[Row], command: list[str]) -> str:
    """What the read API says of these rows (contract, section 5)."""
    names = [word for word in command[4:] if "." in word and word.split(".")[1] in measures_of("orders")]
    names = [name for name in names if not name.startswith("time:")]
    metrics = {name.split(".")[0] for name in names}
    numbers: dict[tuple[str, ...], dict[str, int | Decimal]] = {}
    for row in (row for row in truth if row.metric in metrics):
        key = (row.day, row.series) if row.series else (row.day,)
        values = {f"{row.metric}.{measure}": getattr(row, measure) for measure in measures_of(row.metric)}
        numbers.setdefault(key, {}).update(values)
    results = [
        {"dimensions": list(key), "metrics": [_number(cells.get(name, 0)) for name in names]}
        for key, cells in sorted(numbers.items())
    ]
    return json.dumps({"results": results})


def _number(value: int | Decimal) -> int | float:
    return value if isinstance(value, int) else float(value)
