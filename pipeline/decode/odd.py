"""Records off the common way: decoded whole, taken apart if they are batches, or rejected with the reason.

A batch's events become rows behind those of the lines. A reject keeps the record's bytes; of a batch's event, its JSON.
A line that is itself a rejects record stands for the record in it, see `replay`.
"""

from __future__ import annotations

from codecs import BOM_UTF8  # what some programs begin a text file with
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from pipeline.decode.clock import Clock
from pipeline.decode.origin import ForeignReject, Origins, Span
from pipeline.decode.replay import BrokenReject
from pipeline.decode.shape import Shape
from pipeline.decode.timestamp import TIMESTAMP_CHARS_MAX
from pipeline.decode.whole import NotJson, deeper_than, parse_whole
from pipeline.model.event import ACCOUNT, BATCH, EVENT, RECEIVED_AT, SENT_AT, TIMESTAMP
from pipeline.model.limits import EVENT_BYTES_MAX, EVENT_DEPTH_MAX
from pipeline.model.rejects import Reject, RejectReason

_STAGE = "decode"
_SHOWN_CHARS = 60


class Matcher(Protocol):
    """What is done with an account's events: `known` and `learn` give the function for an event name, which takes the
    event, its row and this very matcher.
    """

    known: dict[str | None, Callable[[Any, int, Any], None] | None]

    def learn(self, name: Any) -> Callable[[Any, int, Any], None] | None: ...


Judge = Callable[[Any], "Matcher | RejectReason"]


