"""Random worlds as accounts of one job: their definitions in one Redis, their events in one stream, and what the store must
come to, by the naive oracle and by that of experiments.

Records are repeated, shuffled, and some are batches; events of a few worlds have no id of their own and are known by their
entry in the stream. A world's numbers don't depend on the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Any

import redis
import xxhash

from pipeline.definitions.hashes import experiment_field, hash_key, layer_field, metric_field, read_hash, to_value
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.experiment import Experiment, Layer
from pipeline.store import Store
from readers.experiments.reading import read_totals
from tests.support import trial_world
from tests.support.deliver import expected_numbers
from tests.support.generate import Event, World, make_world
from tests.support.generate_definitions import parse
from tests.support.redis_feed import STREAM
from tests.support.stored import Numbers, differences, stored_numbers

NAMELESS = 5  # every so manieth world's events have no messageId
REPEATED, BATCHED = 0.3, 0.15  # chances
BATCH_MAX = 6
BURST_MAX = 150
TRIAL_EVENTS = 80
BROKEN = b'{"broken'
TODAY = date(2024, 6, 1)  # behind all events of experiments


@dataclass(frozen=True, slots=True)
class Record:
    """What goes into the stream as one entry. account: the one that the stream vouches for. nameless: the index of the
    event whose id will be the entry's.
    """

    account: str | None
    data: bytes
    nameless: tuple[int, int] | None = None  # which world, which event of it


class Worlds:
    """The worlds of these seeds. trials: so many experiments besides, each an account of its own. again: all events have
    ids, so that the same ones can be sent any number of times. broken: so many records besides that are rejected.
    """

    def __init__(self, seeds: Sequence[int], trials: int = 0, again: bool = False, broken: int = 0) -> None:
        self.broken = broken
        self._again = again
        self.random = Random(f"{list(seeds)}")
        self.worlds = [renamed(make_world(seed)) for seed in seeds]
        self.trials = [Trials(f"t{number}", self.random) for number in range(trials)]
        self.records = [record for number, world in enumerate(self.worlds) for record in self._records_of(number, world)]
        self.records += [record for trials in self.trials for record in trials.records(trials.events)]
        self.records += [Record(None, BROKEN + str(number).encode()) for number in range(broken)]

    def definitions(self) -> list[AccountDefinitions]:
        """Of all accounts, as they come into force."""
        plain = [account for world in self.worlds for account in world.snapshot.accounts.values()]
        return plain + [trials.definitions for trials in self.trials]

    def bursts(self, client: redis.Redis, records: Sequence[Record] | None = None) -> Iterator[int]:
        """Send these records, or all, shuffled and some of them twice; a burst whenever the next is asked for."""
        given = list(self.records if records is None else records)
        again = [r for r in given if r.nameless is None and self.random.random() < REPEATED]
        given = self.random.sample([*given, *again], len(given) + len(again))
        while given:
            size = self.random.randint(1, BURST_MAX)
            self._send(client, given[:size])
            yield size
            del given[:size]

    def expected(self) -> Numbers:
        """The naive oracle's numbers of all plain worlds."""
        numbers: Numbers = {}
        for world in self.worlds:
            numbers |= expected_numbers(world.snapshot, world)
        return numbers

    def wrong(self, store: Store) -> list[str]:
        """A line for each number that isn't as it must be."""
        found = differences(stored_numbers(store, [world.snapshot for world in self.worlds]), self.expected())
        return found + [line for trials in self.trials for line in trials.wrong(store)]

    def _records_of(self, number: int, world: World) -> Iterator[Record]:
        if not self._again and number % NAMELESS == NAMELESS - 1:
            for at, event in enumerate(world.events):
                event.pop("messageId", None)
                yield Record(world.trusted, _written(event), (number, at))
            return
        events = list(world.events)
        while events:
            size = self.random.randint(2, BATCH_MAX) if self.random.random() < BATCHED else 1
            some, events = events[:size], events[size:]
            yield Record(world.trusted, _written(some[0] if len(some) == 1 else {"batch": some}))

    def _send(self, client: redis.Redis, records: Sequence[Record]) -> None:
        with client.pipeline(transaction=False) as together:
            for record in records:
                vouched: dict[Any, Any] = {} if record.account is None else {"account": record.account}
                together.xadd(STREAM, {"data": record.data, **vouched})
            ids = together.execute()
        for record, entry_id in zip(records, ids, strict=True):
            if record.nameless is not None:
                world, at = record.nameless
                self.worlds[world].events[at]["messageId"] = f"{STREAM}@{entry_id.decode()}"


