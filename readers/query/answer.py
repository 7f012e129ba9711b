"""Owns the forms of an answer: the JSON body of the API, and the flat list for tools that draw tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from readers.query.measures import Number
from readers.query.rows import Row


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query is answered with. `query` is the query as executed, its days and defaults filled in."""

    rows: tuple[Row, ...]
    meta: dict[str, Any]
    query: dict[str, Any]

    def warning(self, *warnings: str) -> Answer:
        """The same answer, with more to be warned of."""
        return replace(self, meta={**self.meta, "warnings": [*self.meta["warnings"], *warnings]}) if warnings else self

    def to_json(self) -> bytes:
        """The body of `POST /v1/query`."""
        results = [_result(row) for row in self.rows]
        return orjson.dumps({"results": results, "meta": self.meta, "query": self.query})

    def to_flat_json(self) -> bytes:
        """A list of objects, one a row: `time`, the breakdown, the metrics by their names."""
        names = ["time" if name.startswith("time:") else name for name in self.columns()]
        return orjson.dumps([dict(zip(names, map(_number, cells), strict=True)) for cells in self.cells()])

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


def number_text(number: Decimal) -> str:
    """All decimals and no exponent: what a reader of any language takes as it is."""
    return format(number, "f")


def _result(row: Row) -> dict[str, Any]:
    result: dict[str, Any] = {"dimensions": row.dimensions, "metrics": [_number(n) for n in row.metrics]}
    if row.comparison:
        before, changes = row.comparison.metrics, row.comparison.change
        result["comparison"] = {"metrics": [_number(n) for n in before], "change": [_number(n) for n in changes]}
    return result


def _number(value: str | Number) -> Any:
    return orjson.Fragment(number_text(value)) if isinstance(value, Decimal) else value
