"""Owns small worlds that are delivered, damaged and audited in this process, on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pipeline.audit.compare import Comparison, Days, compare
from pipeline.audit.read import recount_files
from pipeline.audit.recount import Recount
from pipeline.model.definition import Snapshot
from pipeline.model.limits import BREAKDOWN_VALUES_MAX
from pipeline.store import open_store
from tests.support.daycount import write_lines
from tests.support.deliver import NOW, Delivery, Manner
from tests.support.generate import World

WHOLE = Days(None, None)


@dataclass
class Audited:
    """A world in a store of its own, with its events in a file."""

    world: World
    path: Path
    manner: Manner = field(default_factory=Manner)

    def __post_init__(self) -> None:
        self.store = open_store(self.url, create=True)
        self.file = write_lines(self.path.with_suffix(".jsonl"), self.world.events)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def deliver(self, *snapshots: Snapshot) -> None:
        """All events under each of these definitions, one after the other."""
        delivery = Delivery(self.store, self.manner, Random(self.world.seed))
        for snapshot in snapshots or (self.world.snapshot,):
            delivery.adopt(snapshot)
            delivery.run(self.world.events, self.world.trusted)

    def audit(
        self,
        snapshot: Snapshot | None = None,
        *,
        passes: int = 1,
        days: Days = WHOLE,
        values_max: int = BREAKDOWN_VALUES_MAX,
    ) -> Comparison:
        recount = recount_world(self.world, [self.file], snapshot or self.world.snapshot, passes)
        return compare(self.store, recount, days, values_max)

    def cells(self, table: str = "counters") -> dict[tuple[bytes, bytes], bytes]:
        """(row, qualifier) -> value, read behind the store's back."""
        with sqlite3.connect(self.path) as db:
            found = {(row, q): v for row, q, v in db.execute(f"SELECT row, qualifier, value FROM {table}")}
        db.close()
        return found

    def poke(self, changes: dict[tuple[bytes, bytes], bytes | None], table: str = "counters") -> None:
        """Put cells there, or (None) take them away, behind the store's back."""
        with sqlite3.connect(self.path) as db:
            for (row, qualifier), value in changes.items():
                db.execute(f"DELETE FROM {table} WHERE row = ? AND qualifier = ?", [row, qualifier])
                if value is not None:
                    db.execute(f"INSERT INTO {table} (row, qualifier, value) VALUES (?, ?, ?)", [row, qualifier, value])
        db.close()


def recount_world(world: World, files: Sequence[Path], snapshot: Snapshot, passes: int = 1) -> Recount:
    """What the files come to."""
    paths = [str(file) for file in files]
    now_ns = int(NOW.timestamp() * 1e9)
    return recount_files(paths, snapshot, world.trusted, passes, now_ns, lambda *_: None)


def lines(found: Comparison) -> list[str]:
    """The differences as they are told."""
    return [difference.as_text() for difference in found.shown]
