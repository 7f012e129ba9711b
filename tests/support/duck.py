"""A second oracle, in SQL: DuckDB reads the raw lines and knows nothing of the pipeline's code.

It covers what SQL says naturally: counts, sums, minima, maxima, unique and daily visitors and first amounts by day,
with and without a breakdown, under a few conditions written both ways.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from pipeline.model.definition import AccountDefinitions
from tests.support.generate import Event, identity, make_event, midnights_and_changes

CONDITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "everything": ({}, "true"),
    "orders": ({"event": "Order"}, "event = 'Order'"),
    "either": ({"event": {"$in": ["Order", "Visit"]}}, "event in ('Order', 'Visit')"),
    "no_cart": ({"event": {"$ne": "Cart"}}, "event is distinct from 'Cart'"),
    "big": ({"event": "Order", "properties.total": {"$gte": 2}}, "event = 'Order' and total >= 2"),
    "or": ({"$or": [{"context.country": "IN"}, {"event": "Cart"}]}, "country = 'IN' or event = 'Cart'"),
}
COUNTRY, TOTAL = "context.country", "properties.total"
MEASURES = {
    "n": {"aggregate": "count"},
    "sum": {"aggregate": "sum", "field": TOTAL},
    "least": {"aggregate": "min", "field": TOTAL},
    "most": {"aggregate": "max", "field": TOTAL},
    "visitors": {"aggregate": "count", "once_per": "visitor"},
    "first_sum": {"aggregate": "sum", "field": TOTAL, "once_per": "visitor"},
    "daily": {"aggregate": "count", "once_per": "visitor_day"},
    "daily_sum": {"aggregate": "sum", "field": TOTAL, "once_per": "visitor_day"},
}
_TOTALS = (1, 2, 2.5, -1, 0, 0.1, 19.99, 0.1234567, 123456789.123456, "many", True, None)
_FRACTIONS = ("", ".5", ".123", ".123456")

_EVENTS = """
create or replace temp table events as
select distinct on (visitor, message) * from (
    select json ->> '$.messageId' as message, json ->> '$.event' as event,
        coalesce({visitor}) as visitor,
        cast(json ->> '$.timestamp' as timestamptz) as moment,
        strftime(timezone('{zone}', cast(json ->> '$.timestamp' as timestamptz)), '%Y-%m-%d') as day,
        coalesce(nullif(json ->> '$.context.country', ''), '(none)') as country, '' as nothing,
        case when json_type(json, '$.properties.total') in ('UBIGINT', 'BIGINT', 'DOUBLE')
            then cast(json ->> '$.properties.total' as decimal(38, 6)) end as total
    from read_json_objects('{path}', format = 'newline_delimited'))
"""
_SCALAR = """case when json_type(json, '$.{0}') in ('VARCHAR', 'UBIGINT', 'BOOLEAN')
    then nullif(json ->> '$.{0}', '') end"""
_EVERY = "select {value}, day, count(*), sum(total), min(total), max(total) from events where {where} group by all"
_FIRSTS = """
select value, day, count(*), sum(total) from (
    select distinct on (visitor, {per}) {value} as value, day, total from events
    where ({where}) and visitor is not null order by moment, message) group by all
"""


def sql_events(random: Random, definitions: AccountDefinitions) -> list[Event]:
    """Events whose times and amounts SQL reads as we do: to the microsecond, without ties in rounding."""
    moments = midnights_and_changes(random, definitions.settings.timezone)
    events: dict[tuple[Any, ...], Event] = {}
    for _ in range(random.randint(20, 120)):
        event = make_event(random, moments)
        at = random.choice(moments).isoformat()
        event["timestamp"] = at[:19] + random.choice(_FRACTIONS) + at[19:]
        if isinstance(event.get("properties"), dict):
            event["properties"]["total"] = random.choice(_TOTALS)
        event = {key: value for key, value in event.items() if key not in ("sentAt", "receivedAt")}
        events[identity(event, definitions)] = event
    return list(events.values())


def sql_numbers(path: Path, events: Sequence[Event], zone: str, visitor: Sequence[str]) -> dict[tuple[str, ...], Any]:
    """{(metric, measure, breakdown path or "", value, day): number} of all conditions and measures; zeros left out."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    numbers: dict[tuple[str, ...], Any] = {}
    with duckdb.connect() as database:
        scalars = ", ".join(_SCALAR.format(name) for name in visitor)
        database.execute(_EVENTS.format(visitor=scalars, zone=zone, path=path))
        for metric, (_, where) in CONDITIONS.items():
            for breakdown, value in (("", "nothing"), (COUNTRY, "country")):
                for measure, v, day, n in _rows(database, value, where):
                    if n or _extreme(measure, n):
                        numbers[metric, measure, breakdown, v, day] = n
    return numbers


def _rows(database: duckdb.DuckDBPyConnection, value: str, where: str) -> list[tuple[str, str, str, Any]]:
    rows = []
    for v, day, n, total, least, most in database.execute(_EVERY.format(value=value, where=where)).fetchall():
        rows += [("n", v, day, n), ("sum", v, day, total), ("least", v, day, least), ("most", v, day, most)]
    for per, names in ((value, ("visitors", "first_sum")), (f"{value}, day", ("daily", "daily_sum"))):
        for v, day, n, total in database.execute(_FIRSTS.format(per=per, value=value, where=where)).fetchall():
            rows += [(names[0], v, day, n), (names[1], v, day, total)]
    return rows


def _extreme(measure: str, number: Any) -> bool:
    """A least or greatest amount of zero is one."""
    return measure in ("least", "most") and number is not None
