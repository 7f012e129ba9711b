"""The truth of a workload file: DuckDB's SQL over the raw lines, independent of Daycount's code.

Duplicates are dropped by (visitor, messageId); a visitor's first event is the earliest by event time, so its day is
the least of the days. Sums are decimals from the text of the number, never floats.
"""

import argparse
import sys
from pathlib import Path

import duckdb

from benchmarks.rows import Row, compare, to_lines

__all__ = ["compare", "truth_rows"]

_EVENTS = """
create temp table events as
select distinct on (anonymousId, messageId)
    event, anonymousId as visitor, strftime(cast(timestamp as timestamp), '%Y-%m-%d') as day,
    properties.category, properties.query, properties.variationName as variation,
    cast(properties.price as decimal(18, 6)) as price, cast(properties.total as decimal(18, 6)) as total,
    cast(properties.quantity as decimal(18, 6)) as quantity,
    context.page.url, context.location.country, context.traits.gender
from read_json(?, format = 'newline_delimited', columns = {
    messageId: 'varchar', event: 'varchar', anonymousId: 'varchar', timestamp: 'varchar',
    properties: 'struct(category varchar, query varchar, "variationName" varchar, price varchar, total varchar,
                        quantity varchar)',
    context: 'struct(page struct(url varchar), location struct(country varchar), traits struct(gender varchar))'})
"""
_SUMS = "total, quantity"
_NO_SUMS = "0 as total, 0 as quantity"
_CONDITIONS = (
    ("page_views", "''", _NO_SUMS, "event = 'Page Viewed'"),
    ("cat_views", "''", _NO_SUMS, "event = 'Product Viewed' and category in ('shoes', 'bags', 'watches')"),
    ("shirt_searches", "''", _NO_SUMS, "event = 'Products Searched' and contains(query, 'shirt')"),
    ("adds_50", "''", _SUMS, "event = 'Product Added' and price >= 50"),
    ("orders", "''", _SUMS, "event = 'Order Completed'"),
    ("big_orders", "''", _SUMS, "event = 'Order Completed' and total >= 499"),
    ("in_f_or_big", "''", _SUMS,
     "(country = 'IN' and gender = 'female') or (event = 'Order Completed' and total >= 499)"),
    ("pricing_pages", "''", _NO_SUMS, "event = 'Page Viewed' and starts_with(url, 'https://shop.example/pricing')"),
    ("even_tabs", "''", _NO_SUMS,
     "event = 'Page Viewed' and regexp_matches(url, '/p/[0-9]*[02468]/(reviews|specs)')"),
    ("exp_views", "variation", _NO_SUMS, "event = 'Experiment Viewed'"),
    ("exp_clicks", "variation", _NO_SUMS, "event = 'Experiment Clicked'"),
    ("commerce_geo", "country", _SUMS, "event in ('Product Viewed', 'Product Added', 'Order Completed')"),
)  # fmt: skip
_ROWS = """
with firsts as (
    select metric, series, day, count(*) as uniques
    from (select metric, series, visitor, min(day) as day from hits group by all) group by all)
select metric, series, day, count(*), coalesce(any_value(uniques), 0), count(distinct visitor),
       coalesce(sum(total), 0)::decimal(38, 6), coalesce(sum(quantity), 0)::decimal(38, 6)
from hits left join firsts using (metric, series, day)
group by metric, series, day order by metric, series, day
"""


def truth_rows(path: Path) -> list[Row]:
    """The rows of the file's events, sorted by metric, series and day."""
    with duckdb.connect() as database:
        database.execute("set preserve_insertion_order = false; set memory_limit = '6GB'")
        database.execute(_EVENTS, [str(path)])
        parts = (
            f"select '{metric}' as metric, {series} as series, day, visitor, {sums} from events where {condition}"
            for metric, series, sums, condition in _CONDITIONS
        )
        database.execute("create temp view hits as " + " union all ".join(parts))
        return [Row(*values) for values in database.execute(_ROWS).fetchall()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description="Print the rows of a file as JSON.")
    parser.add_argument("file", type=Path)
    sys.stdout.write(to_lines(truth_rows(parser.parse_args().file)))


if __name__ == "__main__":
    main()
