"""Many cells and totals at once give what one at a time gives."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, columns, measure_value
from pipeline.model.definition import Measure
from pipeline.model.layout import (
    DAY,
    CounterKey,
    counter_qualifier,
    counter_value,
    pack_totals,
    parse_counter_qualifier,
    parse_counter_qualifiers,
    unpack_all_totals,
)
from readers.query.measures import json_values, measure_values, number_text

SUM = Measure("revenue", "sum", "properties.total")
MEASURES = (SUM, Measure("average", "mean", "x"), Measure("least", "min", "x"), Measure("orders", "count"))
MICROS = st.one_of(st.integers(-(10**20), 10**20), st.integers(-(10**9), 10**9), st.integers(-200, 200))


@given(st.lists(MICROS, min_size=1, max_size=5))
def test_sums_in_json_have_all_decimals_and_no_exponent(micros: list[int]) -> None:
    rows = np.array([[micro >> LIMB_BITS, micro & LIMB_MASK] for micro in micros], dtype=np.int64)
    cols = columns([SUM])
    texts = orjson.dumps(json_values(cols, rows, SUM)).decode()[1:-1].split(",")
    exact = [measure_value(cols, row, SUM) for row in rows.tolist()]
    assert texts == [number_text(number) for number in exact]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.aggregate)
def test_a_column_of_numbers_is_the_numbers_one_by_one(measure: Measure) -> None:
    cols = columns(MEASURES)
    rows = np.random.default_rng(1).integers(-5, 1_000, (20, len(cols)))
    rows[3] = 0
    assert measure_values(cols, rows, measure) == [measure_value(cols, row, measure) for row in rows.tolist()]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 31), st.integers(0, 0xFFFF), st.text(max_size=9)), min_size=1))
def test_qualifiers_are_parsed_together_as_alone(keys: list[tuple[int, int, int, str]]) -> None:
    qualifiers = [counter_qualifier(CounterKey(DAY, *key)) for key in keys]
    days, texts = parse_counter_qualifiers(qualifiers)
    alone = [parse_counter_qualifier(qualifier) for qualifier in qualifiers]
    assert days.tolist() == [key.day for key in alone]
    assert [counter_value(text) for text in texts] == [key.value for key in alone]


def test_a_cell_of_another_width_is_named() -> None:
    cells = [pack_totals(np.arange(3)), pack_totals(np.arange(4))]
    assert unpack_all_totals(cells[:1], 3).tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match="4 columns instead of 3"):
        unpack_all_totals(cells, 3)
    with pytest.raises(ValueError, match="version"):
        unpack_all_totals([b"\x02" + cells[0][1:]], 3)
