"""Owns a shop with experiments for tests of the dashboard: definitions in Redis, events of weeks counted by a real run."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from tests.support.dashboard_site import zone_of
from tests.support.daycount import Shop, daycount, write_lines

DAYS, CHANGED_DAYS_AGO = 20, 14  # of the hero's traffic, and of its ramp
VISITORS_PER_DAY = {"before": 40, "after": 260}
PLANS = ["business", "consumer", "consumer"]
RATES = {"control": 0.06, "friendly": 0.115, "blue": 0.05, "green": 0.051, "red": 0.049}
METRICS: list[dict[str, Any]] = [
    {
        "id": "orders",
        "description": "Orders completed",
        "where": {"event": "Order Completed"},
        "measures": {
            "orders": {"aggregate": "count"},
            "buyers": {"aggregate": "count", "once_per": "visitor"},
            "revenue": {"aggregate": "sum", "field": "properties.total"},
        },
    },
    {
        "id": "cancellations",
        "where": {"event": "Order Cancelled"},
        "measures": {"visitors": {"aggregate": "count", "once_per": "visitor"}},
    },
]
LAYERS = [{"id": "homepage", "buckets": 1024}, {"id": "checkout", "buckets": 256}]


def experiment(name: str, layer: str, allocation: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An experiment whose variations set one parameter, the first of them being control."""
    first, *_ = allocation
    return {
        "id": name,
        "layer": layer,
        "status": "running",
        "parameters": {name: {"type": "string", "default": first}},
        "variations": [{"id": v, "parameters": {} if v == first else {name: v}} for v in allocation],
        "allocation": allocation,
        "exposure": {
            "where": {"event": "Experiment Viewed", "properties.experimentName": name},
            "variation": "properties.variationName",
        },
        "breakdowns": ["context.traits.plan"],
        "goals": [
            "orders.buyers",
            "orders.revenue",
            {"goal": "cancellations.visitors", "better": "lower", "guardrail": True},
        ],
        "control": first,
        **changes,
    }


HERO_BEFORE = experiment(
    "hero_cta",
    "homepage",
    {"control": [[0, 102]], "friendly": [[102, 204]]},
    description="Does a friendlier call to action bring more buyers?",
)
HERO = {**HERO_BEFORE, "allocation": {"control": [[0, 102], [204, 410]], "friendly": [[102, 204], [410, 616]]}}
BUTTON = experiment("button_colour", "checkout", {"blue": [[0, 85]], "green": [[85, 170]], "red": [[170, 255]]})
BANNER = experiment("old_banner", "homepage", {"control": [[0, 100]], "friendly": [[100, 200]]}, status="draft")


def fill_with_experiments(folder: Path, now: datetime, seed: int, redis_url: str) -> Shop:
    """A store and the Redis at this URL: hero_cta with a second epoch since days ago, button_colour, a draft."""
    for number, experiments in enumerate([[HERO_BEFORE], [HERO, BUTTON, BANNER]]):
        document = {"account": "shop", "settings": {"timezone": zone_of(now)}, "metrics": METRICS, "layers": LAYERS}
        pushed = folder / f"{number}.json"
        pushed.write_text(json.dumps({**document, "experiments": experiments}))
        done = daycount("define", "push", str(pushed), "--definitions", redis_url)
        assert done.returncode == 0, done.stderr
    changed = (now - timedelta(days=CHANGED_DAYS_AGO)).replace(hour=0, minute=0, second=0, microsecond=0)
    set_back(redis_url, "hero_cta", changed)
    shop = Shop(f"sqlite:///{folder}/numbers.db", redis_url)
    shop.run(write_lines(folder / "events.jsonl", trial_events(now, seed)))
    return shop


def set_back(redis_url: str, name: str, to: datetime) -> None:
    """The latest epoch has been in force since then: time that a test can't wait for."""
    with redis.Redis.from_url(redis_url) as client:
        field = f"experiment:{name}"
        stored = json.loads(client.hget("definitions:shop", field) or "")  # type: ignore[arg-type]
        stored["epochs"][-1]["effective_at"] = f"{to.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        client.hset("definitions:shop", field, json.dumps(stored))


def trial_events(now: datetime, seed: int) -> Iterator[dict[str, Any]]:
    """Exposures to both experiments, and orders and cancellations after them. None are of today: how much of it is over
    when the test runs must not decide which variation is the better one.
    """
    rng = random.Random(seed)
    for ago in range(DAYS, 0, -1):
        day = (now - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        for i in range(VISITORS_PER_DAY["before" if ago > CHANGED_DAYS_AGO else "after"]):
            at = day + timedelta(seconds=rng.randrange(72_000))
            yield from _visit(rng, f"v-{ago}-{i}", at)


def _visit(rng: random.Random, visitor: str, at: datetime) -> Iterator[dict[str, Any]]:
    name = rng.choice(["hero_cta", "hero_cta", "button_colour"])
    variation = rng.choice(["control", "friendly"] if name == "hero_cta" else ["blue", "green", "red"])
    plan = rng.choice(PLANS)
    viewed = {"experimentName": name, "variationName": variation}
    yield _event(visitor, "Experiment Viewed", at, plan, viewed)
    if rng.random() < 0.004:
        other = "friendly" if variation == "control" else "control"
        yield _event(visitor, "Experiment Viewed", at + timedelta(minutes=9), plan, {**viewed, "variationName": other})
    if rng.random() < RATES[variation]:
        total = round(rng.lognormvariate(4, 0.5), 2)
        yield _event(visitor, "Order Completed", at + timedelta(minutes=20), plan, {"total": total})
        if rng.random() < 0.12:
            yield _event(visitor, "Order Cancelled", at + timedelta(minutes=50), plan, {})


def _event(visitor: str, name: str, at: datetime, plan: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "messageId": f"{visitor} {name} {at.isoformat()}",
        "anonymousId": visitor,
        "timestamp": at.isoformat(),
        "properties": properties,
        "context": {"traits": {"plan": plan}},
    }


def viewed(visitor: str, at: datetime, name: str, variation: str) -> dict[str, Any]:
    """One more exposure."""
    return _event(visitor, "Experiment Viewed", at, "consumer", {"experimentName": name, "variationName": variation})
