"""Owns the forms of an answer: the JSON body of the API, and the flat list for tools that draw tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from readers.query.measures import Number, json_number, number_text
from readers.query.rows import Row, Table

__all__ = ["Answer", "number_text"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query is answered with: these places of the table. `query` is the query as executed, its days and defaults
    filled in.
    """

    table: Table
    places: list[int]
    meta: dict[str, Any]
    query: dict[str, Any]

    @property
    def rows(self) -> list[Row]:
        """The rows, made anew each time."""
        return self.table.rows(self.places)

    def warning(self, *warnings: str) -> Answer:
        """The same answer, with more to be warned of."""
        return replace(self, meta={**self.meta, "warnings": [*self.meta["warnings"], *warnings]}) if warnings else self

    def to_json(self) -> bytes:
        """The body of `POST /v1/query`."""
        return orjson.dumps({"results": self._results(), "meta": self.meta, "query": self.query})

    def to_flat_json(self) -> bytes:
        """A list of objects, one a row: `time`, the breakdown, the metrics by their names."""
        names = ["time" if name.startswith("time:") else name for name in self.columns()]
        return orjson.dumps([dict(zip(names, map(json_number, cells), strict=True)) for cells in self.cells()])

    def columns(self) -> list[str]:
        """The header of the answer as a table."""
        metrics = self.query["metrics"]
        compared = [f"{name} {what}" for name in metrics for what in ("before", "change")]
        return [*self.query["dimensions"], *metrics, *(compared if "compare" in self.query else ())]

    def cells(self) -> Iterator[list[str | Number]]:
        """The rows of the answer as a table."""
        for row in self.rows:
            pairs = zip(row.comparison.metrics, row.comparison.change, strict=True) if row.comparison else ()
            yield [*row.dimensions, *row.metrics, *(number for pair in pairs for number in pair)]

    def _results(self) -> list[dict[str, Any]]:
        if "compare" in self.query:
            return [_compared_result(row) for row in self.rows]
        dimensions, metrics = self.table.dimensions(self.places), self.table.json_numbers(self.places)
        return [{"dimensions": of_row, "metrics": numbers} for of_row, numbers in zip(dimensions, metrics, strict=True)]


def _compared_result(row: Row) -> dict[str, Any]:
    assert row.comparison is not None, "all rows of a comparison have one"
    comparison = {
        "metrics": [json_number(number) for number in row.comparison.metrics],
        "change": [json_number(number) for number in row.comparison.change],
    }
    metrics = [json_number(number) for number in row.metrics]
    return {"dimensions": row.dimensions, "metrics": metrics, "comparison": comparison}
