"""A block of raw records to events, one line each: decoded, stamped and handed to the account's matcher, or rejected.

The common record takes the short way (`BlockDecoder.decode`); whatever the generated struct refuses, is a batch or
looks odd takes the long way through `orjson` (`odd.OddLines`), which decides and gives the reason.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from pipeline.decode.clock import Clock, Stamps, stamp
from pipeline.decode.lines import Lines
from pipeline.decode.odd import Judge, OddLines
from pipeline.decode.origin import Origins, Span
from pipeline.decode.shape import Shape
from pipeline.decode.timestamp import rfc3339
from pipeline.model.limits import EVENT_BYTES_MAX, EVENT_DEPTH_MAX
from pipeline.model.rejects import Reject, RejectReason

# Decoded at once. Real records are longer than 160 bytes, so that a block has fewer lines; the memory of one that is made
# of nothing but line ends is bounded by this.
LINES_MAX = 100_000
_ODD = object()  # a row's time while nobody has found the line plain
_BLANK = object()  # the time of a row that is no record
# A record nested deeper than EVENT_DEPTH_MAX has so many arrays, or is longer than this: an array takes two bytes at
# least, an object that holds another five. Counting arrays is fast (mostly there are none), counting objects is not.
_SHALLOW_ARRAYS_MAX = 16
_SHALLOW_BYTES_MAX = 2 * _SHALLOW_ARRAYS_MAX + 5 * (EVENT_DEPTH_MAX - _SHALLOW_ARRAYS_MAX - 1)
_BLANK_BYTES_MAX = len(b"\r\n")
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


@dataclass(slots=True)
class Decoded:
    """A block's rows, at least one per line: times, which of them are events, and the records that are none.

    `place` names a row's record in its source; it is the event's id where the record brings none. `lines` and `length`
    (in bytes) say how much of the block was decoded: all of it, or its first LINES_MAX lines.
    """

    stamps: Stamps
    rejects: list[Reject]
    place: Callable[[int], str]
    lines: int
    length: int

    @property
    def events(self) -> int:
        """How many records are events."""
        return int(self.stamps.good.sum())


class BlockDecoder:
    """Decodes blocks for the accounts that `judge` knows: it gives an account's matcher, or why there is none."""

    def __init__(self, shape: Shape, judge: Judge) -> None:
        self._shape = shape
        self._judge = judge

    def decode(self, data: bytes, span: Span, now_ns: int) -> Decoded:
        """Decode the lines of `data`, LINES_MAX at most; blank lines are no records. now_ns: the time of arrival."""
        times: list[Any] = []
        clocks: list[Clock] = []
        # Each line by itself: what one line comes to must not depend on its neighbours in the block.
        unread = io.BytesIO(data)
        lines: Iterable[bytes] = islice(unread, LINES_MAX)  # one at a time, which keeps the line in work in the cache
        if not _is_utf8(data):
            lines = (line if _is_utf8(line) else b"" for line in lines)
        self._decode_plain(lines, data.count(b"[") > _SHALLOW_ARRAYS_MAX, span.places is None, times, clocks)
        count, length = len(times), unread.tell()
        odd_rows = [row for row, time in enumerate(times) if time is _ODD]
        blank_rows = [row for row, time in enumerate(times) if time is _BLANK]
        odd = OddLines(self._shape, self._judge, span, Origins(Lines(data[:length]), span, rfc3339(now_ns)))
        for row in blank_rows:
            times[row] = None
        for row in odd_rows:
            times[row] = None
            odd.decode(row, times, clocks)
        is_event = np.ones(len(times), dtype=bool)
        is_event[odd_rows + blank_rows] = False
        stamps = stamp(times, clocks, is_event, now_ns)
        rejects = odd.rejects + [odd.reject_row(row, reason, cause) for row, reason, cause in stamps.rejects]
        return Decoded(stamps, rejects, odd.place, count, length)

    def _decode_plain(
        self, lines: Iterable[bytes], arrays: bool, blanks: bool, times: list[Any], clocks: list[Clock]
    ) -> None:
        """Judge the lines that are one ordinary event each. arrays: there are enough for a line to have too many; blanks:
        an empty line is no record.

        Runs once per event: names are bound before the loop.
        """
        decode, judge, append = self._shape.decode, self._judge, times.append
        account: Any = _ODD
        matcher: Any = None
        known: dict[Any, Callable[[Any, int, Any], None] | None] = {}
        for row, line in enumerate(lines):
            append(_ODD)
            length = len(line)
            if length <= _BLANK_BYTES_MAX and blanks and line.isspace():
                times[row] = _BLANK  # at once, since a file may hold nothing else
                continue
            if (length > _SHALLOW_BYTES_MAX or (arrays and line.count(b"[") > _SHALLOW_ARRAYS_MAX)) and _may_be_odd(line):
                continue
            try:
                event = decode(line)
            except _REFUSED:
                continue
            if event.batch is not None:
                continue
            if event.account != account:
                judged = judge(event.account)
                if isinstance(judged, RejectReason):
                    continue
                account, matcher, known = event.account, judged, judged.known
            times[row] = event.timestamp
            if event.receivedAt is not None or event.sentAt is not None:
                clocks.append(Clock(row, event.sentAt, event.receivedAt))
            name = event.event
            if name.__class__ is str or name is None:
                match = known.get(name, _ODD)  # type: ignore[arg-type]
                if match is _ODD:
                    match = matcher.learn(name)
            else:
                match = matcher.learn(name)
            if match is not None:
                match(event, row, matcher)  # type: ignore[operator]


def _may_be_odd(line: bytes) -> bool:
    """Too large, or with brackets enough to be too deep."""
    return len(line) > EVENT_BYTES_MAX or line.count(b"{") + line.count(b"[") > EVENT_DEPTH_MAX


def _is_utf8(data: bytes) -> bool:
    """Checked apart, for a block as a whole where that is enough: the struct decoder doesn't look into what it skips."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
