"""What one line of input comes to, read the obvious way: Python's `json`, plain conditions, no block and no neighbours.

Shares with the pipeline the texts of scalars, single timestamps and compiled conditions, each tested for itself; not
its parsers, its structs, its generated code or its arrays. An outcome is a tuple that can be compared.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, NoReturn

import xxhash

from pipeline.decode.number import to_micro
from pipeline.decode.timestamp import NS_MAX, NS_MIN, parse_timestamp
from pipeline.match import compile_condition, value_at
from pipeline.match.block import Matched
from pipeline.model.counter import NO_NUMBER
from pipeline.model.definition import AccountDefinitions
from pipeline.model.event import breakdown_value, scalar_text
from pipeline.model.hit import NO_VISITOR, HitBlock
from pipeline.model.judged import REJECTED, Judged
from tests.support.naive import amount_of

DAY_NS, SKEW_NS = 86_400 * 10**9, 300 * 10**9
DEPTH_MAX, BYTES_MAX = 128, 256 * 1024
BLANK = b" \t\r\n\x0b\x0c"


class Hit(NamedTuple):
    """An event that counts: in which series, and with which numbers. `visitor` and `message` are their hashes."""

    account: str
    message: int
    visitor: int | None
    time: int
    series: frozenset[tuple[str, str, str]]
    numbers: frozenset[tuple[str, int | None]]


class Refused(NamedTuple):
    """A reject: its reason and place."""

    reason: str
    place: str


Outcome = list[Hit | Refused]


class Record(NamedTuple):
    """A record, its place, and of one that comes again the account it is bound to and when it arrived."""

    raw: bytes
    place: str
    bound: str | None
    arrived: str | None


class Reader:
    """Reads lines under these definitions. trusted: the account that the source is of, None where each record says."""

    def __init__(self, accounts: Mapping[str, AccountDefinitions], key: bytes, trusted: str | None, now_ns: int) -> None:
        self._accounts = accounts
        self._key = key
        self._trusted = trusted
        self._now_ns = now_ns
        self._tests = {
            name: [(metric, compile_condition(metric.where, metric.groups)) for metric in definitions.metrics.values()]
            for name, definitions in accounts.items()
        }

    def read(self, line: bytes, place: str) -> Outcome:
        """The outcome of one line, in no order that means anything."""
        record = Record(line, place, None, None)
        try:
            again = self._again(line)
        except ValueError:
            return [Refused("not_json", place)]
        if again and again.bound and self._trusted not in (None, again.bound):
            return [Refused("wrong_account", place)]
        if again and not again.raw.removeprefix(b"\xef\xbb\xbf").strip(BLANK):
            return [Refused("not_json", again.place)]
        return self._read(again or record)

    def _again(self, line: bytes) -> Record | None:
        """What a rejects record stands for, None for any other line. Raises ValueError for half of one."""
        try:
            found = plain_json(line) if b'"raw' in line and b'"stage"' in line else None
        except (RecursionError, ValueError):
            return None
        known = isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("stage", "reason", "source"))
        if not isinstance(found, dict) or not known or (found.get("raw") is None and found.get("raw_base64") is None):
            return None
        packed = found.get("raw") is None
        raw = base64.b64decode(text(found["raw_base64"]), validate=True) if packed else text(found["raw"]).encode()
        bound = None if found.get("account") is None else text(found["account"], r"[a-z0-9_-]{1,64}")
        arrived = None if found.get("arrived") is None else text(found["arrived"], r"(?s).{0,128}")
        return Record(raw, text(found["source"], r"(?s).{0,2000}"), bound, arrived)

    def _read(self, record: Record) -> Outcome:
        raw, place = record.raw.removeprefix(b"\xef\xbb\xbf"), record.place
        if not raw.strip(BLANK):
            return []
        if len(raw) > BYTES_MAX:
            return [Refused("too_large", place)]
        try:
            found = plain_json(raw)
        except RecursionError:
            return [Refused("too_deep", place)]
        except ValueError:
            return [Refused("not_json", place)]
        if not isinstance(found, dict):
            return [Refused("not_an_object", place)]
        if depth_of(found) > DEPTH_MAX:
            return [Refused("too_deep", place)]
        batch = found.get("batch")
        if not isinstance(batch, list):
            return [self._event(found, record)]
        refusal = self._refusal(found.get("account"), record) if found.get("account") is not None and batch else None
        if refusal:
            return [Refused(refusal, place)]
        return [self._of_batch(event, found, record._replace(place=f"{place}/{i}")) for i, event in enumerate(batch)]

    def _of_batch(self, event: Any, batch: dict[str, Any], record: Record) -> Hit | Refused:
        if not isinstance(event, dict):
            return Refused("not_an_object", record.place)
        said, own = batch.get("account"), event.get("account")
        if said is not None and own is not None and own != said:
            return Refused("wrong_account", record.place)
        inherited = {k: batch.get(k) if event.get(k) is None else event[k] for k in ("sentAt", "receivedAt", "account")}
        return self._event({**event, **inherited}, record)

    def _event(self, event: dict[str, Any], record: Record) -> Hit | Refused:
        refusal = self._refusal(event.get("account"), record)
        if refusal:
            return Refused(refusal, record.place)
        name = event.get("account") or record.bound or self._trusted
        at, arrival = self._time(event, record)
        if at is None:
            return Refused("bad_timestamp", record.place)
        if at > arrival + DAY_NS:
            return Refused("in_the_future", record.place)
        return self._hit(self._accounts[name], event, at, record.place)

    def _refusal(self, said: Any, record: Record) -> str | None:
        """Why nobody takes what is said to be of this account."""
        if record.bound is not None and said not in (None, record.bound):
            return "wrong_account"
        name = (record.bound or self._trusted) if said is None else said
        if name is None:
            return "no_account"
        if self._trusted is not None and name != self._trusted:
            return "wrong_account"
        return None if isinstance(name, str) and name in self._accounts else "unknown_account"

    def _time(self, event: dict[str, Any], record: Record) -> tuple[int | None, int]:
        sent, received = parse_timestamp(event.get("sentAt")), parse_timestamp(event.get("receivedAt"))
        arrival = self._now_ns if received is None else received
        written = event.get("timestamp")
        if written is None and event.get("receivedAt") is None:
            written = record.arrived
        if written is None:
            return arrival, arrival
        at = parse_timestamp(written)
        if at is not None and sent is not None and received is not None and sent - received > SKEW_NS:
            at -= sent - received
        return (at if at is not None and NS_MIN <= at <= NS_MAX else None), arrival

    def _hit(self, definitions: AccountDefinitions, event: dict[str, Any], at: int, place: str) -> Hit:
        account = definitions.account
        series, numbers = set(), set()
        for metric, holds in self._tests[account]:
            if holds(event):
                series.add((metric.id, "", ""))
                series |= {(metric.id, b, breakdown_value(value_at(event, tuple(b.split("."))))) for b in metric.breakdowns}
                fields = {m.field for m in metric.measures if m.field}
                numbers |= {(field, to_micro(amount_of(event, field.split(".")))) for field in fields}
        ids = (scalar_text(value_at(event, tuple(path.split(".")))) for path in definitions.settings.visitor)
        visitor = next((one for one in ids if one is not None), None)
        message = scalar_text(event.get("messageId")) or place
        hashed = None if visitor is None else visitor_hash(self._key, account, visitor)
        return Hit(account, message_hash(message), hashed, at, frozenset(series), frozenset(numbers))


def text(value: Any, form: str = r"(?s).*") -> str:
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise ValueError(value)
    return value


def plain_json(raw: bytes) -> Any:
    """Strict JSON as Python reads it; numbers beyond the doubles are infinite, halves of surrogate pairs refused."""
    return _whole_texts(json.loads(raw.decode(), parse_constant=_refuse, parse_int=_whole, object_pairs_hook=_object))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of keys that are there twice the last counts, but what the others hold must be JSON too."""
    return dict(_whole_texts(pairs))