class Trials:
    """An account with an experiment of two epochs and its events."""

    def __init__(self, account: str, random: Random) -> None:
        self.account = account
        self.events = trial_world.draw_events(random, TRIAL_EVENTS)
        self.definitions = with_epochs(account, len(trial_world.EPOCHS))

    def records(self, events: Sequence[Event]) -> list[Record]:
        """The stream vouches for their account."""
        return [Record(self.account, _written(event)) for event in events]

    def in_epoch(self, number: int) -> list[Event]:
        """The events whose time lies in it."""
        return [e for e in self.events if (e["timestamp"] >= trial_world.SECOND_EPOCH.replace(".000", "")) == (number == 2)]

    def wrong(self, store: Store) -> list[str]:
        """A line for each epoch whose totals aren't as the set of events says."""
        [of] = self.definitions.experiments.values()
        truth = trial_world.truth(self.events, of, lambda message: xxhash.xxh3_64_intdigest(message.encode()))
        found = {epoch.number: read_totals(store, self.account, of, epoch, TODAY) for epoch in of.epochs}
        wrong = [number for number, totals in found.items() if totals != truth[number, None]]
        return [f"{self.account}, epoch {number}: {found[number]} instead of {truth[number, None]}" for number in wrong]


def with_epochs(account: str, epochs: int) -> AccountDefinitions:
    """An account with the experiment that `trial_world` has, in its first so many epochs."""
    metrics = parse(account, {"timezone": "UTC"}, trial_world.METRICS)
    experiment = trial_world.experiment(epochs=trial_world.EPOCHS[:epochs])
    fields = fields_of(metrics) | {
        layer_field("page"): to_value(Layer("page", 1024).document()),
        experiment_field(experiment.id): to_value(stored(experiment)),
    }
    found = read_hash(account, fields)
    assert not found.problems, found.problems
    return found


def stored(experiment: Experiment) -> dict[str, Any]:
    """An experiment as Redis has it."""
    return {**experiment.document(), "epochs": [epoch.document() for epoch in experiment.epochs]}


def fields_of(definitions: AccountDefinitions) -> dict[bytes, bytes]:
    """An account's hash."""
    fields = {b"settings": to_value(definitions.settings.document())}
    fields |= {metric_field(m["id"]): to_value(m) for m in definitions.document()["metrics"]}
    fields |= {layer_field(layer.id): to_value(layer.document()) for layer in definitions.layers.values()}
    return fields | {experiment_field(e.id): to_value(stored(e)) for e in definitions.experiments.values()}


def define(client: redis.Redis, accounts: Sequence[AccountDefinitions]) -> None:
    """Put definitions into Redis as any client may, all at once."""
    with client.pipeline(transaction=True) as together:
        for account in accounts:
            fields: Mapping[Any, Any] = fields_of(account)
            together.delete(hash_key(account.account))
            together.hset(hash_key(account.account), mapping=fields)
        together.execute()


def renamed(world: World) -> World:
    """The same world, of accounts that no other seed's has."""
    names = {name: f"w{world.seed}-{name}" for name in world.snapshot.accounts}
    accounts = [
        parse(names[a.account], a.settings.document(), a.document()["metrics"]) for a in world.snapshot.accounts.values()
    ]
    events = [{**e, "account": names[e["account"]]} if "account" in e else dict(e) for e in world.events]
    trusted = None if world.trusted is None else names[world.trusted]
    return replace(world, snapshot=Snapshot.of(accounts), events=events, trusted=trusted)


def _written(record: Any) -> bytes:
    return json.dumps(record).encode()
