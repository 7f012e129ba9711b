"""Owns what makes a metric and its measures valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model.definition import AGGREGATES, COUNT, MAX, MIN, ONCE_PER, Groups, Measure, Metric, Settings, Where
from pipeline.model.definition_check import ID, check_keys, check_path, check_paths, check_size, named
from pipeline.model.definition_digest import revision_of
from pipeline.model.definition_place import Place, Rules, quoted
from pipeline.model.limits import (
    BREAKDOWNS_PER_METRIC_MAX,
    DEFINITION_BYTES_MAX,
    DESCRIPTION_CHARS_MAX,
    MEASURES_PER_METRIC_MAX,
)

_METRIC_KEYS = ("id", "description", "where", "measures", "breakdowns")
_MEASURE_KEYS = ("aggregate", "field", "once_per")
# What these names stand for in a query is something else.
_BUILTIN = "_rejected"
_TIME = "time:"


@dataclass(frozen=True, slots=True)
class Written:
    """A definition's document as it was found: its label in complaints, the id given by where it stands, if any."""

    label: str
    id: str | None
    document: Any


def parse_metric(written: Written, settings: Settings, place: Place, rules: Rules) -> Metric | None:
    """A metric under its account's settings, or None with complaints."""
    before = len(place.found)
    document = written.document
    if not isinstance(document, Mapping):
        place.refuse(f"{quoted(document)} is not an object; write id, where and measures")
        return None
    if not check_size(document, place, DEFINITION_BYTES_MAX):
        return None
    if rules.strict:
        check_keys(document, _METRIC_KEYS, place)
    metric_id = parse_id(document.get("id", written.id), written.id, place.at("id"), "metric", "big_orders")
    if metric_id == _BUILTIN:
        place.at("id").refuse(f"{_BUILTIN} counts what was rejected, in each account; take another id")
    description = parse_description(document.get("description"), place.at("description"))
    where, groups = _parse_where(document, settings, place.at("where"), rules)
    measures = _parse_measures(document.get("measures"), place.at("measures"))
    breakdowns = _parse_breakdowns(document.get("breakdowns", ()), place.at("breakdowns"))
    if len(place.found) > before:
        return None
    measured = {measure.name: measure.document() for measure in measures}
    revision = revision_of(where, measured, breakdowns, settings.timezone, settings.visitor, groups)
    return Metric(metric_id, where, measures, breakdowns, description, revision, groups)


def parse_id(value: Any, given: str | None, place: Place, kind: str, example: str) -> str:
    """The id of a definition of this kind, which is that of the place where it is kept, if any."""
    if value is None:
        place.refuse(f"missing; name the {kind}, such as {example}")
    elif not named(ID, value):
        place.refuse(f"{quoted(value)} is not an id; 1 to 64 of a-z, 0-9 and _")
    elif given is not None and value != given:
        place.refuse(f"{quoted(value)}, but it is kept under {given}; make them the same, or leave this one out")
    return str(value)


def parse_description(value: Any, place: Place) -> str:
    """What a definition says of itself to people."""
    if value is None:
        return ""
    if not isinstance(value, str):
        place.refuse(f"{quoted(value)} is not text; put it in quotes")
    elif len(value) > DESCRIPTION_CHARS_MAX:
        place.refuse(f"{len(value):,} characters; at most {DESCRIPTION_CHARS_MAX:,}")
    return str(value)


def _parse_where(document: Mapping[str, Any], settings: Settings, place: Place, rules: Rules) -> tuple[Where, Groups]:
    where = document.get("where")
    if not isinstance(where, Mapping):
        found = quoted(where) if "where" in document else "missing"
        place.refuse(f"{found}; write a condition such as {{event: Order Completed}}, or {{}} for every event")
        return {}, {}
    names = rules.check_where(dict(where), settings.groups, place)
    return dict(where), {name: settings.groups[name] for name in sorted(names)}


def _parse_breakdowns(value: Any, place: Place) -> tuple[str, ...]:
    breakdowns = check_paths(value, place, BREAKDOWNS_PER_METRIC_MAX)
    for index, path in enumerate(breakdowns):
        if path.startswith(_TIME):
            place.at(f"[{index}]").refuse(f"{quoted(path)} would be a time in a query; a breakdown can't begin with {_TIME}")
    return breakdowns


def _parse_measures(value: Any, place: Place) -> tuple[Measure, ...]:
    if not isinstance(value, Mapping) or not value:
        found = "missing" if value is None else "empty" if value == {} else f"{quoted(value)} is not an object"
        place.refuse(f"{found}; name at least one, such as orders: {{aggregate: count}}")
        return ()
    if len(value) > MEASURES_PER_METRIC_MAX:
        place.refuse(f"{len(value):,} measures; at most {MEASURES_PER_METRIC_MAX}")
        return ()
    measures = [_parse_measure(name, measure, place.at(name)) for name, measure in sorted(value.items())]
    return tuple(measure for measure in measures if measure is not None)


def _parse_measure(name: str, value: Any, place: Place) -> Measure | None:
    before = len(place.found)
    if not named(ID, name):
        place.refuse("not a measure's name; 1 to 64 of a-z, 0-9 and _")
    if not isinstance(value, Mapping):
        place.refuse(f"{quoted(value)} is not an object; write one such as {{aggregate: count}}")
        return None
    # An unknown key here would change the number (`once_pre`), so it is refused even from Redis.
    check_keys(value, _MEASURE_KEYS, place)
    aggregate = value.get("aggregate")
    if not isinstance(aggregate, str) or aggregate not in AGGREGATES:
        found = "missing" if aggregate is None else f"{quoted(aggregate)} is not an aggregate"
        place.at("aggregate").refuse(f"{found}; write one of {', '.join(AGGREGATES)}")
        return None
    field = _parse_field(aggregate, value.get("field"), place.at("field"))
    once_per = _parse_once_per(aggregate, value.get("once_per"), place.at("once_per"))
    return Measure(name, aggregate, field, once_per) if len(place.found) == before else None


def _parse_field(aggregate: str, value: Any, place: Place) -> str | None:
    if aggregate == COUNT:
        if value is not None:
            place.refuse("a count reads no field; leave it out, or write aggregate: sum")
        return None
    return check_path(value, place, "missing; name the path of a number, such as properties.total")


def _parse_once_per(aggregate: str, value: Any, place: Place) -> str | None:
    if value is None or value == "none":
        return None
    if not isinstance(value, str) or value not in ONCE_PER:
        place.refuse(f"{quoted(value)} is not known; write one of none, {', '.join(ONCE_PER)}")
    elif aggregate in (MIN, MAX):
        place.refuse(f"goes with count, sum and mean; leave it out of a {aggregate}")
    return str(value)
