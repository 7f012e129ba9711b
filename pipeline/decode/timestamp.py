"""RFC 3339 timestamps to nanoseconds, strictly: one at a time, and whole lists of the commonest shape at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from pipeline.model.layout import EPOCH_ORDINAL

NS_PER_S = 1_000_000_000
NS_MIN, NS_MAX = -(2**63) + 2 * 86_400 * NS_PER_S, 2**63 - 2 * 86_400 * NS_PER_S  # room for offsets and days
_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)
TIMESTAMP_CHARS_MAX = 128
_COMMON = b"0000-00-00T00:00:00.000Z"
_DIGITS = np.array([i for i, c in enumerate(_COMMON) if c == ord("0")])
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def parse_timestamp(text: object) -> int | None:
    """Nanoseconds since 1970 UTC; None if this is no RFC 3339 time between 1678 and 2261. Finer digits are cut off."""
    if not isinstance(text, str) or len(text) > TIMESTAMP_CHARS_MAX:
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(g) for g in found.group(1, 2, 3, 4, 5, 6))
    fraction, sign, off_hours, off_minutes = found.group(7, 8, 9, 10)
    if hour > 23 or minute > 59 or second > 60:  # 60: a leap second, the next minute's first
        return None
    try:
        days = date(year, month, day).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    if sign:
        if int(off_hours) > 23 or int(off_minutes) > 59:
            return None
        offset = int(off_hours) * 3600 + int(off_minutes) * 60
        seconds += -offset if sign == "+" else offset
    ns = seconds * NS_PER_S + (int(fraction[:9].ljust(9, "0")) if fraction else 0)
    return ns if NS_MIN <= ns <= NS_MAX else None


def rfc3339(ns: int) -> str:
    """Nanoseconds since 1970 as text that `parse_timestamp` takes; finer than milliseconds is cut off."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def parse_timestamps(texts: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    """(nanoseconds int64, parsed bool) of a list; what isn't parsed is 0 there. Same verdicts as `parse_timestamp`."""
    times = np.zeros(len(texts), dtype=np.int64)
    parsed = np.zeros(len(texts), dtype=bool)
    lengths = np.array([len(t) if t.__class__ is str else 0 for t in texts])  # type: ignore[arg-type]
    common = np.flatnonzero(lengths == len(_COMMON))
    if len(common):
        joined = "".join([texts[i] for i in common.tolist()] if len(common) < len(texts) else texts)  # type: ignore[misc, arg-type]
        if joined.isascii():
            times[common], parsed[common] = _parse_common(joined.encode())
    for i in np.flatnonzero(~parsed & (lengths > 0)).tolist():
        ns = parse_timestamp(texts[i])
        if ns is not None:
            times[i], parsed[i] = ns, True
    return times, parsed


def _parse_common(joined: bytes) -> tuple[np.ndarray, np.ndarray]:
    # One row per place in the text, so that each step runs over neighbouring bytes.
    chars = np.frombuffer(joined, dtype=np.uint8).reshape(-1, len(_COMMON)).T.copy()
    good = np.ones(chars.shape[1], dtype=bool)
    for place, mark in enumerate(_COMMON):
        if mark != ord("0"):
            good &= chars[place] == mark
    d = (chars - np.uint8(ord("0")))[_DIGITS]  # what is no digit wraps to 10 and more
    good &= d.max(axis=0) < 10
    d = d.astype(np.int32)
    year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]
    month, day = d[4] * 10 + d[5], d[6] * 10 + d[7]
    hour, minute, second = d[8] * 10 + d[9], d[10] * 10 + d[11], d[12] * 10 + d[13]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    month_days = _MONTH_DAYS[np.clip(month, 0, 12)] + ((month == 2) & leap)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= month_days)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59) & (year >= 1678) & (year <= 2261)
    days = _days_from_civil(year, month, day).astype(np.int64)
    milliseconds = days * 86_400_000 + (hour * 3600 + minute * 60 + second) * 1000 + d[14] * 100 + d[15] * 10 + d[16]
    return np.where(good, milliseconds * 1_000_000, 0), good


def _days_from_civil(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 of proleptic Gregorian dates; months are counted from March, so that leap days come last."""
    y = year - (month <= 2)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
