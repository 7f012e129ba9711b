"""How answers are written for people and for programs."""

from __future__ import annotations

import csv
import io

from readers.output import write_csv, write_table
from tests.unit.readers.conftest import COUNTRY, ORDERS, Desk


def test_a_table_shows_what_a_terminal_would_obey(desk: Desk) -> None:
    value, shown = "\x1b[2J\x9b1m\r\n\u202edna é\u200d", r"\x1b[2J\x9b1m\r\n\u202edna é"
    desk.counters.day(ORDERS, "2026-10-31", {"orders": 1}, breakdown=COUNTRY, value=value)
    answer = desk.answer(dimensions=[COUNTRY])
    table, for_programs = io.StringIO(), io.StringIO()
    write_table(answer, table)
    write_csv(answer, for_programs)
    assert shown in table.getvalue() and "\x1b" not in table.getvalue()
    assert list(csv.reader(io.StringIO(for_programs.getvalue(), newline="")))[1] == [value, "1"]
