"""Owns `meta`: what the numbers of an answer rest on (revisions, completeness, quality) and what to be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.model.counter import QUALITY
from pipeline.model.damage import reading
from pipeline.model.layout import meta_history_row, meta_revision_row
from pipeline.store.contract import Rows
from readers.query.cells import Identity
from readers.query.dates import DAY, Span
from readers.query.found import Found
from readers.query.names import REJECTS_SERIES, Series
from readers.query.source import Source

GAPS_MAX = 10  # named in one answer
QUALITY_ORDER = ("duplicates", "rejected", "no_visitor", "late", "no_number")
History = list[tuple[str, str]]  # (RFC 3339 time, revision in force from then on; empty: none)


@dataclass(frozen=True, slots=True)
class Receipt:
    """`metrics`: revision and since of each, by key. `warnings` are about revisions."""

    metrics: dict[str, dict[str, Any]]
    complete_until: str | None
    warnings: list[str]


def read_receipt(source: Source, account: str, many: Iterable[Series], span: Span, zone: ZoneInfo) -> Receipt:
    """Once all numbers are read: what the store knows of the numbers of these series over the span."""
    listed = list(many)
    rows = [row for series in listed for row in _rows(account, series)]
    stored = source.meta(list(dict.fromkeys(rows)))
    receipt = Receipt({}, source.complete_until(), [])
    for series in listed:
        entry, notes = _of_series(stored, account, series, span, zone)
        receipt.metrics[series.key] = entry
        receipt.warnings.extend(notes)
    return receipt


def quality(found: Mapping[Identity, Found], asked: Iterable[Series]) -> dict[str, int]:
    """What was dropped, late or without a number in the range, over all series that are asked for."""
    sums = dict.fromkeys(QUALITY, 0)
    # A reject has no visitor either, but that is not what was asked.
    for identity in {series.identity for series in asked} - {REJECTS_SERIES.identity}:
        for name, count in found[identity].quality.items():
            sums[name] += count
    sums["rejected"] = found[REJECTS_SERIES.identity].first_count
    return {name: sums[name] for name in QUALITY_ORDER}


def _rows(account: str, series: Series) -> tuple[bytes, bytes]:
    metric_id, revision = series.identity
    return meta_revision_row(account, metric_id, revision), meta_history_row(account, metric_id)


def _of_series(stored: Rows, account: str, series: Series, span: Span, zone: ZoneInfo) -> tuple[dict[str, Any], list[str]]:
    revision_row, history_row = _rows(account, series)
    with reading("meta", revision_row):
        since = dict(stored.get(revision_row, ())).get(b"since", b"").decode()
        _moment(since or "2000-01-01")
    with reading("meta", history_row):
        history = [(at.decode(), revision.decode()) for at, revision in stored.get(history_row, ())]
        for at, _ in history:
            _moment(at)
    entry: dict[str, Any] = {"revision": series.metric.revision, "since": since or None}
    begin = datetime.combine(span.first - DAY, time(), zone).astimezone(UTC)  # a clock may be ahead by a day
    warnings, gaps = [], _gaps(history, series.metric.revision)
    if since and _changed_before(history, series.metric.revision) and _moment(entry["since"]) > begin:
        before = f"{series.key} was defined otherwise before {entry['since']}"
        warnings.append(f"{before}: what came then is not in its numbers")
    gaps = [gap for gap in gaps if gap[1] is None or _moment(gap[1]) > begin][-GAPS_MAX:]
    if gaps:
        entry["gaps"] = gaps
    for start, end in gaps:
        ended = f"until {end}" if end else "and still is not"
        pause = f"{series.key}: revision {series.metric.revision} was not in force from {start} {ended}"
        warnings.append(f"{pause}: what came then is not in its numbers")
    return entry, warnings


def _gaps(history: History, revision: str) -> list[list[str | None]]:
    """[from, to] of the times after this revision first was in force in which another one or none was."""
    gaps: list[list[str | None]] = []
    seen = False
    for at, in_force in history:
        if in_force == revision:
            if gaps and gaps[-1][1] is None:
                gaps[-1][1] = at
            seen = True
        elif seen and not (gaps and gaps[-1][1] is None):
            gaps.append([at, None])
    return gaps


def _changed_before(history: History, revision: str) -> bool:
    """Whether another definition was in force before this one first was."""
    for _, in_force in history:
        if in_force == revision:
            return False
        if in_force:
            return True
    return False


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
