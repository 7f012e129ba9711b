"""The folder: whole lines on the disk, or the hand-over has failed and nothing of it is there."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.collect.hand_over import HandOverError, open_place
from pipeline.collect.records import Batch
from pipeline.collect.to_folder import Folder
from pipeline.model.errors import UsageError


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 12, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def batch(*records: bytes) -> list[Batch]:
    return [Batch("acme", list(records))]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_record_is_a_line_and_files_are_only_appended_to(tmp_path: Path):
    place = Folder(tmp_path, "me", Clock())
    place.hand_over([Batch("acme", [b"1", b"2"]), Batch("zeta", [b"3"])])
    place.hand_over(batch(b"4"))
    assert contents(tmp_path) == {"20261001T12-me-0000.jsonl": b"1\n2\n3\n4\n"}
    place.close()


def test_a_new_hour_and_a_full_file_begin_the_next(tmp_path: Path):
    clock = Clock()
    place = Folder(tmp_path, "me", clock, file_bytes=4)
    for record in (b"1", b"2", b"3"):
        place.hand_over(batch(record))
    clock.now += timedelta(minutes=2)
    place.hand_over(batch(b"4"))
    assert list(contents(tmp_path).items()) == [
        ("20261001T12-me-0000.jsonl", b"1\n2\n"),
        ("20261001T12-me-0001.jsonl", b"3\n"),
        ("20261001T13-me-0002.jsonl", b"4\n"),
    ]


def test_two_processes_never_write_to_one_file(tmp_path: Path):
    first, second = Folder.at(str(tmp_path)), Folder.at(str(tmp_path))
    first.hand_over(batch(b"1"))
    second.hand_over(batch(b"2"))
    first.hand_over(batch(b"3"))
    assert sorted(contents(tmp_path).values()) == [b"1\n3\n", b"2\n"]


class Disk:
    """A disk that is full after so many bytes, or fails to sync."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 10**9
        self.syncs = True
        self._write, self._fsync = os.write, os.fsync
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def write(self, descriptor: int, data: Any) -> int:
        if not self.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(descriptor, bytes(data)[: min(self.free, 3)])
        self.free -= written
        return written

    def fsync(self, descriptor: int) -> None:
        if not self.syncs:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_what_a_full_disk_took_of_a_record_is_taken_back(tmp_path: Path, disk: Disk):
    place = Folder(tmp_path, "me", Clock())
    place.hand_over(batch(b"1234567"))
    disk.free = 5
    with pytest.raises(HandOverError, match=f"{tmp_path} .*No space left"):
        place.hand_over(batch(b"abcdefg"))
    for _ in range(3):
        with pytest.raises(HandOverError):
            place.hand_over(batch(b"abcdefg"))
    assert contents(tmp_path) == {"20261001T12-me-0000.jsonl": b"1234567\n"}, "and no empty files are left"
    disk.free = 1000
    place.hand_over(batch(b"abcdefg"))
    assert list(contents(tmp_path).values()) == [b"1234567\n", b"abcdefg\n"]


def test_what_could_not_be_synced_is_not_acknowledged_nor_built_on(tmp_path: Path, disk: Disk):
    place = Folder(tmp_path, "me", Clock())
    place.hand_over(batch(b"1"))
    disk.syncs = False
    with pytest.raises(HandOverError, match="Input/output"):
        place.hand_over(batch(b"2"))
    disk.syncs = True
    place.hand_over(batch(b"3"))
    assert list(contents(tmp_path).values()) == [b"1\n", b"3\n"]


def test_a_file_that_is_removed_under_way_is_noticed(tmp_path: Path):
    place = Folder(tmp_path, "me", Clock())
    place.hand_over(batch(b"1"))
    next(tmp_path.iterdir()).unlink()
    with pytest.raises(HandOverError, match="removed"):
        place.hand_over(batch(b"2"))
    place.hand_over(batch(b"2"))
    assert list(contents(tmp_path).values()) == [b"2\n"]


def test_a_folder_that_is_gone_is_an_error_until_it_is_back(tmp_path: Path):
    place = Folder.at(str(tmp_path / "events"))
    (tmp_path / "events").rmdir()
    for check in (lambda: place.hand_over(batch(b"1")), place.check):
        with pytest.raises(HandOverError, match="events"):
            check()
    (tmp_path / "events").mkdir()
    place.check()
    place.hand_over(batch(b"1"))
    assert list(contents(tmp_path / "events").values()) == [b"1\n"]


def test_places_that_can_not_be_are_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    for name in ("file", "absent/below", "file/below"):
        with pytest.raises(UsageError, match=f"--to .*{name}"):
            open_place(str(tmp_path / name))
    with pytest.raises(UsageError, match=r"kafka://.*pubsub://PROJECT/TOPIC"):
        open_place("kafka://host/topic")
