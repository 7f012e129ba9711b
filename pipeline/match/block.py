"""From a block of raw records to hits by shard: the work of one task, decode and match together, once per record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
import xxhash

from pipeline.decode.block import BlockDecoder, Decoded
from pipeline.decode.number import to_micros
from pipeline.decode.odd import Span
from pipeline.decode.shape import Shape
from pipeline.decode.timestamp import NS_PER_S
from pipeline.match.account import AccountMatcher
from pipeline.match.parsed import ParsedConditions
from pipeline.match.plan import Functions, Surroundings, paths_of
from pipeline.model.calendar import DAY_S, Calendar
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.facts import mix
from pipeline.model.group import group_pairs
from pipeline.model.hit import LATE, NO_VISITOR, AccountKey, Combos, HitBlock, Kind, Series, spans, split_by, starts_of
from pipeline.model.judged import JudgedSets, digest_of
from pipeline.model.layout import HOURS_PER_DAY
from pipeline.model.limits import LATE_AFTER_S
from pipeline.model.rejects import Reject, RejectReason


@dataclass(slots=True)
class Matched:
    """What a block came to. `hits`: (shard, `HitBlock` as bytes), for the shuffle."""

    hits: list[tuple[int, bytes]]
    rejects: list[Reject]
    tally: Counter[str]


class BlockMatcher:
    """Judges blocks under one snapshot of definitions. Compiles once; not for two threads at a time.

    parsed: conditions that are known from other snapshots already.
    """

    def __init__(self, snapshot: Snapshot, shards: int, visitor_key: bytes, parsed: ParsedConditions | None = None) -> None:
        self._shards = shards
        self._visitor_key = visitor_key
        parsed = parsed or ParsedConditions()
        self._accounts = list(snapshot.accounts.values())
        self._index = {definitions.account: i for i, definitions in enumerate(self._accounts)}
        distinct = {(d.digest, d.settings.visitor): d for d in self._accounts}
        shape = Shape({path for d in distinct.values() for path in paths_of(d, parsed)})
        self._around = Surroundings(shape, parsed)
        self._tray = self._around.tray
        self._sets = JudgedSets()
        self._functions: dict[tuple[str, tuple[str, ...]], Functions] = {}
        self._keys = [AccountKey(d.account, digest_of(d)) for d in self._accounts]
        self._by_account: dict[str, AccountMatcher] = {}
        zones = sorted({d.settings.timezone for d in self._accounts})
        self._calendars = [Calendar(zone) for zone in zones]
        self._zone_of = np.array([zones.index(d.settings.timezone) for d in self._accounts], dtype=np.int64)
        self._fanout_of = np.array([d.settings.fanout for d in self._accounts], dtype=np.uint64)
        self._hash_of = hashes([d.account for d in self._accounts])
        self._salt_of = np.array([xxhash.xxh3_64_intdigest(d.account.encode()) for d in self._accounts], dtype=np.uint64)
        self._trusted: str | None = None
        self._says: str | None = None
        self._decoder = BlockDecoder(shape, self._judged)

    def _matcher(self, account: str) -> AccountMatcher | None:
        """An account's matcher, made when it is first asked for."""
        matcher = self._by_account.get(account)
        if matcher is None and account in self._index:
            index = self._index[account]
            functions = self._functions_of(self._accounts[index])
            matcher = AccountMatcher(account, index, functions, self._visitor_key, self._around.memos)
            self._by_account[account] = matcher
        return matcher

    def _functions_of(self, definitions: AccountDefinitions) -> Functions:
        """Accounts with equal metrics and visitors share their functions."""
        key = definitions.digest, definitions.settings.visitor
        functions = self._functions.get(key)
        if functions is None:
            functions = self._functions[key] = Functions(self._sets.of(definitions), self._around)
        return functions

    def _judged(self, said: Any) -> AccountMatcher | RejectReason:
        """As `_judge`, at once where records say for themselves which account they are of."""
        if self._trusted is None and self._says is None and said.__class__ is str:
            return self._by_account.get(said) or self._judge(said)
        return self._judge(said)

    def _judge(self, said: Any) -> AccountMatcher | RejectReason:
        """The matcher for a record that says this account (None: says nothing)."""
        if said is None:
            said = self._says
        elif self._says is not None and said != self._says:
            return RejectReason.WRONG_ACCOUNT
        account = self._trusted if said is None else said
        if account is None:
            return RejectReason.NO_ACCOUNT
        if self._trusted is not None and account != self._trusted:
            return RejectReason.WRONG_ACCOUNT
        matcher = self._matcher(account) if isinstance(account, str) else None
        return matcher or RejectReason.UNKNOWN_ACCOUNT

    def match(self, data: bytes, span: Span, now_ns: int) -> Matched:
        """Judge every record of `data`, which stands at `span` and arrived at now_ns."""
        self._trusted, self._says = span.account, span.says
        matched = Matched([], [], Counter())
        while data:
            self._tray.clear()
            decoded = self._decoder.decode(data, span, now_ns)
            self._add(matched, decoded, now_ns)
            data, span = data[decoded.length :], _behind(span, decoded)
        return matched

    def _add(self, matched: Matched, decoded: Decoded, now_ns: int) -> None:
        hits, rejects = self._hits(decoded), self._reject_hits(decoded.rejects, now_ns)
        matched.hits += [*self._by_shard(hits), *self._by_shard(rejects)]
        matched.rejects += decoded.rejects
        matched.tally.update(f"rejected.{reject.reason}" for reject in decoded.rejects)
        matched.tally["events"] += decoded.events
        matched.tally["hits"] += len(hits)
        matched.tally["clocks_corrected"] += decoded.stamps.clocks_corrected
        matched.tally["clocks_behind"] += decoded.stamps.clocks_behind

    def _hits(self, decoded: Decoded) -> HitBlock:
        """What lies on the tray, without the rows that turned out to be no events."""
        tray, stamps = self._tray, decoded.stamps
        rows = np.array(tray.rows, dtype=np.int64)
        kept = np.flatnonzero(stamps.good[rows])
        rows = rows[kept]
        combos, combo = _combos(tray.kinds, np.array(tray.account, dtype=np.int64), np.array(tray.kind, dtype=np.int64))
        values = to_micros(tray.values)
        messages = tray.message
        visitor = np.array(tray.visitor, dtype=np.uint64)
        if len(kept) < len(combo):
            lengths = combos.lengths()[combo]
            values = values[spans(starts_of(lengths)[kept], lengths[kept])]
            combo, visitor, messages = combo[kept], visitor[kept], [messages[k] for k in kept]
        texts = [m if m is not None else decoded.place(r) for m, r in zip(messages, rows.tolist(), strict=True)]
        carried = [texts[i] for i in np.flatnonzero(combos.valued()[combo]).tolist()]
        return self._stamped(combos, combo, visitor, texts, stamps.time[rows], stamps.arrival[rows], values, carried)

    def _reject_hits(self, rejects: list[Reject], now_ns: int) -> HitBlock:
        """The rejects of known accounts as hits of the builtin metric, each known by its place in the source."""
        mine = [r for r in rejects if r.account in self._index]
        kinds: dict[Kind, int] = {}
        account = np.array([self._index[r.account or ""] for r in mine], dtype=np.int64)
        kind = np.array([kinds.setdefault(self._reject_kind(r), len(kinds)) for r in mine], dtype=np.int64)
        combos, combo = _combos(list(kinds), account, kind)
        now = np.full(len(mine), now_ns, dtype=np.int64)
        return self._stamped(
            combos,
            combo,
            np.zeros(len(mine), dtype=np.uint64),
            [f"reject {r.source}" for r in mine],
            now,
            now,
            np.zeros(0, dtype=np.int64),
            [],
        )

    def _reject_kind(self, reject: Reject) -> Kind:
        definitions = self._accounts[self._index[reject.account or ""]]
        builtin = len(definitions.metrics) + len(definitions.exposures)  # behind all others, see `Judged`
        return Kind((), False, (Series(builtin, 0, ""), Series(builtin, 1, reject.reason.value)))

    def _stamped(
        self,
        combos: Combos,
        combo: np.ndarray,
        visitor: np.ndarray,
        messages: list[str],
        time: np.ndarray,
        arrival: np.ndarray,
        values: np.ndarray,
        message_ids: list[str],
    ) -> HitBlock:
        """A block of hits with their local days and hours; `arrival` decides which are late."""
        digest = xxhash.xxh3_64_intdigest
        message = np.array([digest(m.encode()) for m in messages], dtype=np.uint64)
        nobody = visitor == 0
        account = combos.account[combo]
        when, offset = np.zeros_like(time), np.zeros_like(time)
        for zone in np.unique(self._zone_of[account]):
            mine = self._zone_of[account] == zone
            when[mine], offset[mine] = self._calendars[zone].when(time[mine])
        day_end = (when // HOURS_PER_DAY + 1) * DAY_S - offset
        late = arrival // NS_PER_S > day_end + LATE_AFTER_S
        return HitBlock(
            accounts=self._keys,
            combos=combos,
            visitor=np.where(nobody, mix(message, self._salt_of[account]), visitor),
            message=message,
            time=time,
            when=when.astype(np.int32),
            flags=(nobody * NO_VISITOR + late * LATE).astype(np.uint8),
            combo=combo.astype(np.uint32),
            values=values,
            message_ids=message_ids,
        )

    def _by_shard(self, hits: HitBlock) -> Iterator[tuple[int, bytes]]:
        """The block cut by shard. A visitor is always in the same one; an account is in `fanout` of them."""
        if not len(hits):
            return
        account = hits.combos.account[hits.combo]
        shards = route(self._hash_of[account], hits.visitor, self._fanout_of[account], self._shards)
        for shard, part in split_by(shards, hits).items():
            yield shard, part.to_bytes()


def hashes(accounts: Sequence[str]) -> np.ndarray:
    """What `route` wants of accounts: uint64, one each."""
    return np.array([crc32(account.encode()) for account in accounts], dtype=np.uint64)


def _combos(kinds: list[Kind], account: np.ndarray, kind: np.ndarray) -> tuple[Combos, np.ndarray]:
    """The distinct combos of hits, and which of them each hit is of."""
    accounts, numbers, combo = group_pairs(account, kind)
    return Combos(kinds, accounts, numbers), combo


def route(account: np.ndarray, visitor: np.ndarray, fanout: np.ndarray, shards: int) -> np.ndarray:
    """The shard of each hit. All uint64 and of one length: the account's hash, the visitor's, the account's fanout."""
    return (account + visitor % fanout) % np.uint64(shards)


def _behind(span: Span, decoded: Decoded) -> Span:
    """Where what wasn't decoded yet stands."""
    places = None if span.places is None else span.places[decoded.lines :]
    return replace(span, offset=span.offset + decoded.length, places=places)
