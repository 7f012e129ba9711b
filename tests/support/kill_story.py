"""A story: one world's records, runs of the command that are struck one after the other, a last one that isn't.

At the end every number of the store must be the one that `naive` works out from the records themselves.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from pipeline.model.definition import Snapshot
from pipeline.store import open_store
from tests.support.changing import with_new_metric
from tests.support.deliver import expected_numbers
from tests.support.feeds import feeds
from tests.support.forked import PATIENCE_S, Ended, ForkedRun, Plant, Zygote
from tests.support.generate import make_world
from tests.support.kill_points import striking
from tests.support.stored import differences, stored_numbers

A_RUN_S = 0.5
NEW_METRIC = 0.1  # before how many runs over files a metric is pushed
PAUSE_S = 0.02
PACE: Plant = ("tests.support.kill_story:small_chunks", {})
ENDED_FROM_OUTSIDE = "a worker process was ended from outside"


class Moment(NamedTuple):
    """A random moment: with how many workers, and who is killed then."""

    workers: int
    victims: Callable[[ForkedRun], list[int]]


ALL_OF_TWO = "any moment, of two workers all"
MOMENTS = {
    "any moment": Moment(1, lambda run: [run.pid]),
    "any moment, of two workers the driver": Moment(2, lambda run: [run.pid]),
    "any moment, of two workers one": Moment(2, lambda run: run.workers()[:1]),
    ALL_OF_TWO: Moment(2, lambda run: [-run.pid]),
}


@dataclass(slots=True)
class Told:
    """What came of a story: where runs were killed, where they stalled while others went on, what is wrong at its end."""

    seed: int
    killed: list[str] = field(default_factory=list)
    stalled: list[str] = field(default_factory=list)
    runs: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a story takes place. `rules`: planted in every run, which a canary does."""

    zygote: Zygote
    url: str
    redis_url: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    rules: Sequence[Plant] = ()

    @property
    def store(self) -> str:
        """The kind of store it is."""
        return self.url.partition(":")[0]


class Places:
    """Empty places, one after the other. emulator: where Bigtable's is; without one the store is SQLite."""

    def __init__(
        self, zygote: Zygote, folder: Path, redis_url: str, emulator: str | None = None, rules: Sequence[Plant] = ()
    ) -> None:
        self._zygote, self._folder, self._redis_url = zygote, folder, redis_url
        self._emulator, self._rules = emulator, rules
        self._numbers = itertools.count()

    def new(self) -> Place:
        folder = self._folder / f"{next(self._numbers)}"
        folder.mkdir(parents=True)
        if self._emulator is None:
            return Place(self._zygote, f"sqlite:///{folder}/numbers.db", self._redis_url, folder, rules=self._rules)
        url = f"bigtable://project/instance?prefix={secrets.token_hex(4)}-"
        return Place(self._zygote, url, self._redis_url, folder, {"BIGTABLE_EMULATOR_HOST": self._emulator}, self._rules)


