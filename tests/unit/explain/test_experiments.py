"""What is said of an event's part in experiments."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from pipeline.decode.timestamp import parse_timestamp
from pipeline.definitions.validate import parse_account
from pipeline.explain.body import chosen, explain_event, to_json
from pipeline.explain.judge import Judge
from pipeline.explain.screen import show
from tests.support.experiments import experiment_document, trial_document

NOW_NS = parse_timestamp("2026-10-02T12:00:00Z") or 0
VIEWED = {
    "event": "Experiment Viewed",
    "anonymousId": "u1",
    "timestamp": "2026-10-01T20:35:00Z",
    "properties": {"experimentName": "hero_cta", "variationName": "friendly"},
}
BOUGHT = {"event": "Order Completed", "anonymousId": "u1", "timestamp": "2026-10-01T20:35:00Z"}
NAMELESS = {**VIEWED, "properties": {"experimentName": "hero_cta"}}
UNKNOWN = "properties.variationName names no variation of epoch 1"
NOBODY = "no visitor is known, and experiments count visitors"


def explain(event: dict[str, Any], metric: str | None = None, **changes: Any) -> dict[str, Any]:
    """The body, and that a terminal takes it."""
    judge = Judge(parse_account(trial_document(experiment_document(**changes)), strict=True))
    found = explain_event(judge, json.dumps(event).encode(), chosen(judge.definitions, metric), NOW_NS)
    body: dict[str, Any] = json.loads(to_json(found))
    show(body, io.StringIO())
    return body


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (VIEWED, {"exposure": True, "goals": [], "epoch": 1, "variation": "friendly"}),
        (BOUGHT, {"exposure": False, "goals": ["orders.count", "orders.revenue"], "epoch": 1}),
        (NAMELESS, {"exposure": True, "goals": [], "epoch": 1, "variation": "(none)", "why": UNKNOWN}),
        (
            {**VIEWED, "anonymousId": None},
            {"exposure": True, "goals": [], "epoch": 1, "variation": "friendly", "why": NOBODY},
        ),
        ({**BOUGHT, "event": "Cart Viewed"}, {"exposure": False, "goals": [], "epoch": 1}),
        ({**VIEWED, "timestamp": "yesterday"}, {"exposure": True, "goals": []}),
    ],
)
def test_it_is_an_exposure_or_a_goal_event_or_neither(event: dict[str, Any], said: dict[str, Any]) -> None:
    (experiment,) = explain(event)["experiments"]
    assert experiment.pop("id") == "hero_cta"
    assert experiment.pop("where")["holds"] == said["exposure"]
    assert experiment == said


def test_a_terminal_says_it_in_a_line() -> None:
    out = io.StringIO()
    show(explain(VIEWED), out)
    assert '✓ experiment hero_cta  exposes to "friendly" in epoch 1' in out.getvalue()
    show(explain(NAMELESS), out)
    assert f'✗ experiment hero_cta  exposes to "(none)" in epoch 1: {UNKNOWN}' in out.getvalue()
    show(explain(BOUGHT), out)
    assert "is of orders.count, orders.revenue, if at or after an exposure in epoch 1" in out.getvalue()


def test_drafts_are_not_told_of() -> None:
    assert explain(VIEWED, status="draft")["experiments"] == []
