"""Owns how the command `query` writes an answer: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from readers.query import Answer
from readers.query.measures import Number, number_text

# Breakdown values are what anybody sent: what a terminal would obey, and what turns the order of letters.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
UNBOUNDED_COLUMNS = 10_000  # a pipe has no width; nothing may be cut off


def write_json(answer: Answer, out: TextIO) -> None:
    """The API's body."""
    out.write(answer.to_json().decode() + "\n")


def write_csv(answer: Answer, out: TextIO) -> None:
    """A header of dimensions and metrics, then the rows; what has no number is empty."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns())
    writer.writerows([_text(cell) for cell in row] for row in answer.cells())


def write_table(answer: Answer, out: TextIO) -> None:
    """A table, and a line about what its numbers rest on."""
    console = Console(file=out, highlight=False)
    if not console.is_terminal:
        console = Console(file=out, highlight=False, width=UNBOUNDED_COLUMNS)
    dimensions = len(answer.query["dimensions"])
    table = Table()
    for i, name in enumerate(answer.columns()):
        table.add_column(Text(name), justify="left" if i < dimensions else "right")
    for row in answer.cells():
        table.add_row(*(Text(_visible(_text(cell)) if cell is not None else "–") for cell in row))
    console.print(table)
    console.print(Text(_receipt(answer)), style="dim")


def write_warnings(answer: Answer) -> None:
    """One line each, beside the output."""
    for warning in answer.meta["warnings"]:
        print(f"daycount: {warning}", file=sys.stderr)


def _receipt(answer: Answer) -> str:
    first, last = answer.query["date_range"]
    quality = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in answer.meta["quality"].items() if count)
    until = answer.meta["complete_until"]
    parts: Sequence[str | None] = (
        f"{answer.query['account']}, {first} to {last} ({answer.meta['timezone']})",
        f"complete until {until}" if until else None,
        quality or None,
    )
    return "; ".join(part for part in parts if part)


def _visible(text: str) -> str:
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _text(cell: str | Number) -> str:
    if cell is None:
        return ""
    return number_text(cell) if isinstance(cell, Decimal) else str(cell)


WRITERS = {"table": write_table, "json": write_json, "csv": write_csv}
