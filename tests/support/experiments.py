"""Owns small experiments for tests: an account with a layer and an experiment that are valid, to be changed at one place."""

from __future__ import annotations

from typing import Any

from tests.support.definitions import metric_document

LAYER = {"id": "homepage", "buckets": 1024}


def experiment_document(**changes: Any) -> dict[str, Any]:
    """A valid experiment; a change to None leaves the key out."""
    document = {
        "id": "hero_cta",
        "layer": "homepage",
        "status": "running",
        "parameters": {"cta": {"type": "string", "default": "Join"}},
        "variations": [{"id": "control", "parameters": {}}, {"id": "friendly", "parameters": {"cta": "Count me in!"}}],
        "allocation": {"control": [[0, 512]], "friendly": [[512, 1024]]},
        "eligible": {"country": {"$in": ["UK", "DK"]}},
        "exposure": {
            "where": {"event": "Experiment Viewed", "properties.experimentName": "hero_cta"},
            "variation": "properties.variationName",
        },
        "goals": ["orders.count", "orders.revenue"],
        "control": "control",
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def trial_document(*experiments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A valid account's document with one metric, one layer, and one experiment if none is given."""
    document = {
        "account": "acme",
        "settings": {"groups": {"vip": ["u1", "u2"], "staff": ["s1"]}},
        "metrics": [metric_document()],
        "layers": [LAYER],
        "experiments": list(experiments) or [experiment_document()],
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}
