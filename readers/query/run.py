"""Owns the course of a query: parse, name, plan, read, add up, sort, answer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.model.definition import Snapshot
from pipeline.store.contract import Store
from readers.query.answer import Answer
from readers.query.axis import Axis
from readers.query.cells import Identity, read_cells
from readers.query.dates import Span, parse_span
from readers.query.found import Found
from readers.query.limits import DAYS_MAX, VALUES_MAX
from readers.query.names import REJECTS_SERIES, Asked, Series, find_measures
from readers.query.plan import Plan, make_plan, plan_shape
from readers.query.receipt import quality, read_receipt
from readers.query.request import Request, parse_request
from readers.query.rows import Table, sort_places
from readers.query.source import Direct, Source
from readers.query.totals import Totals, add_up, first_tick

OTHER = "(other)"


def run_query(source: Source | Store, definitions: Snapshot | None, account: str, body: Any, now: datetime) -> Answer:
    """Answer a query of one account from the store. `body`: the JSON of the query; `now`: decides what today is.

    Raises QueryError for what can't be asked, StoreError when the store doesn't answer.
    """
    source = source if isinstance(source, Source) else Direct(source)
    request = parse_request(body)
    asked = find_measures(source, definitions, account, request.metrics)
    zone = ZoneInfo(asked[0].series.timezone)
    shape = plan_shape(request, asked)
    span = _span(source, account, request, asked, now.astimezone(zone).date())
    plan = make_plan(request, shape, asked, span, zone)
    found = _read(source, account, plan, plan.axis)
    table = Table(plan, _totals(found, plan, plan.axis), _compared_totals(source, account, plan))
    places = sort_places(table, request)
    page = places[request.offset : request.offset + request.limit]
    receipt = read_receipt(source, account, _series(plan), span, zone)
    noted = [*plan.warnings, *receipt.warnings, *_other_warning(table), *_cut_warning(request, len(places))]
    if request.date_range == "all":
        noted += _before_warning(source, account, asked, parse_span("all", now.astimezone(zone).date()).first)
    meta = {
        "metrics": receipt.metrics,
        "complete_until": receipt.complete_until,
        "timezone": zone.key,
        "quality": quality(found, _series(plan)),
        "warnings": noted,
        "total_rows": len(places),
    }
    return Answer(table, page, meta, _executed(request, plan, account))


def _span(source: Source, account: str, request: Request, asked: tuple[Asked, ...], today: date) -> Span:
    """The days of the query; "all" begins at the first day that has anything of what is asked for."""
    span = parse_span(request.date_range, today)
    if request.date_range != "all":
        return span
    first = _first_day(source, account, asked, span)
    return span._replace(first=span.last if first is None else first)


def _first_day(source: Source, account: str, asked: tuple[Asked, ...], span: Span) -> date | None:
    """The first day of the span that has anything of what is asked for."""
    found = read_cells(source, account, {one.series.identity: one.series for one in asked}.values(), span, None, False)
    ticks = [tick for cells in found.values() if (tick := first_tick(cells)) is not None]
    return span.first + timedelta(min(ticks)) if ticks else None


def _series(plan: Plan) -> list[Series]:
    return list({asked.series.key: asked.series for asked in plan.asked}.values())


def _read(source: Source, account: str, plan: Plan, axis: Axis) -> dict[Identity, Found]:
    """Cells of what is asked for, and the rejects, whose number stands beside every answer."""
    many = {REJECTS_SERIES.identity: REJECTS_SERIES, **{series.identity: series for series in _series(plan)}}
    return read_cells(source, account, many.values(), axis.span, plan.shape.breakdown, axis.hourly)


def _totals(found: dict[Identity, Found], plan: Plan, axis: Axis) -> list[Totals]:
    """Totals for each measure; those of one series share them."""
    by_series = {series.identity: add_up(found[series.identity], axis, plan.shape) for series in _series(plan)}
    return [by_series[asked.series.identity] for asked in plan.asked]


def _compared_totals(source: Source, account: str, plan: Plan) -> list[Totals]:
    return _totals(_read(source, account, plan, plan.compared), plan, plan.compared) if plan.compared else []


def _other_warning(table: Table) -> list[str]:
    if OTHER not in table.values:
        return []
    return [f"{OTHER} holds values over 256 bytes and what came after a day's first values ({VALUES_MAX} by default)"]


def _before_warning(source: Source, account: str, asked: tuple[Asked, ...], begin: date) -> list[str]:
    """Where "all" is cut at what one query may span. As far back again is looked at, which takes a read of few cells."""
    before = Span(begin - timedelta(DAYS_MAX), begin - timedelta(1))
    if _first_day(source, account, asked, before) is None:
        return []
    return [f"there are numbers of days before {begin}, which the {DAYS_MAX} days one query may span don't reach"]


def _cut_warning(request: Request, rows: int) -> list[str]:
    first, last = request.offset + 1, request.offset + request.limit
    if request.limit_given or rows <= last:
        return []
    return [f"these are rows {first} to {last} of {rows}: ask for the others with limit and offset"]


def _executed(request: Request, plan: Plan, account: str) -> dict[str, Any]:
    """The query with its days, names and defaults filled in; asking it again gives the same rows."""
    return {
        "account": account,
        "metrics": [asked.name for asked in plan.asked],
        "date_range": plan.axis.span.texts(),
        "dimensions": list(request.dimensions),
        "filters": [[kept.operator, kept.breakdown, list(kept.values)] for kept in request.filters],
        **({"compare": plan.compared.span.texts()} if plan.compared else {}),
        "order_by": [[order.key, "desc" if order.descending else "asc"] for order in request.order_by],
        "limit": request.limit,
        "offset": request.offset,
    }