def _whole_texts(value: Any) -> Any:
    for one in texts_of(value):
        one.encode()  # raises a ValueError for half a surrogate pair
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 1_000 else float(digits)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too. Without recursion."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        pending.extend([*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, (list, tuple)) else ())


def depth_of(value: Any) -> int:
    """How many objects and arrays lie in one another at most."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def visitor_hash(key: bytes, account: str, visitor: str) -> int:
    """What stands for a visitor of an account."""
    digest = blake2b(account.encode() + b"\0" + visitor.encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") or 1


def message_hash(message: str) -> int:
    return int(xxhash.xxh3_64_intdigest(message.encode()))


def outcome_of(matched: Matched, accounts: Mapping[str, AccountDefinitions]) -> Outcome:
    """What a block of lines came to, in the same form."""
    refused: Outcome = [Refused(reject.reason.value, reject.source) for reject in matched.rejects]
    return refused + [hit for _, raw in matched.hits for hit in _hits(HitBlock.from_bytes(raw), accounts)]


def _hits(block: HitBlock, accounts: Mapping[str, AccountDefinitions]) -> Iterator[Hit]:
    at, ids = 0, iter(block.message_ids)
    for row, c in enumerate(block.combo.tolist()):
        combo = block.combos[c]
        judged = Judged.of(accounts[block.accounts[combo.account].account])
        metrics = [judged.metrics[s.metric] for s in combo.series]
        carried = dict(zip(combo.fields, block.values[at : at + len(combo.fields)].tolist(), strict=True))
        at += len(combo.fields)
        message = int(block.message[row])
        assert not combo.valued or message_hash(next(ids)) == message
        if metrics[0].metric is REJECTED:
            continue
        names = {
            (m.metric.id, m.metric.breakdowns[s.breakdown - 1] if s.breakdown else "", s.value)
            for m, s in zip(metrics, combo.series, strict=True)
        }
        micros = {judged.fields[f]: None if carried[f] == NO_NUMBER else carried[f] for m in metrics for f in m.fields}
        visitor = None if block.flags[row] & NO_VISITOR else int(block.visitor[row])
        yield Hit(judged.account, message, visitor, int(block.time[row]), frozenset(names), frozenset(micros.items()))
