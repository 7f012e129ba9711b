"""Owns the hours of a calendar day in a time zone, clock changes included.

The store counts hours by their local number under the day's first UTC offset (0..23) or its second (24..47), see
`layout`. A day with a clock change has 23 or 25 hours; where the clock moves by half an hour, one of them is a half.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.model.layout import HOURS_PER_DAY
from readers.query.dates import DAY

STEP = timedelta(minutes=15)  # every zone's clock has changed at a multiple of it since 1972


@dataclass(frozen=True, slots=True)
class Hour:
    """`index`: where the store counts it. `start`: its first moment, in local time with offset."""

    index: int
    start: datetime

    @property
    def label(self) -> str:
        return self.start.isoformat()


def hours_of(day: date, zone: ZoneInfo) -> list[Hour]:
    """The hours of a day in their order."""
    start, end = _midnight(day, zone), _midnight(day + DAY, zone)
    if end - start == DAY and start.astimezone(zone).hour == 0:
        local = start.astimezone(zone)
        return [Hour(i, local.replace(hour=i)) for i in range(24)]
    return _changing_hours(start, end, zone)


def nearest_hours(hours: list[Hour]) -> list[int]:
    """For each of the store's indexes the position in `hours` that it belongs to.

    An index that this day does not have by our time zone data (the writer's may be of another year) goes to the same
    hour on the other side of the change, or else to the hour before: it is never lost.
    """
    at = {hour.index: i for i, hour in enumerate(hours)}
    found, last = [], 0
    for index in range(HOURS_PER_DAY):
        last = at.get(index, at.get((index + 24) % HOURS_PER_DAY, last))
        found.append(last)
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _changing_hours(start: datetime, end: datetime, zone: ZoneInfo) -> list[Hour]:
    first_offset = start.astimezone(zone).replace(hour=0, minute=0, fold=0).utcoffset()  # as `model.calendar` has it
    hours: list[Hour] = []
    moment = start
    while moment < end:
        local = moment.astimezone(zone)
        index = local.hour + (0 if local.utcoffset() == first_offset else 24)
        if not hours or hours[-1].index != index:
            hours.append(Hour(index, local))
        moment += STEP
    return hours
