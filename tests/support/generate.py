"""Seeded small worlds: definitions of a few accounts, and distinct events made to collide.

Few visitors and few messageIds shared between visitors and accounts, equal times in different writings, times around
midnight, clock changes and the ends of months, values that look alike. `World.events` are a set: no two have account,
visitor and messageId in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.model.definition import AccountDefinitions, Snapshot
from tests.support.generate_definitions import EVENT_NAMES, make_account
from tests.support.naive import text_of, visitor_of

Event = dict[str, Any]
ACCOUNTS = ("acme", "bolt", "cord")
YEAR = 2024  # past on any machine, and a leap year
PEOPLE = ("ann", "bob", "7", 7, "cy", "ü", True)
NOBODY = (None, "", {"id": 1}, [])
MESSAGES = 12
_TEXTS = ("a", "A", "b", "ß", "1", "1.2.3", "", "(none)", "x" * 300, "é" * 150)
_NUMBERS = (
    1, 2, 1.0, 2.5, -1, 0, 0.1, 0.2, 0.1234567, 0.0000005, 2.5e-6, -3.0000015, 19.99, 1e12, 1e12 + 1, -1e12, 1e300,
    999999999999.9999, 123456789.123456, 10**15,
)  # fmt: skip
_VALUES = (*_TEXTS, *_NUMBERS, True, False, None, {}, {"a": {"b": 3}}, [], ["a", 1, None])


@dataclass(frozen=True, slots=True)
class World:
    """What a seed stands for. `trusted`: the one account its source is of, where there is only one."""

    seed: int
    snapshot: Snapshot
    events: list[Event]
    trusted: str | None

    def of(self, account: str) -> list[Event]:
        """One account's events."""
        return [event for event in self.events if event.get("account", self.trusted) == account]


def make_world(seed: int) -> World:
    """The world of a seed, always the same."""
    random = Random(seed)
    names = ACCOUNTS[: random.choice([1, 1, 2, 3])]
    accounts = [make_account(random, name) for name in names]
    trusted = names[0] if len(names) == 1 and random.random() < 0.5 else None
    events: dict[tuple[Any, ...], Event] = {}
    for definitions in accounts:
        moments = midnights_and_changes(random, definitions.settings.timezone)
        for _ in range(random.randint(5, 70)):
            event = make_event(random, moments)
            if trusted is None or random.random() < 0.2:
                event["account"] = definitions.account
            events.setdefault(identity(event, definitions), event)
    return World(seed, Snapshot.of(accounts), list(events.values()), trusted)


def identity(event: Event, definitions: AccountDefinitions) -> tuple[Any, ...]:
    """What makes two deliveries the same event."""
    return definitions.account, visitor_of(event, definitions.settings), text_of(event["messageId"])


def make_event(random: Random, moments: list[datetime]) -> Event:
    """One event around one of the moments."""
    message = random.randrange(MESSAGES)
    event: Event = {
        "messageId": message if random.random() < 0.1 else f"{message}",
        "type": random.choice(["track", "track", "page", None]),
        "event": random.choice([*EVENT_NAMES, *EVENT_NAMES, "Other", None, 1]),
        "anonymousId": random.choice(PEOPLE if random.random() < 0.8 else NOBODY),
        "userId": random.choice(PEOPLE if random.random() < 0.3 else NOBODY),
        "properties": _properties(random),
        "context": _context(random),
        "items": [{"q": random.choice(_VALUES)} for _ in range(random.randrange(3))],
        **_times(random, random.choice(moments)),
    }
    return {key: value for key, value in event.items() if value is not None or random.random() < 0.5}


def _properties(random: Random) -> Any:
    if random.random() < 0.03:
        return random.choice([None, "text", 3])
    pairs = {
        "plan": random.choice(_VALUES),
        "total": random.choice(_NUMBERS if random.random() < 0.8 else _VALUES),
        "n": random.choice(_VALUES),
        "tags": random.choice([["a"], ["a", "b"], [], ["1", 1, True], "a", None]),
        "deep": random.choice([{"a": {"b": random.choice(_NUMBERS)}}, {"a": [{"b": 1}, {"b": 2}]}, {"a": 1}, 5, None]),
        "products": _products(random),
    }
    return {key: value for key, value in pairs.items() if random.random() < 0.8}


def _products(random: Random) -> Any:
    if random.random() < 0.1:
        return random.choice([None, {}, {"quantity": 2}, "none", [[{"quantity": 1}], {"quantity": 0.5}]])
    return [
        {"sku": random.choice(_TEXTS), "quantity": random.choice(_NUMBERS), "parts": [{"q": 1}, {"q": "1"}, {"q": 0.2}]}
        for _ in range(random.randrange(4))
    ]


def _context(random: Random) -> Any:
    if random.random() < 0.03:
        return random.choice([None, "text", 3])
    person = random.choice((*PEOPLE, None))
    traits: Any = {"gender": random.choice(_TEXTS), "age": random.choice(_NUMBERS), "id": person}
    items: Any = [{"q": random.choice(_VALUES)} for _ in range(random.randrange(3))]
    return {
        "country": random.choice(["IN", "DE", "US", 1, "1", None]),
        "traits": traits if random.random() < 0.9 else random.choice([None, "text", []]),
        "items": items if random.random() < 0.8 else {"q": 4},
    }


def _times(random: Random, moment: datetime) -> Event:
    """The instant in one of its writings, sometimes with a clock that runs ahead, sometimes left out."""
    near = timedelta(seconds=random.choice([0, 0, 0, 1, -1, 1800, -1800, 3600, -3600, 5400, -7200]))
    at = moment + near + timedelta(days=random.choice([0, 0, 0, 0, 1, -1, 2]))
    zone = random.choice([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-7))])
    text = at.astimezone(zone).isoformat().replace("+00:00", "Z")
    fraction = random.choice(["", "", "", ".000", ".5", ".000000001", ".123456789"])
    written = text[:19] + fraction + text[19:]
    if random.random() < 0.8:
        return {"timestamp": written}
    if random.random() < 0.3:
        return {"timestamp": None, "receivedAt": written}
    ahead = timedelta(minutes=random.choice([-60, 0, 4, 10, 180]))
    sent = (at + ahead).astimezone(zone).isoformat()
    return {"timestamp": written, "sentAt": sent, "receivedAt": at.isoformat().replace("+00:00", "Z")}


def midnights_and_changes(random: Random, zone: str) -> list[datetime]:
    """A midnight or two, a change of the clocks where there are any, and some old instant."""
    day = datetime(YEAR, random.randint(1, 8), random.choice([1, 15, 28]), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    changes = _changes(zone)
    chosen = [day, day + timedelta(hours=random.randrange(24)), *random.sample(changes, min(len(changes), 1))]
    return chosen + [datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)] * (random.random() < 0.1)


def _changes(zone: str) -> list[datetime]:
    """The instants of the year at which the zone's offset changes, to the half hour."""
    start = datetime(YEAR, 1, 1, tzinfo=UTC)
    steps = [start + timedelta(hours=12) * i for i in range(600)]
    offset = {at: at.astimezone(ZoneInfo(zone)).utcoffset() for at in steps}
    days = [a for a, b in pairwise(steps) if offset[a] != offset[b]]
    return [_first_after(a, offset[a], ZoneInfo(zone)) for a in days]


def _first_after(at: datetime, before: timedelta | None, zone: ZoneInfo) -> datetime:
    while at.astimezone(zone).utcoffset() == before:
        at += timedelta(minutes=30)
    return at
