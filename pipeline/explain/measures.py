"""Owns what an event adds to each measure of a metric that it matches, and why it adds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pipeline.decode.number import NUMBER_MAX
from pipeline.explain.judge import Judgement
from pipeline.explain.past import Past
from pipeline.explain.seen import ABSENT, seen
from pipeline.model.counter import from_micro
from pipeline.model.definition import COUNT, VISITOR, VISITOR_DAY, Measure, Metric

_NO_VISITOR = "the event names no visitor, so it is in no measure that counts one event of each"
_KNOWN = "counted already"
_FIRST_OF = {None: "", VISITOR: "visitor's", VISITOR_DAY: "visitor's day's"}


class Adding:
    """What one event adds. past: what a store knows of it, None where none was asked."""

    def __init__(self, event: Any, judgement: Judgement, has_visitor: bool, past: Past | None) -> None:
        self._event = event
        self._judgement = judgement
        self._has_visitor = has_visitor
        self._past = past

    def explain(self, metric: Metric) -> Iterator[dict[str, Any]]:
        """{name, aggregate, field?, once_per?, counts, adds?, first?, why?} of each measure, by name.

        `counts` is None where it depends on what a store knows and none was asked. `adds`: the number; for a field also
        the `type` and `value` that were seen there.
        """
        for measure in metric.measures:
            yield {"name": measure.name, **measure.document(), **self._outcome(metric, measure), **self._amount(measure)}

    def _outcome(self, metric: Metric, measure: Measure) -> dict[str, Any]:
        if measure.once_per and not self._has_visitor:
            return {"counts": False, "why": _NO_VISITOR}
        first = self._first(metric, measure) if measure.once_per else {}
        if self._past is not None and metric.id in self._past.counted:
            known = f"{_KNOWN}, as the {_FIRST_OF[measure.once_per]} first" if first.get("first") else _KNOWN
            return {"counts": False, **first, "why": known}
        if first.get("first") is False:
            return {"counts": False, **first}
        if measure.field and self._judgement.micros[measure.field] is None:
            return {"counts": False, **first, "why": self._no_number(measure.field)}
        return {"counts": None if measure.once_per and not first else True, **first}

    def _first(self, metric: Metric, measure: Measure) -> dict[str, Any]:
        """What the store says of the visitor's first; nothing where none was asked."""
        if self._past is None:
            return {}
        of, place = _FIRST_OF[measure.once_per], self._past.firsts.get((metric.id, measure.once_per or ""))
        if place is None:
            return {"first": False, "why": f"an earlier event that matches is the {of} first"}
        if place.instead_of is None:
            return {"first": True}
        why = f"the {of} first so far, on {place.instead_of}, is later: this takes its place"
        return {"first": True, "instead_of": place.instead_of, "why": why}

    def _amount(self, measure: Measure) -> dict[str, Any]:
        if measure.aggregate == COUNT or not measure.field:
            return {"adds": 1}
        micro = self._judgement.micros[measure.field]
        number: Decimal | None = None if micro is None else from_micro(micro)
        return {"adds": number, **seen(self._event, tuple(measure.field.split(".")))}

    def _no_number(self, field: str) -> str:
        kind = seen(self._event, tuple(field.split(".")))["type"]
        if kind == "number":
            return f"{field} is beyond ±{NUMBER_MAX:.0e}, which is not summed".replace("e+", "e")
        if kind == ABSENT:
            return f"there is no number at {field}"
        return f"{field} is {_article(kind)}, not a number"


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
