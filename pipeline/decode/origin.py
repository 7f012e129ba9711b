"""Where a block's records come from: bytes, place, account vouched for and time of arrival, line by line.

A line that is a rejects record stands for the record in it, which keeps the origin it had when it was rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.decode.lines import Lines
from pipeline.decode.replay import Replay, replay_of


class ForeignReject(ValueError):
    """A rejects record says another account than its source."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block stands: the source's name, the uncompressed offset of its first byte, the account it is trusted
    to be of (None: each record says). `says`: the account that the records' stream names, where that is not trusted as
    such. `places`: the id of each line's record, where the source has ids.
    """

    source: str
    offset: int
    account: str | None = None
    says: str | None = None
    places: Sequence[str] | None = None


class Origins:
    """The origins of a block's lines. arrived: when the block arrived, RFC 3339."""

    def __init__(self, lines: Lines, span: Span, arrived: str) -> None:
        self._lines = lines
        self._span = span
        self._source = _as_text(span.source)
        self._arrived = arrived
        self._replays: dict[int, Replay] = {}  # by line

    def look_into(self, line: int) -> None:
        """Take the line for the record in it, if it is a rejects record. Raises BrokenReject for half of one, and
        ForeignReject for one of another account than the source is of: anybody may write such a line, and whoever keeps
        the record in it as that account's would count it there when it comes again.
        """
        replay = replay_of(self._lines[line])
        if replay is None:
            return
        trusted = self._span.says or self._span.account
        if replay.account is not None and trusted not in (None, replay.account):
            raise ForeignReject(f"a rejects record of account {replay.account}, the source is of {trusted}")
        self._replays[line] = replay

    def replay(self, line: int) -> Replay | None:
        """What is known of a record that comes again; None for any other."""
        return self._replays.get(line)

    def is_record(self, line: int) -> bool:
        """Whether it stands for a record even if it is blank."""
        return line in self._replays or (self._span.places is not None and line < len(self._span.places))

    def raw(self, line: int) -> bytes:
        replay = self._replays.get(line)
        return self._lines[line] if replay is None else replay.raw

    def arrived(self, line: int) -> str | None:
        """When the record arrived the first time, RFC 3339; None where that isn't known."""
        replay = self._replays.get(line)
        return self._arrived if replay is None else replay.arrived

    def bound_to(self, line: int) -> str | None:
        """The account that was vouched for when a record that comes again was rejected."""
        replay = self._replays.get(line)
        return None if replay is None else replay.account

    def account(self, line: int) -> str | None:
        """The account that is vouched for."""
        return self._span.says or self._span.account or self.bound_to(line)

    def place(self, line: int, place: int | None) -> str:
        """The source's name and the line's byte offset, or the source's id of the record; and the place in a batch."""
        if line in self._replays:
            name = self._replays[line].place
        elif self._span.places is not None:
            name = self._span.places[line]
        else:
            name = f"{self._source}@{self._span.offset + self._lines.offset(line)}"
        return name if place is None else f"{name}/{place}"


def _as_text(name: str) -> str:
    """A source's name as JSON can hold it: names of files may be bytes that are no text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
