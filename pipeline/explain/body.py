"""Owns the explanation as one JSON body, the same for the command and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from pipeline.decode.timestamp import NS_PER_S, parse_timestamp, rfc3339
from pipeline.explain.conditions import ConditionTree
from pipeline.explain.experiments import explain_experiments
from pipeline.explain.judge import Judge, Judgement
from pipeline.explain.measures import Adding
from pipeline.explain.past import Past
from pipeline.explain.record import Record, read_record
from pipeline.explain.seen import shown
from pipeline.match import clauses_of, value_at
from pipeline.match.values import CLAUSES_MAX
from pipeline.model.definition import AccountDefinitions, Metric, Settings
from pipeline.model.event import EVENT, MESSAGE_ID, RECEIVED_AT, TIMESTAMP, scalar_text
from pipeline.model.layout import EPOCH_ORDINAL, HOURS_PER_DAY
from pipeline.model.rejects import Reject

SHOWN_CLAUSES_MAX = CLAUSES_MAX  # in all of one explanation: one condition always is; an account may have millions

Body = dict[str, Any]
Look = Callable[[bytes], Past | None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of one event. past: None where no store was asked, or nothing was counted into it."""

    record: Record
    outcome: Judgement | Reject
    now_ns: int
    past: Past | None
    asked: bool


def explain_event(judge: Judge, text: bytes, metrics: list[Metric], now_ns: int, look: Look | None = None) -> Body:
    """The body for an event, the JSON text given, if it arrived at now_ns. look: asks a store. Raises BadEvent."""
    record = read_record(text)
    outcome = judge.judge(record.line, now_ns)
    past = None if look is None or isinstance(outcome, Reject) else look(record.line)
    return to_body(judge, metrics, Explanation(record, outcome, now_ns, past, look is not None))


def to_body(judge: Judge, metrics: list[Metric], found: Explanation) -> Body:
    """{account, counts_in, rejected, time, visitor, message_id, metrics, experiments, warnings} of these metrics of an
    account, and of its experiments where all metrics are asked for.
    """
    definitions, outcome, event = judge.definitions, found.outcome, found.record.event
    rejected = isinstance(outcome, Reject)
    visitor = _visitor(event, definitions.settings)
    warnings: list[str] = []
    told = list(_metrics(judge, metrics, found, visitor, warnings)) if event is not None else []
    whole = event is not None and len(metrics) == len(definitions.metrics)
    tried = list(explain_experiments(judge, event, outcome, visitor is not None)) if whole else []
    return {
        "account": definitions.account,
        **shown(None if event is None else event.get(EVENT), "event"),
        "counts_in": [metric["id"] for metric in told if metric["counts"]],
        "rejected": {"reason": outcome.reason.value, "cause": outcome.cause} if isinstance(outcome, Reject) else None,
        "time": None if isinstance(outcome, Reject) else _time(found, outcome, event or {}, definitions.settings.timezone),
        "visitor": visitor,
        **shown(None if event is None else scalar_text(event.get(MESSAGE_ID)), "message_id"),
        "metrics": told,
        "experiments": tried,
        "warnings": [*_warnings(found, rejected), *definitions.problems, *warnings],
    }


def to_json(body: Body, indent: bool = False) -> bytes:
    """The body with every decimal of its numbers."""
    return orjson.dumps(body, default=_default, option=orjson.OPT_INDENT_2 if indent else 0)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(type(value).__name__)


def _metrics(
    judge: Judge, metrics: list[Metric], found: Explanation, visitor: Body | None, warnings: list[str]
) -> Iterator[Body]:
    room = SHOWN_CLAUSES_MAX
    outcome = found.outcome
    for metric in metrics:
        tree = ConditionTree(found.record.event, metric.groups)
        node = judge.parsed.of(metric).node
        clauses = sum(1 for _ in clauses_of(node))
        room -= clauses
        where = tree.explain(metric.where, ("where",)) if room >= 0 else None
        if where is None:
            warnings.append(f"{metric.id}: its condition is not shown, there are too many; name the metric to see it")
        told = {"id": metric.id, "revision": metric.revision, "matches": tree.node_holds(node), "where": where}
        if isinstance(outcome, Reject) or metric.id not in outcome.metrics:
            yield {**told, "counts": False}
            continue
        known = found.past is not None and metric.id in found.past.counted
        adding = Adding(found.record.event, outcome, visitor is not None, found.past)
        told = {**told, "counts": not known, **({"counted_before": known} if found.past is not None else {})}
        yield {**told, "breakdowns": outcome.metrics[metric.id], "measures": list(adding.explain(metric))}


def _visitor(event: Any, settings: Settings) -> Body | None:
    """{id, from} of the first of the account's visitor paths that is not empty."""
    for path in settings.visitor:
        text = scalar_text(value_at(event, tuple(path.split("."))))
        if text is not None:
            return {**shown(text, "id"), "from": path}
    return None


def _time(found: Explanation, judgement: Judgement, event: Body, timezone: str) -> Body:
    received = parse_timestamp(event.get(RECEIVED_AT))
    written = parse_timestamp(event.get(TIMESTAMP))
    arrived = found.now_ns if received is None else received
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=judgement.time // NS_PER_S)).astimezone(ZoneInfo(timezone))
    told: Body = {
        "event_time": rfc3339(judgement.time),
        "from": TIMESTAMP if written is not None else RECEIVED_AT if received is not None else "arrival",
        "day": date.fromordinal(judgement.when // HOURS_PER_DAY + EPOCH_ORDINAL).isoformat(),
        "local": local.isoformat(),
        "timezone": timezone,
        "clock": "corrected" if judgement.corrected else "behind" if judgement.behind else "kept",
        "late": judgement.late,
        "arrival": rfc3339(arrived),
        "arrival_from": "now" if received is None else RECEIVED_AT,
    }
    if judgement.corrected and written is not None:
        told["corrected_by_s"] = Decimal(judgement.time - written) / NS_PER_S
    return told


def _warnings(found: Explanation, rejected: bool) -> Iterator[str]:
    if found.record.replay is not None:
        yield "this is a rejects record: what is explained is the record in it"
    if not rejected and found.asked and found.past is None:
        yield "nothing was counted into the store yet: whether the event was counted before is not known"


def chosen(definitions: AccountDefinitions, metric: str | None) -> list[Metric]:
    """The metrics to explain: all, or the one named. KeyError where there is none of that name."""
    return list(definitions.metrics.values()) if metric is None else [definitions.metrics[metric]]
