"""Random definitions: conditions with every operator over a handful of paths, all kinds of measures, breakdowns.

What is drawn is a document; the real parser decides whether it is valid, and another is drawn where it isn't.
"""

from __future__ import annotations

from random import Random
from typing import Any

from pipeline.definitions.validate import parse_account
from pipeline.model.definition import AccountDefinitions, DefinitionError

# Zones with half hours, changes of the clock at midnight, by half an hour, and none.
ZONES = (
    "UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
    "America/Santiago", "America/Havana", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati",
)  # fmt: skip
VISITORS = (["anonymousId", "userId"], ["userId", "anonymousId"], ["userId"], ["context.traits.id", "anonymousId"])
EVENT_NAMES = ("Order", "Visit", "Cart")
TEXTS = ("a", "A", "b", "ß", "1", "1.2.3", "")
SCALARS = (*TEXTS, 1, 2, 1.0, 2.5, -1, 0, True, False, None)
CONDITION_PATHS = (
    "event", "type", "properties.plan", "properties.total", "properties.n", "properties.tags", "properties.deep.a.b",
    "properties.products", "properties.products.0.sku", "context.country", "context.traits.gender", "userId", "no.one",
)  # fmt: skip
FIELDS = (
    "properties.total", "properties.n", "properties.deep.a.b", "properties.products.quantity", "context.items.q",
    "properties.products.0.quantity", "items.q", "properties.plan", "context.traits.age", "properties.products.parts.q",
)  # fmt: skip
BREAKDOWNS = ("properties.plan", "context.country", "properties.deep", "properties.tags.0", "properties.n", "userId")
GROUPS = {"few": ["a", 1, True, "1.2.3"], "none": []}


def make_account(random: Random, name: str) -> AccountDefinitions:
    """Valid definitions of one account, with one to four metrics."""
    settings = {
        "timezone": random.choice(ZONES),
        "visitor": random.choice(VISITORS),
        "fanout": random.choice([1, 2, 8]),
        "groups": GROUPS,
    }
    metrics: list[dict[str, Any]] = []
    for number in range(random.randint(1, 4)):
        metrics.append(make_metric(random, f"m{number}", name, settings))
    return parse(name, settings, metrics)


def parse(name: str, settings: dict[str, Any], metrics: list[dict[str, Any]]) -> AccountDefinitions:
    """The definitions as they come into force. Raises DefinitionError."""
    document = {"account": name, "settings": settings, "metrics": metrics}
    return parse_account(document, strict=True)


def make_metric(random: Random, metric_id: str, account: str, settings: dict[str, Any]) -> dict[str, Any]:
    """A valid metric's document."""
    while True:
        document = {
            "id": metric_id,
            "where": _where(random),
            "measures": {f"x{i}": _measure(random) for i in range(random.randint(1, 5))},
            "breakdowns": random.sample(BREAKDOWNS, random.choice([0, 1, 1, 2])),
        }
        try:
            parse(account, settings, [document])
        except DefinitionError:
            continue
        return document


def _measure(random: Random) -> dict[str, str]:
    aggregate = random.choice(["count", "count", "sum", "sum", "mean", "min", "max"])
    measure = {"aggregate": aggregate}
    if aggregate != "count":
        measure["field"] = random.choice(FIELDS)
    once_per = random.choice([None, "visitor", "visitor", "visitor_day"])
    if once_per and aggregate not in ("min", "max"):
        measure["once_per"] = once_per
    return measure


def _where(random: Random) -> dict[str, Any]:
    """Most conditions name an event, as clients' do; some are anything."""
    kind = random.random()
    if kind < 0.2:
        return {}
    if kind < 0.5:
        return {"event": random.choice(EVENT_NAMES)}
    if kind < 0.65:
        return {"$or": [{"event": "Order", **_condition(random, 1)}, {"event": "Visit"}, _condition(random, 1)]}
    if kind < 0.8:
        return {"event": {"$in": random.sample(EVENT_NAMES, 2)}, **_condition(random, 1)}
    return _condition(random, 0)


def _condition(random: Random, depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    for _ in range(random.choice([1, 1, 2])):
        if depth < 2 and random.random() < 0.3:
            logical = random.choice(["$or", "$and", "$nor", "$not"])
            parts = [_condition(random, depth + 1) for _ in range(random.randint(1, 2))]
            condition[logical] = parts[0] if logical == "$not" else parts
        else:
            condition[random.choice(CONDITION_PATHS)] = _wanted(random, depth)
    return condition


def _wanted(random: Random, depth: int) -> Any:
    if random.random() < 0.3:
        return random.choice(SCALARS)
    operator = random.choice(OPERATORS)
    return {operator: _operand(random, operator, depth)}


OPERATORS = (
    "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$all", "$size", "$exists", "$type", "$elemMatch",
    "$not", "$regex", "$regexi", "$ini", "$nini", "$alli", "$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte",
    "$inGroup", "$notInGroup",
)  # fmt: skip


def _operand(random: Random, operator: str, depth: int) -> Any:
    match operator:
        case "$in" | "$nin" | "$all" | "$ini" | "$nini" | "$alli":
            return random.sample(SCALARS, random.randint(0, 3))
        case "$size":
            return random.choice([0, 1, 2, {"$gt": 1}])
        case "$exists":
            return random.choice([True, False])
        case "$type":
            return random.choice(["string", "number", "boolean", "array", "object", "null", "undefined"])
        case "$elemMatch":
            return random.choice([{"$gt": 1}, {"sku": random.choice(TEXTS)}, {"$eq": "a"}])
        case "$not":
            return {"$eq": random.choice(SCALARS)}
        case "$regex" | "$regexi":
            return random.choice(["^a", "[ab]", "1", ".", "b$"])
        case "$veq" | "$vne" | "$vgt" | "$vgte" | "$vlt" | "$vlte":
            return random.choice(["1.2.3", "1.0.0", "2"])
        case "$inGroup" | "$notInGroup":
            return random.choice(list(GROUPS))
        case _:
            return random.choice(SCALARS)
