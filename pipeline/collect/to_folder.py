"""Hands records over to a folder of `*.jsonl` files: a line each, on the disk before it is acknowledged.

Files are only appended to. Every process writes files of its own, so that several share a folder and nobody writes behind
a line that another left unfinished. A new hour, or a full file, begins the next.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import Batch
from pipeline.model.errors import UsageError

FILE_BYTES = 256 * 1024 * 1024
_HOUR = "%Y%m%dT%H"
_FREE_BYTES_MIN = 1024 * 1024


def _now() -> datetime:
    return datetime.now(UTC)


class Folder(Place):
    """A folder. name: tells this process's files from all others'."""

    def __init__(self, path: Path, name: str, clock: Callable[[], datetime] = _now, file_bytes: int = FILE_BYTES) -> None:
        self._path = path
        self._name = name
        self._clock = clock
        self._file_bytes = file_bytes
        self._files = 0
        self._file: AppendOnly | None = None
        self._hour = ""

    @classmethod
    def at(cls, path: str) -> Folder:
        """The folder at a path; it is made where only it is missing."""
        folder = Path(path)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise UsageError(f"--to {path}: {error.strerror}; name a folder, or where one can be made") from None
        return cls(folder, os.urandom(4).hex())

    def hand_over(self, batches: Sequence[Batch]) -> None:
        lines = b"".join(record + b"\n" for batch in batches for record in batch.records)
        try:
            self._current().append(lines)
        except OSError as error:
            self._let_go()
            raise HandOverError(f"{self._path} can't be written to ({error.strerror}); make room, or see to it") from error

    def check(self) -> None:
        try:
            free = shutil.disk_usage(self._path).free
        except OSError as error:
            raise HandOverError(f"{self._path} can't be looked at ({error.strerror})") from error
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise HandOverError(f"{self._path} is not writable; give this user the right to")
        if free < _FREE_BYTES_MIN:
            raise HandOverError(f"{self._path}: the disk is full; make room")

    def close(self) -> None:
        self._let_go()

    def _current(self) -> AppendOnly:
        hour = self._clock().strftime(_HOUR)
        if self._file is not None and (hour != self._hour or self._file.size >= self._file_bytes):
            self._let_go()
        if self._file is None:
            self._file = AppendOnly.make(self._path, f"{hour}-{self._name}-{self._files:04}.jsonl")
            self._files += 1
            self._hour = hour
        return self._file

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class AppendOnly:
    """A file that holds whole lines. After a failure it is never written to again: what it then holds is not known."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.size = 0  # of what is safely there

    @classmethod
    def make(cls, folder: Path, name: str) -> AppendOnly:
        """A new file. Raises OSError."""
        path = folder / name
        file = cls(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666))
        try:
            _sync_folder(folder)
        except OSError:
            file.close()
            raise
        return file

    def append(self, lines: bytes) -> None:
        """The lines are on the disk once this returns. Raises OSError: then none of them is, as far as that can be had.

        **Retry:** the lines are there twice.
        """
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
            if os.fstat(self._descriptor).st_nlink == 0:
                raise OSError(errno.ENOENT, "the file was removed while it was written to")
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(lines)

    def close(self) -> None:
        """Nothing more is written to it. One that holds nothing goes: a full disk would leave many."""
        os.close(self._descriptor)
        if self.size == 0:
            self._path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A file's name is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
