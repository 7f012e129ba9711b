"""Owns the reading of the one event that is to be explained, as it would stand in a source."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Any

from pipeline.decode.replay import BrokenReject, Replay, replay_of
from pipeline.decode.whole import NotJson, parse_whole
from pipeline.model.errors import UsageError
from pipeline.model.event import BATCH


class BadEvent(UsageError):
    """What was given is not one event: `pointer` is the place in it, as a JSON pointer."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Record:
    """`line`: the bytes that a source would hand on. `event`: what is in them, None where that is no JSON object.

    `replay`: set where it is a rejects record, which stands for the record in it.
    """

    line: bytes
    event: dict[str, Any] | None
    replay: Replay | None


def read_record(text: bytes) -> Record:
    """The event in a text of JSON. Raises BadEvent."""
    text = text.removeprefix(BOM_UTF8).strip()
    found = read_json_object(text)
    if isinstance(found.get(BATCH), list):
        raise BadEvent(f"a batch of {len(found[BATCH])} events: give one of them", f"/{BATCH}")
    # Line ends inside a text would not be JSON, so what is left of them stands between the parts.
    line = text.replace(b"\n", b" ").replace(b"\r", b" ")
    try:
        replay = replay_of(line)
    except BrokenReject:
        return Record(line, None, None)
    return Record(line, found, None) if replay is None else Record(line, _event_in(replay), replay)


def read_json_object(text: bytes) -> dict[str, Any]:
    """The object that a text of JSON holds. Raises BadEvent."""
    if not text.strip():
        raise BadEvent("there is no event: give one JSON object")
    try:
        found = parse_whole(text)
    except NotJson as error:
        first = text.partition(b"\n")[0]
        if first != text and _is_json(first):
            raise BadEvent("there is more than one line of JSON: give one event") from None
        raise BadEvent(f"the event is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadEvent("not an event: give one JSON object")
    return found


def _is_json(text: bytes) -> bool:
    try:
        parse_whole(text)
    except NotJson:
        return False
    return True


def _event_in(replay: Replay) -> dict[str, Any] | None:
    try:
        found = parse_whole(replay.raw.removeprefix(BOM_UTF8))
    except NotJson:
        return None
    return found if isinstance(found, dict) else None
