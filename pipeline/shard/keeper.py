"""Commits units: one worker's shards, what it holds of them, and what it does on doubt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.counters.slots import Slots
from pipeline.model import layout
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import Fenced, StoreError, TransientStoreError
from pipeline.model.hit import AccountKey, HitBlock
from pipeline.model.judged import Judged, JudgedSets, digest_of
from pipeline.shard.plan import Held, Planner
from pipeline.store.contract import Store
from pipeline.visitors.known import Known
from pipeline.visitors.unit import read_unit

ATTEMPTS = 8  # of one unit; between them 0.1 s, 0.2 s, ... at most 5 s
GIVE_UP_S = 60.0  # after the first attempt began none is begun: a store that is away makes each of them wait that long
REST_S = 3.0  # after that no unit is attempted: those that wait behind it would each take as long to fail as well
HELD_BYTES_MAX = 24 * 1024 * 1024
DEDUP_DAYS = 7
DAY_S = 86_400


class ShardKeeper:
    """The units of some shards, in one process, one after the other.

    Held state is an image of what the store has: on any doubt it is dropped and read again. Past `held_bytes_max` the
    shard just worked on is dropped, so that the others stay held when all are worked on in turn.
    """

    def __init__(
        self,
        store: Store,
        *,
        dedup_days: int = DEDUP_DAYS,
        held_bytes_max: int = HELD_BYTES_MAX,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._dedup_days = dedup_days
        self._held_bytes_max = held_bytes_max
        self._clock = clock
        self._sleep = sleep
        self._gave_up = float("-inf"), ""  # when a unit took too long, and why
        self._held: dict[int, Held] = {}
        self._definitions: dict[int, AccountDefinitions] = {}  # by `Judged.digest`
        self._judged: dict[int, Judged] = {}
        self._sets = JudgedSets()
        self._names: dict[int, frozenset[str]] = {}

    def adopt(self, snapshot: Snapshot) -> None:
        """Know the definitions that hits may be judged under from now on; earlier ones stay known."""
        for definitions in snapshot.accounts.values():
            digest = digest_of(definitions)
            known = self._definitions.get(digest)
            if known is None or known.version != definitions.version:
                self._definitions[digest] = definitions
                self._judged.pop(digest, None)  # an experiment's epochs may be others

    def forget_definitions(self) -> None:
        """They may have changed: read them from the store again, where they are stated."""
        self._definitions.clear()
        self._judged.clear()

    def flush(self) -> None:
        """Returns once all that was committed survives a power cut. **Retry:** harmless."""
        self._store.flush()

    def commit(self, shard: int, messages: Sequence[bytes]) -> Counter[str]:
        """Commit these hits, as one unit where they were judged alike; returns how many were new and how many dropped.

        Raises TransientStoreError after `ATTEMPTS` or `GIVE_UP_S`. **Retry:** harmless, what was committed is known as
        duplicates.
        """
        tally: Counter[str] = Counter()
        for blocks in judged_alike([HitBlock.from_bytes(m) for m in messages]):
            tally += self._commit_unit(shard, blocks)
        return tally

    def settle(self, shard: int) -> None:
        """Make sure that the last unit committed to the shard holds, whoever committed it. **Retry:** harmless."""
        self._store.settle([shard])

    def _commit_unit(self, shard: int, blocks: Sequence[HitBlock]) -> Counter[str]:
        begun = self._clock()
        self._rest_from_the_last(begun)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._commit_once(shard, blocks)
            except Fenced:
                failure: StoreError = Fenced(f"shard {shard} is written by another pipeline all the time")
            except TransientStoreError as e:
                failure = e
            except BaseException:
                self._held.pop(shard, None)
                raise
            self._held.pop(shard, None)  # never infer what became of the commit: read it again
            why = f"a unit of shard {shard} was not committed in {attempt} attempts: {failure}"
            if self._clock() - begun >= GIVE_UP_S:
                self._gave_up = self._clock(), why
                break
            if attempt < ATTEMPTS:
                self._sleep(min(5.0, 0.05 * 2**attempt))
        raise TransientStoreError(why)

    def _rest_from_the_last(self, now: float) -> None:
        gave_up, why = self._gave_up
        if abs(now - gave_up) < REST_S:
            raise TransientStoreError(why)

    def _commit_once(self, shard: int, blocks: Sequence[HitBlock]) -> Counter[str]:
        held = self._held.get(shard)
        if held is None:
            held = self._held[shard] = Held(self._store.take(shard), Known(), Slots(shard))
        unit = read_unit(blocks, self._judged_of)
        today = int(self._clock() // DAY_S)
        plan = Planner(shard, self._store, self._names_of, today, self._dedup_days).plan(held, unit)
        seq = self._store.commit(shard, held.seq, plan.cells)
        if sum(h.bytes_held for h in self._held.values()) + plan.bytes_learnt > self._held_bytes_max:
            del self._held[shard]
        else:
            plan.accept(held, seq)
        return Counter(new=plan.new, duplicates=plan.duplicates, units=1)

    def _judged_of(self, key: AccountKey) -> Judged:
        judged = self._judged.get(key.digest)
        if judged is None:
            judged = self._judged[key.digest] = self._sets.of(self._definitions_of(key.digest))
        return judged

    def _definitions_of(self, digest: int) -> AccountDefinitions:
        if digest not in self._definitions:
            said = self._said(layout.meta_stated_row(digest), digest)
            self._definitions[digest] = AccountDefinitions.from_bytes(said)
        return self._definitions[digest]

    def _names_of(self, digest: int) -> frozenset[str]:
        """The revisions a digest stands for; one that this process never adopted is read from the store."""
        if digest in self._definitions:
            return self._judged_of(AccountKey("", digest)).names
        if digest not in self._names:
            names = self._said(layout.meta_judged_row(digest), digest)
            self._names[digest] = frozenset(names.decode().split("\n"))
        return self._names[digest]

    def _said(self, row: bytes, digest: int) -> bytes:
        """What the store says of a digest: a row's only cell, or its last."""
        cells = self._store.read("meta", [row]).get(row)
        if not cells:
            raise StoreError(f"the store does not say what definitions {digest:016x} were; it has been damaged")
        return cells[-1][1]


def judged_alike(blocks: Sequence[HitBlock]) -> list[list[HitBlock]]:
    """Blocks in groups within which each account was judged under one digest, as a unit must be: ids are remembered
    row by row with their digest, and a copy judged under another one still has its new metrics to count.
    """
    groups: list[tuple[dict[str, int], list[HitBlock]]] = []
    for block in blocks:
        ours = {key.account: key.digest for key in block.accounts}
        fitting = (g for g in groups if all(g[0].get(a, digest) == digest for a, digest in ours.items()))
        digests, group = next(fitting, ({}, []))
        if not group:
            groups.append((digests, group))
        digests.update(ours)
        group.append(block)
    return [group for _, group in groups]