class OddLines:
    """The long way, for a block's odd lines. Rows it adds remember the line and the place in the batch."""

    def __init__(self, shape: Shape, judge: Judge, span: Span, origins: Origins) -> None:
        self._shape = shape
        self._judge = judge
        self._span = span
        self._origins = origins
        self._added: dict[int, tuple[int, int | None, dict[str, Any]]] = {}  # row -> (line, place in the batch, event)
        self.rejects: list[Reject] = []

    def decode(self, line: int, times: list[Any], clocks: list[Clock]) -> None:
        """Take a line apart; what are events become new rows of `times` and, where they say so, of `clocks`."""
        try:
            self._origins.look_into(line)
        except BrokenReject as e:
            self._reject(RejectReason.NOT_JSON, str(e), line)
            return
        except ForeignReject as e:
            self._reject(RejectReason.WRONG_ACCOUNT, str(e), line)
            return
        record = self._parse(self._origins.raw(line).removeprefix(BOM_UTF8), line)
        if record is None:
            return
        events = record.get(BATCH)
        if isinstance(events, list):
            self._take_apart(record, events, line, times, clocks)
        else:
            self._judge_event(record, line, None, times, clocks)

    def _take_apart(
        self, batch: dict[str, Any], events: list[Any], line: int, times: list[Any], clocks: list[Clock]
    ) -> None:
        """Judge a batch's events one by one, with what they inherit; the batch as one where nobody takes its account.

        Rejects of events repeat what is inherited, so nothing long is: a batch of many events would become gigabytes.
        """
        inherited = {key: batch[key] for key in (SENT_AT, RECEIVED_AT) if _may_be_time(batch.get(key))}
        account = batch.get(ACCOUNT)
        if account is not None and events:
            matcher = self._judge_account(account, line)
            if isinstance(matcher, RejectReason):
                self._reject(matcher, self._account_cause(matcher, account, line), line)
                return
            inherited[ACCOUNT] = account
        for place, event in enumerate(events):
            if not isinstance(event, dict):
                self._reject(RejectReason.NOT_AN_OBJECT, "an event of the batch is no JSON object", line, place, event)
            elif account is not None and event.get(ACCOUNT) not in (None, account):
                cause = f"the event says account {_shown(event[ACCOUNT])}, its batch {_shown(account)}"
                self._reject(RejectReason.WRONG_ACCOUNT, cause, line, place, {**inherited, **event}, account)
            else:
                own = {key: value for key, value in event.items() if value is not None or key not in inherited}
                self._judge_event({**inherited, **own}, line, place, times, clocks)

    def _parse(self, raw: bytes, line: int) -> dict[str, Any] | None:
        if not raw.strip():
            if self._origins.is_record(line):
                self._reject(RejectReason.NOT_JSON, "an empty record", line)
            return None
        if len(raw) > EVENT_BYTES_MAX:
            self._reject(RejectReason.TOO_LARGE, f"{len(raw)} bytes, the bound is {EVENT_BYTES_MAX}", line)
            return None
        try:
            record = parse_whole(raw)
        except NotJson as e:
            self._reject(RejectReason.TOO_DEEP if e.deep else RejectReason.NOT_JSON, str(e), line)
            return None
        if not isinstance(record, dict):
            self._reject(RejectReason.NOT_AN_OBJECT, f"a JSON {type(record).__name__}, not an object", line)
            return None
        if deeper_than(record, EVENT_DEPTH_MAX):
            self._reject(RejectReason.TOO_DEEP, f"nested deeper than {EVENT_DEPTH_MAX} levels", line)
            return None
        return record

    def _judge_event(
        self, event: dict[str, Any], line: int, place: int | None, times: list[Any], clocks: list[Clock]
    ) -> None:
        said = event.get(ACCOUNT)
        matcher = self._judge_account(said, line)
        if isinstance(matcher, RejectReason):
            self._reject(matcher, self._account_cause(matcher, said, line), line, place, event)
            return
        row = len(times)
        self._added[row] = (line, place, event)
        times.append(self._time(event, line))
        if event.get(RECEIVED_AT) is not None or event.get(SENT_AT) is not None:
            clocks.append(Clock(row, event.get(SENT_AT), event.get(RECEIVED_AT)))
        name = event.get(EVENT)
        plain = name is None or isinstance(name, str)
        match = matcher.known[name] if plain and name in matcher.known else matcher.learn(name)
        if match is not None:
            match(self._shape.build(event), row, matcher)

    def _time(self, event: dict[str, Any], line: int) -> Any:
        """When the event says it was. One that doesn't say so was when it arrived, the first time."""
        replay = self._origins.replay(line)
        if replay is not None and event.get(TIMESTAMP) is None and event.get(RECEIVED_AT) is None:
            return replay.arrived
        return event.get(TIMESTAMP)

    def _judge_account(self, said: Any, line: int) -> Matcher | RejectReason:
        """The matcher for a record that says this account. One that comes again stays with the account vouched for."""
        bound = self._origins.bound_to(line)
        if bound is None:
            return self._judge(said)
        return self._judge(bound) if said is None or said == bound else RejectReason.WRONG_ACCOUNT

    def _account_cause(self, reason: RejectReason, said: object, line: int) -> str:
        bound, trusted = self._origins.bound_to(line), self._span.account or self._span.says
        if said is None:
            return _account_cause(reason, bound or self._span.says, trusted)
        return _account_cause(reason, said, trusted if said == bound else bound or trusted)

    def reject_row(self, row: int, reason: RejectReason, cause: str) -> Reject:
        """The reject of a row that was taken for an event until its time was looked at."""
        line, place, event = self._added.get(row, (row, None, {}))
        account = self._origins.account(line) or event.get(ACCOUNT)
        if account is None:
            account = self._parse_again(line).get(ACCOUNT)
        return self._made(reason, cause, line, place, event, account)

    def _parse_again(self, line: int) -> dict[str, Any]:
        record: dict[str, Any] = parse_whole(self._origins.raw(line).removeprefix(BOM_UTF8))
        return record

    def place(self, row: int) -> str:
        """Where a row's record stands: the source's name, the line's byte offset, the place in a batch."""
        line, place, _ = self._added.get(row, (row, None, {}))
        return self._origins.place(line, place)

    def _reject(
        self,
        reason: RejectReason,
        cause: str,
        line: int,
        place: int | None = None,
        event: object = None,
        says: object = None,
    ) -> None:
        """says: the account that the record itself names, for want of one that the source is trusted to be of."""
        account = self._origins.account(line) or (says if isinstance(says, str) else None)
        self.rejects.append(self._made(reason, cause, line, place, event, account))

    def _made(
        self, reason: RejectReason, cause: str, line: int, place: int | None, event: object, account: str | None
    ) -> Reject:
        raw = self._origins.raw(line) if place is None else orjson.dumps(event)
        where = self._origins.place(line, place)
        return Reject(_STAGE, reason, cause, where, raw, account, self._origins.arrived(line))


def _account_cause(reason: RejectReason, said: object, trusted: str | None) -> str:
    if reason is RejectReason.NO_ACCOUNT:
        return "neither the record nor the source says whose it is; name it with --account"
    if reason is RejectReason.WRONG_ACCOUNT:
        return f"the record says account {_shown(said)}, the source is of {trusted}"
    return f"account {_shown(trusted if said is None else said)} has no definitions; push some, or correct the name"


def _may_be_time(value: object) -> bool:
    return isinstance(value, str) and len(value) <= TIMESTAMP_CHARS_MAX


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN_CHARS]
