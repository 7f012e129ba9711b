"""Local days and hours of event times, for a whole array at once.

`when` = days since 1970-01-01 × HOURS_PER_DAY + hour. The hour is the local one, 0 to 23; past a change of the clocks
within the day it is 24 more, so that the two 02:00 of a 25-hour day are told apart.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.model.layout import EPOCH_ORDINAL, HOURS_PER_DAY

NS_PER_S = 1_000_000_000
DAY_S = 86_400
_STEP_S = 900  # today's zones change their offset on quarter hours; where one doesn't, seconds are looked at
_MEMO_MAX = 200_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Calendar:
    """The days and hours of one time zone. Offsets are memoised per quarter hour, bounded."""

    def __init__(self, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)
        self._utc = timezone in ("UTC", "Etc/UTC")
        self._offsets: dict[int, int] = {}
        self._day_offsets: dict[int, int] = {}

    def when(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(`when` as int64, UTC offset in seconds as int64) of event times in ns."""
        seconds = times // NS_PER_S
        offsets = np.zeros_like(seconds) if self._utc else self._offsets_of(seconds)
        days, in_day = np.divmod(seconds + offsets, DAY_S)
        hours = in_day // 3600
        if not self._utc:
            hours += 24 * (offsets != _mapped(days, self._first_offset))
        return days * HOURS_PER_DAY + hours, offsets

    def _offsets_of(self, seconds: np.ndarray) -> np.ndarray:
        steps, inverse = np.unique(seconds // _STEP_S, return_inverse=True)
        first = np.array([self._offset(int(s) * _STEP_S) for s in steps], dtype=np.int64)
        last = np.array([self._offset(int(s) * _STEP_S + _STEP_S - 1) for s in steps], dtype=np.int64)
        offsets = first[inverse]
        for i in np.flatnonzero((first != last)[inverse]):
            offsets[i] = self._offset(int(seconds[i]))
        return offsets

    def _offset(self, second: int) -> int:
        found = self._offsets.get(second)
        if found is None:
            if len(self._offsets) >= _MEMO_MAX:
                self._offsets.clear()
            local = (_EPOCH + timedelta(seconds=second)).astimezone(self.zone)
            found = self._offsets[second] = _seconds(local.utcoffset())
        return found

    def _first_offset(self, day: int) -> int:
        found = self._day_offsets.get(day)
        if found is None:
            if len(self._day_offsets) >= _MEMO_MAX:
                self._day_offsets.clear()
            midnight = datetime.combine(date.fromordinal(day + EPOCH_ORDINAL), datetime.min.time(), self.zone)
            found = self._day_offsets[day] = _seconds(midnight.utcoffset())
        return found


def _mapped(keys: np.ndarray, value_of) -> np.ndarray:  # type: ignore[no-untyped-def]
    unique, inverse = np.unique(keys, return_inverse=True)
    return np.array([value_of(int(k)) for k in unique], dtype=np.int64)[inverse]


def _seconds(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds())