class Story:
    """One world on one store. `feed`: how its records come."""

    def __init__(self, seed: int, place: Place, feed: str) -> None:
        self.random = Random(seed)
        self.told = Told(seed)
        self._run_s = A_RUN_S  # how long a run takes that isn't struck, as far as was seen
        self._place = place
        self._world = make_world(seed)
        self._snapshot = self._world.snapshot
        lines = [json.dumps(event).encode() + b"\n" for event in self._world.events]
        self._feed = feeds(place.redis_url)[feed](place.folder / "input", lines, self.random)
        self._definitions = place.folder / "definitions.yaml"
        self._define(self._world.snapshot)
        # Only what is read again from its start is complete for a metric that came in the middle.
        self._may_gain_a_metric = feed == "files"

    def begin(self, plants: Sequence[Plant] = (), *, workers: int = 1, last: bool = False) -> ForkedRun:
        """Prepare input and start a run over it. last: over all that is left."""
        self._feed.prepare(last=last)
        self.told.runs += 1
        if self._may_gain_a_metric and self.random.random() < NEW_METRIC:
            self._may_gain_a_metric = False
            self._define(with_new_metric(self._snapshot, self.random))
        trusted = ("--account", self._world.trusted) if self._world.trusted else ()
        rejects = str(self._place.folder / "rejects.jsonl")
        return self._place.zygote.start(
            "run", *self._feed.words, "--store", self._place.url, "--definitions", str(self._definitions), *trusted,
            "--rejects", rejects, "--workers", str(workers), "--json",
            plants=[PACE, *self._place.rules, *self._feed.plants, *plants], environment=self._place.environment,
        )  # fmt: skip

    def _define(self, snapshot: Snapshot) -> None:
        """From now on these are the definitions."""
        self._snapshot = snapshot
        documents = [json.dumps(account.document()) for account in snapshot.accounts.values()]
        self._definitions.write_text("\n---\n".join(documents))

    def strike(self, step: str) -> bool:
        """A run that is killed at this step or moment; False where it came to its end before."""
        if step in MOMENTS:
            killed = self._struck_at(MOMENTS[step])
        else:
            ended = self.fed(self.begin([striking(step, self._place.store, self.random)]))
            killed = ended.killed or not ended.summary()
        if killed:
            self.told.killed.append(step)
        return killed

    def _struck_at(self, moment: Moment) -> bool:
        begun = time.monotonic()
        run = self._until(moment)
        victims = [] if run.poll() else moment.victims(run)
        for victim in victims:
            os.killpg(-victim, signal.SIGKILL) if victim < 0 else os.kill(victim, signal.SIGKILL)
        ended = self.fed(run)
        if ended.killed:
            return True
        if ended.code == 1 and victims:
            assert ENDED_FROM_OUTSIDE in ended.refusal()
            return True
        self._run_s = time.monotonic() - begun
        return not ended.summary()

    def stall(self, step: str) -> bool:
        """A run that stalls at this step until another one has ended, and then goes on."""
        zombie = self._stopped_at(MOMENTS[step]) if step in MOMENTS else self.paused_at(step)
        if zombie is None:
            return False
        self.fed(self.begin()).summary()
        zombie.send(signal.SIGCONT, group=True)
        self.fed(zombie).summary()
        self.told.stalled.append(step)
        return True

    def paused_at(self, step: str, plants: Sequence[Plant] = (), *, nth: int = 0, workers: int = 1) -> ForkedRun | None:
        """A run that has stopped itself at this step; None where it came to its end before."""
        pausing = striking(step, self._place.store, self.random, signal.SIGSTOP, nth)
        run = self.begin([pausing, *plants], workers=workers)
        while self._feed.go_on():
            time.sleep(PAUSE_S)
        if run.stopped():
            return run
        run.wait().summary()
        return None

    def _stopped_at(self, moment: Moment) -> ForkedRun | None:
        run = self._until(moment)
        run.send(signal.SIGSTOP, group=True)
        if run.stopped():
            return run
        run.wait().summary()
        return None

    def _until(self, moment: Moment) -> ForkedRun:
        """A run until then, or until its end where that comes before."""
        run = self.begin(workers=moment.workers)
        if moment.workers > 1:
            self._fed_until(run, lambda: len(run.workers()) == moment.workers)
        self.feed_for(run, self.random.random() * self._run_s)
        return run

    def finish(self) -> Told:
        """A run with everything, once more where chance says so, and what is wrong then."""
        for _ in range(self.random.choice([1, 1, 1, 2])):
            summary = self.fed(self.begin(last=True)).summary()
            if summary["rejects"]:
                self.told.wrong.append(f"rejects: {summary['rejects']}")
        store = open_store(self._place.url)
        found = stored_numbers(store, [self._snapshot])
        store.close()
        self.told.wrong += differences(found, expected_numbers(self._snapshot, self._world))
        return self.told

    def close(self) -> None:
        """Let go of the feed's connections."""
        self._feed.close()

    def fed(self, run: ForkedRun) -> Ended:
        """Hand records on to a run until it ends."""
        self.feed_for(run, PATIENCE_S)
        return run.wait()

    def feed_for(self, run: ForkedRun, seconds: float) -> None:
        """Hand records on to a run until it ends or the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not run.poll(PAUSE_S):
            self._feed.go_on()

    def _fed_until(self, run: ForkedRun, condition: Callable[[], bool]) -> None:
        """Hand records on to a run until the condition holds, or it ends."""
        while not condition() and not run.poll(PAUSE_S):
            self._feed.go_on()


def small_chunks() -> None:
    """In a child: a chunk is a few blocks, and nothing is waited for long."""
    from pipeline import local

    for name, value in {"CHUNK_BLOCKS": 4, "POLL_S": 0.01, "PACE_S": 0.15}.items():
        assert hasattr(local, name)
        setattr(local, name, value)
