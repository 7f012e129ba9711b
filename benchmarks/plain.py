"""The bound: what a good Python programmer writes by hand for exactly these twelve metrics, in one process.

Nothing is stored, nothing can be configured, a crash loses all. Duplicates are dropped; a visitor is unique on the day
of its earliest event, whatever the order of arrival. `Live` keeps every number current while events come in, which is
what Daycount has to do; `Batch` knows `uniques` only when the input is over, which is cheaper. Sums are floats, rounded
to cents at the end: exact for amounts of this size, and faster than exact arithmetic.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import orjson

from benchmarks.rows import METRICS, Row


class Cell:
    """One series' numbers of one day."""

    __slots__ = ("count", "quantity", "total", "uniques", "visitors")

    def __init__(self) -> None:
        self.count = self.uniques = self.quantity = 0
        self.total = 0.0
        self.visitors: set[str] = set()


class Live:
    """One series, whose numbers are right at any moment."""

    __slots__ = ("days", "firsts")

    def __init__(self) -> None:
        self.days: dict[str, Cell] = defaultdict(Cell)
        self.firsts: dict[str, str] = {}

    def add(self, day: str, visitor: str) -> Cell:
        cell = self.days[day]
        cell.count += 1
        if visitor not in cell.visitors:
            cell.visitors.add(visitor)
            first = self.firsts.get(visitor)
            if first is None or day < first:
                self.firsts[visitor] = day
                cell.uniques += 1
                if first is not None:
                    self.days[first].uniques -= 1
        return cell

    def finish(self) -> None:
        """Nothing is left to do."""


class Batch:
    """One series, whose `uniques` are taken at the end: each day's visitors that no earlier day has."""

    __slots__ = ("days",)

    def __init__(self) -> None:
        self.days: dict[str, Cell] = defaultdict(Cell)

    def add(self, day: str, visitor: str) -> Cell:
        cell = self.days[day]
        cell.count += 1
        cell.visitors.add(visitor)
        return cell

    def finish(self) -> None:
        known: set[str] = set()
        for _, cell in sorted(self.days.items()):
            cell.uniques = len(cell.visitors - known)
            known |= cell.visitors


def plain_rows(lines: Iterable[bytes], series: type[Live] | type[Batch]) -> tuple[int, list[Row]]:
    """The number of lines read, and the rows."""
    metrics: dict[str, dict[str, Live | Batch]] = {metric: defaultdict(series) for metric in METRICS}
    events = _count(lines, metrics)
    return events, _rows(metrics)


def _count(lines: Iterable[bytes], metrics: dict[str, dict[str, Live | Batch]]) -> int:
    """The loop: one long function, since calls are what costs."""
    loads, even_tab = orjson.loads, re.compile("/p/[0-9]*[02468]/(reviews|specs)").search
    categories = frozenset(("shoes", "bags", "watches"))
    single = {metric: metrics[metric][""].add for metric in METRICS[:9]}
    page_views, pricing_pages, even_tabs = single["page_views"], single["pricing_pages"], single["even_tabs"]
    cat_views, adds_50, orders, big_orders = (single[m] for m in ("cat_views", "adds_50", "orders", "big_orders"))
    shirt_searches, in_f_or_big = single["shirt_searches"], single["in_f_or_big"]
    exp_views, exp_clicks, commerce_geo = metrics["exp_views"], metrics["exp_clicks"], metrics["commerce_geo"]
    seen: set[str] = set()
    events = 0
    for line in lines:
        events += 1
        event = loads(line)
        key = event["messageId"]
        if key in seen:
            continue
        seen.add(key)
        name, visitor, day = event["event"], event["anonymousId"], event["timestamp"][:10]
        properties, context = event["properties"], event["context"]
        country, big = context["location"]["country"], False
        if name == "Page Viewed":
            page_views(day, visitor)
            url = context["page"]["url"]
            if url.startswith("https://shop.example/pricing"):
                pricing_pages(day, visitor)
            elif even_tab(url):
                even_tabs(day, visitor)
        elif name == "Product Viewed":
            commerce_geo[country].add(day, visitor)
            if properties["category"] in categories:
                cat_views(day, visitor)
        elif name == "Product Added" or name == "Order Completed":
            total, quantity = properties["total"], properties["quantity"]
            cells = [commerce_geo[country].add(day, visitor)]
            if name == "Order Completed":
                cells.append(orders(day, visitor))
                big = total >= 499
                if big:
                    cells.append(big_orders(day, visitor))
            elif properties["price"] >= 50:
                cells.append(adds_50(day, visitor))
            for cell in cells:
                cell.total += total
                cell.quantity += quantity
        elif name == "Products Searched":
            if "shirt" in properties["query"]:
                shirt_searches(day, visitor)
        elif name == "Experiment Viewed":
            exp_views[properties["variationName"]].add(day, visitor)
        elif name == "Experiment Clicked":
            exp_clicks[properties["variationName"]].add(day, visitor)
        if big or (country == "IN" and context["traits"]["gender"] == "female"):
            cell = in_f_or_big(day, visitor)
            if "total" in properties:
                cell.total += properties["total"]
                cell.quantity += properties["quantity"]
    return events


def _rows(metrics: dict[str, dict[str, Live | Batch]]) -> list[Row]:
    rows = []
    for metric, by_value in metrics.items():
        for value, series in by_value.items():
            series.finish()
            for day, cell in series.days.items():
                total = Decimal(f"{cell.total:.2f}")
                numbers = (cell.count, cell.uniques, len(cell.visitors), total, Decimal(cell.quantity))
                rows.append(Row(metric, value, day, *numbers))
    return sorted(rows)
