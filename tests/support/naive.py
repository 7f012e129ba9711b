"""The oracle: what one metric's numbers are, worked out the obvious way from the set of events. At most 60 lines."""

import re
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from pipeline.match import compile_condition, value_at

EXACT, PLACES, EPOCH = Context(60, ROUND_HALF_EVEN), Decimal("0.000001"), datetime(1970, 1, 1, tzinfo=UTC)


def text_of(value):
    if isinstance(value, float):
        return format(Decimal(repr(value + 0)).normalize(EXACT), "f")
    return str(value).lower() if isinstance(value, int) else value if isinstance(value, str) and value else None


def value_named(value):
    return text if len((text := text_of(value) or "(none)").encode()) <= 256 else "(other)"


def visitor_of(event, settings):
    return next((t for p in settings.visitor if (t := text_of(value_at(event, tuple(p.split(".")))))), None)


def nanoseconds(text):
    whole, fraction, zone = re.fullmatch(r"(.{19})(?:\.(\d+))?(.+)", text).groups()
    since = datetime.fromisoformat(whole + zone) - EPOCH
    return (since.days * 86400 + since.seconds) * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))


def time_of(event):
    sent, received = (nanoseconds(event[k]) if event.get(k) else None for k in ("sentAt", "receivedAt"))
    ahead = sent - received if None not in (sent, received) and sent - received > 300 * 10**9 else 0
    return nanoseconds(event["timestamp"]) - ahead if event.get("timestamp") else received


def amount_of(value, path):
    if isinstance(value, list) and path and not path[0].isdecimal():
        found = [n for n in (amount_of(element, path) for element in value) if n is not None]
    elif path:
        return amount_of(value_at(value, path[:1]), path[1:])
    else:
        sound = type(value) in (int, float) and abs(value) <= 10**12
        found = [Decimal(repr(value)).quantize(PLACES, context=EXACT)] if sound else []
    return sum(found) if found and abs(sum(found)) <= 10**12 else None


def count(account, settings, metric, events):
    """{(account, metric, revision, measure, breakdown path or "", value, day or day/hour): number}, zeros left out."""
    found, zone = defaultdict(list), ZoneInfo(settings.timezone)
    for event in filter(compile_condition(metric.where, metric.groups), events):
        at, visitor, message = time_of(event), visitor_of(event, settings), text_of(event["messageId"])
        local = (EPOCH + timedelta(seconds=at // 10**9)).astimezone(zone)
        second = local.utcoffset() != datetime.combine(local, time(), zone).utcoffset()  # past a change of the clocks
        day, hour = f"{local:%Y-%m-%d}", f"{local:%Y-%m-%d}/{local.hour + 24 * second:02d}"
        for measure in (m for m in metric.measures if visitor is not None or m.once_per is None):
            amount = amount_of(event, measure.field.split(".")) if measure.field else 1
            once = {None: (visitor, message), "visitor": (visitor,), "visitor_day": (visitor, day)}[measure.once_per]
            for path in ("", *metric.breakdowns):
                value = value_named(value_at(event, tuple(path.split(".")))) if path else ""
                found[measure, path, value, once].append((at, message, day, hour, amount))
    amounts = defaultdict(list)
    for (measure, path, value, _), copies in found.items():
        *_, day, hour, amount = min(copies, key=lambda copy: copy[:2])  # the first by event time, then messageId
        amounts[measure, path, value, day].append(amount)
        amounts[measure, path, value, hour].append(amount)
    numbers = {(m.name, *key): aggregate(m.aggregate, found) for (m, *key), found in amounts.items()}
    return {(account, metric.id, metric.revision, *key): n for key, n in numbers.items() if n is not None}


def aggregate(kind, amounts):
    known = [amount for amount in amounts if amount is not None]
    if kind in ("count", "sum"):
        return sum(known) or None
    kinds = {"min": min, "max": max, "mean": lambda n: EXACT.divide(sum(n), len(n)).quantize(PLACES, context=EXACT)}
    return kinds[kind](known) if known else None
