"""Event times of a block's rows: which field says it, device clocks that run ahead, times that can't be.

A clock is corrected only from what the record itself holds (`sentAt` after `receivedAt`), never from our own arrival
time, so that a replay gives the same. A clock that seems behind may be a slow network: it is counted, not corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pipeline.decode.timestamp import NS_MAX, NS_MIN, NS_PER_S, parse_timestamps
from pipeline.model.limits import CLOCK_SKEW_MAX_S, FUTURE_MAX_S
from pipeline.model.rejects import RejectReason

_WRAPS_NS = 2**62  # from here on a difference of two times may have wrapped around its 64 bits
_SHOWN_CHARS = 60  # of a bad timestamp, in its reject's cause


class Clock(NamedTuple):
    """What a row says of its delivery: `sentAt` and `receivedAt` as they came."""

    row: int
    sent: Any
    received: Any


@dataclass(slots=True)
class Stamps:
    """Per row: event time and time of arrival (int64, ns), and whether it is an event (bool)."""

    time: np.ndarray
    arrival: np.ndarray
    good: np.ndarray
    rejects: list[tuple[int, RejectReason, str]]
    clocks_corrected: int
    clocks_behind: int


def stamp(texts: Sequence[Any], clocks: Sequence[Clock], is_event: np.ndarray, now_ns: int) -> Stamps:
    """Times of all rows. texts: the `timestamp` of each row; rows that are no events (bool) are passed over."""
    time, parsed = parse_timestamps(texts)
    arrival = np.full(len(texts), now_ns, dtype=np.int64)
    has_received = np.zeros(len(texts), dtype=bool)
    corrected = behind = 0
    if clocks:
        rows = np.array([c.row for c in clocks])
        sent, sent_ok = parse_timestamps([c.sent for c in clocks])
        received, received_ok = parse_timestamps([c.received for c in clocks])
        arrival[rows[received_ok]] = received[received_ok]
        has_received[rows[received_ok]] = True
        both = sent_ok & received_ok
        corrected, behind = _correct(time, parsed, rows[both], sent[both], received[both])
    rejects: list[tuple[int, RejectReason, str]] = []
    for row in np.flatnonzero(is_event & ~parsed).tolist():
        if texts[row] is None:  # absent: the time of arrival, the record's own where it has one
            time[row], parsed[row] = arrival[row], True
        else:
            shown = repr(texts[row])[:_SHOWN_CHARS]
            rejects.append((row, RejectReason.BAD_TIMESTAMP, f"timestamp: {shown} is no RFC 3339 time of 1678 to 2261"))
    future = is_event & parsed & (time > arrival + FUTURE_MAX_S * NS_PER_S)
    for row in np.flatnonzero(future).tolist():
        against = "receivedAt" if has_received[row] else "the time of arrival"
        rejects.append((row, RejectReason.IN_THE_FUTURE, f"timestamp: {texts[row]} is more than a day after {against}"))
    return Stamps(time, arrival, is_event & parsed & ~future, rejects, corrected, behind)


def _correct(
    time: np.ndarray, parsed: np.ndarray, rows: np.ndarray, sent: np.ndarray, received: np.ndarray
) -> tuple[int, int]:
    """Set the times of these rows back where the clock ran ahead; (how many did, how many seem behind).

    A row whose time would leave the years there are is no longer parsed.
    """
    ahead, roughly = sent - received, sent.astype(np.float64) - received.astype(np.float64)
    wrapped = np.abs(roughly) > _WRAPS_NS
    fast = np.where(wrapped, roughly > 0, ahead > CLOCK_SKEW_MAX_S * NS_PER_S)
    slow = np.where(wrapped, roughly < 0, ahead < -CLOCK_SKEW_MAX_S * NS_PER_S)
    rows, roughly = rows[fast], time[rows[fast]] - roughly[fast]
    time[rows] -= ahead[fast]  # exact where the result is a time there is, though a step on the way may wrap
    parsed[rows] &= (roughly >= NS_MIN) & (roughly <= NS_MAX)
    return len(rows), int(slow.sum())
