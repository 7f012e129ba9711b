"""The steps that keep things for good, each alone: what fails is done again, and nothing is said to be done before it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.errors import RejectsUnavailable, StoreError, TransientStoreError
from pipeline.streaming import acknowledge as acknowledging
from pipeline.streaming import insist as insisting
from pipeline.streaming.acknowledge import Acknowledge, part_done, parts_of
from pipeline.streaming.commit import CommitUnits
from pipeline.streaming.match import KeepRejects, Part
from pipeline.streaming.taken import Receipt
from tests.support.kept_state import KeptBag, KeptTimer, KeptValue

BLOCK = b"0123456789abcdef"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "PAUSE_S", 0.0)


class Failing:
    """Something that fails so often, with or without having done it, before it succeeds."""

    def __init__(self, *failures: Exception, applied: bool) -> None:
        self.done: list[Any] = []
        self._failures = list(failures)
        self._applied = applied

    def do(self, what: Any) -> None:
        failure = self._failures.pop(0) if self._failures else None
        if failure is None or self._applied:
            self.done.append(what)
        if failure is not None:
            raise failure


class Workers(Failing):
    """In place of a process's workers, which know what they have committed."""

    def commit(self, shard: int, messages: Sequence[bytes], judged_by: Collection[int]) -> Counter[str]:
        self.do((shard, list(messages), set(judged_by)))
        return Counter(events=len(messages))


class Unit:
    """`CommitUnits` for shard 7."""

    def __init__(self, workers: Workers, unit_bytes: int = 1 << 20) -> None:
        self.step = CommitUnits(None, unit_bytes=unit_bytes)  # type: ignore[arg-type]
        self.step._workers = workers  # type: ignore[assignment]
        self.hits, self.size, self.flush = KeptBag(), KeptValue(), KeptTimer()

    def add(self, part: Part) -> list[tuple[bytes, bytes]]:
        return list(self.step.process((7, part.to_bytes()), self.hits, self.size, self.flush))

    def fire(self) -> list[tuple[bytes, bytes]]:
        return list(self.step.gathered(7, self.hits, self.size))


@pytest.mark.parametrize("applied", [False, True], ids=["not done", "done and not known to be"])
def test_hits_are_committed_until_that_is_known_and_only_then_said_to_be(applied: bool) -> None:
    workers = Workers(TransientStoreError("away"), TransientStoreError("away"), applied=applied)
    unit = Unit(workers)
    assert unit.add(Part(BLOCK, 1, 11, b"a")) == [] and unit.flush.at is not None
    assert unit.add(Part(BLOCK, 2, 12, b"b")) == [] and workers.done == []
    assert unit.fire() == [(BLOCK, part_done(1)), (BLOCK, part_done(2))]
    assert workers.done == [(7, [b"a", b"b"], {11, 12})] * (3 if applied else 1)
    assert unit.fire() == [] and len(workers.done) == (3 if applied else 1), "a timer that fires twice commits nothing"


def test_hits_that_can_not_be_committed_are_not_said_to_be() -> None:
    unit = Unit(Workers(StoreError("refused"), applied=False), unit_bytes=1)
    with pytest.raises(StoreError):
        unit.add(Part(BLOCK, 1, 11, b"a"))


def test_much_is_committed_at_once_and_the_next_waits_for_its_own_timer() -> None:
    workers = Workers(applied=False)
    unit = Unit(workers, unit_bytes=200)
    assert unit.add(Part(BLOCK, 1, 11, b"a" * 100)) == []
    assert len(unit.add(Part(BLOCK, 2, 11, b"b" * 100))) == 2
    assert unit.flush.at is None and not unit.hits.read() and not unit.size.read()
    assert unit.add(Part(BLOCK, 3, 11, b"c")) == [] and unit.flush.at is not None


@pytest.mark.parametrize("applied", [False, True], ids=["not kept", "kept and not known to be"])
def test_rejects_are_kept_until_that_is_known_and_only_then_said_to_be(applied: bool, tmp_path: Path) -> None:
    lines = [json.dumps({"raw": n}).encode() for n in range(3)]
    step = KeepRejects(str(tmp_path / "rejects.jsonl"))
    step.setup()
    real, place = step._rejects, Failing(RejectsUnavailable("away"), applied=applied)

    def keep(records: Sequence[bytes]) -> None:
        assert list(records) == lines
        place.do(lines)
        real.keep(records)

    step._rejects = type("Place", (), {"keep": staticmethod(keep), "close": real.close})()
    noted = step.process(Part(BLOCK, 1, 0, b"\n".join(lines)).to_bytes())
    assert next(noted) == (BLOCK, part_done(1))
    assert len(place.done) == (2 if applied else 1), "kept before it is said"
    assert next(noted, None) is None
    assert (tmp_path / "rejects.jsonl").read_bytes().splitlines() == lines
    step.teardown()


class Acknowledged(Failing):
    """In place of a source that is told what is counted."""

    def acknowledge(self, ids: Sequence[str]) -> str | None:
        try:
            self.do(list(ids))
        except ConnectionError as error:
            return str(error)
        return None

    def close(self) -> None:
        self.done.append("closed")


def test_a_block_is_acknowledged_once_when_all_of_it_is_kept_and_a_source_that_is_away_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = Acknowledged(ConnectionError("away"), applied=False)
    monkeypatch.setattr(acknowledging, "open_acknowledger", lambda url: source)
    step = Acknowledge(["redis://h/0?stream=s"])
    step.setup()
    for ids in (["1-0", "1-1"], ["2-0"]):
        notes, forget = KeptBag(), KeptTimer()

        def say(note: bytes, notes: KeptBag = notes, forget: KeptTimer = forget) -> None:
            assert list(step.process((BLOCK, note), notes, forget)) == []

        say(parts_of(2, Receipt(0, ids)))
        say(part_done(2))
        say(part_done(2))
        assert ids not in source.done and forget.at is not None
        say(part_done(1))
        assert notes.read() == [] and forget.at is None
    assert source.done == [["2-0"]]
    assert "2 records are counted and not acknowledged, they come again: away" in caplog.text
    step.teardown()
    assert source.done[-1] == "closed"


def test_what_is_left_of_a_block_that_never_gets_done_is_forgotten() -> None:
    step, notes, forget = Acknowledge(["redis://h/0?stream=s"]), KeptBag(), KeptTimer()
    step.setup()
    assert list(step.process((BLOCK, part_done(1)), notes, forget)) == []
    step.forget(notes)
    assert notes.read() == []
