"""What 1,000 to a million events a second take: workers, Bigtable, money, and what ends first.

    python -m benchmarks.scale [--measure] [--write] [--rate N --accounts N --shards N --flush-s S --days N]

Reckons with the committed figures (`scale_measured.json`), or measures them anew; `--write` puts the tables into
`deploy/scale.md`. With `--rate` it prints the arithmetic of that size alone. Prices stand in `scale_prices.py`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import scale_tables as tables
from benchmarks.scale_load import FLUSH_S, MEASURED, Size, read_measured
from benchmarks.scale_needs import settled

PAGE = Path(__file__).parents[1] / "deploy" / "scale.md"
_SECTION = re.compile(r"(<!-- scale: (\w+) -->\n).*?(<!-- /scale -->)", re.DOTALL)


def sections(measured: Mapping[str, Any]) -> dict[str, str]:
    """The page's tables by name."""
    as_it_is = [settled(size, measured) for size in tables.SIZES]
    changed = [settled(replace(size, **tables.CHANGED), measured) for size in tables.SIZES]
    both = [need for pair in zip(as_it_is, changed, strict=True) for need in pair]
    return {
        "figures": tables.figures(measured),
        "arithmetic": tables.arithmetic(as_it_is),
        "full": tables.full(both),
        "money": tables.money(both),
        "visits": tables.visits(measured),
        "skew": tables.skews(),
        "hot_visitor": tables.hot_visitors(),
        "hot": tables.hot(measured),
        "wanted": tables.wanted(measured),
        "waits": tables.waits(measured),
        "read": tables.read(),
    }


def filled(page: str, measured: Mapping[str, Any]) -> str:
    """The page with its tables made anew. Raises KeyError for a section that there isn't."""
    found = sections(measured)
    return _SECTION.sub(lambda match: f"{match[1]}{found[match[2]]}\n{match[3]}", page)


def main() -> None:
    arguments = _arguments()
    if arguments.measure:
        from benchmarks.scale_measure import measured as measure

        figures = {"date": datetime.now(UTC).date().isoformat(), "command": "python -m benchmarks.scale --measure"}
        MEASURED.write_text(json.dumps({**figures, **measure()}, indent=1) + "\n")
    measured = read_measured()
    if arguments.rate:
        size = Size(arguments.rate, arguments.accounts, arguments.shards, arguments.flush_s, arguments.days)
        needs = settled(size, measured)
        print(tables.arithmetic([needs]), tables.full([needs]), tables.money([needs]), sep="\n\n")
        return
    if arguments.write:
        PAGE.write_text(filled(PAGE.read_text(), measured))
    print(*sections(measured).values(), sep="\n\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="Scale on paper.")
    parser.add_argument("--measure", action="store_true", help="measure costs anew (20 s; needs the Bigtable emulator)")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.parent.name}/{PAGE.name}")
    parser.add_argument("--rate", type=float, help="events/s of a size of your own")
    parser.add_argument("--accounts", type=int, default=100, help="default %(default)s")
    parser.add_argument("--shards", type=int, default=8, help="default %(default)s")
    parser.add_argument(
        "--flush-s", type=float, default=FLUSH_S, help="at least, between a shard's units (default %(default)s)"
    )
    parser.add_argument("--days", type=int, default=30, help="of history (default %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
