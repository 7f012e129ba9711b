"""Where rejects are kept: a file, a Pub/Sub topic or a Redis Stream. They are there for good before input is acknowledged.

Owns nothing of what is in them, see `Reject.to_record`. A run can read its rejects from wherever they are kept.
"""

from __future__ import annotations

import fcntl
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from pipeline.definitions.connection import REDIS_SCHEMES
from pipeline.model.errors import RejectsUnavailable, UsageError


class RejectPlace(ABC):
    """A place for rejects records, a line of JSON each."""

    @abstractmethod
    def keep(self, records: Sequence[bytes]) -> None:
        """They are kept for good once this returns. Raises RejectsUnavailable, and UsageError for what won't pass.

        **Retry:** keeps them again.
        """

    @abstractmethod
    def check(self) -> None:
        """Raises UsageError, within seconds, where nothing can be kept."""

    def close(self) -> None:  # noqa: B027 (a file holds no connection)
        """Let go of connections."""


def open_rejects(place: str) -> RejectPlace:
    """place: a path, `pubsub://PROJECT/TOPIC` or `redis://HOST:PORT/DB?stream=NAME`. Raises UsageError."""
    scheme, separator, _ = place.partition("://")
    if not separator:
        return RejectFile(place)
    from pipeline.reject_streams import RejectStream, RejectTopic

    if scheme == "pubsub":
        return RejectTopic(place)
    if scheme in REDIS_SCHEMES:
        return RejectStream(place)
    raise UsageError(f"--rejects {scheme}://: name a file, pubsub://PROJECT/TOPIC or redis://HOST:PORT/DB?stream=NAME")


class RejectFile(RejectPlace):
    """A file that is appended to, by several writers if need be. What is no regular file is only written to."""

    def __init__(self, path: str) -> None:
        self._path = path

    def keep(self, records: Sequence[bytes]) -> None:
        data = b"\n".join(records) + b"\n"
        try:
            with open(self._path, "ab", buffering=0) as f:
                if stat.S_ISREG(os.fstat(f.fileno()).st_mode):
                    self._append(f.fileno(), data)
                else:
                    _write(f.fileno(), data)
        except OSError as e:
            cure = "mend that, or name another place with --rejects"
            raise RejectsUnavailable(f"rejects can't be kept in {self._path} ({e.strerror}); {cure}") from e

    def _append(self, fd: int, data: bytes) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)  # until the file is closed
        size = os.fstat(fd).st_size
        try:
            _write(fd, data if self._ends_whole(size) else b"\n" + data)
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, size)  # no half record stays behind
            raise
        if not size:
            _sync(Path(self._path).absolute().parent)

    def _ends_whole(self, size: int) -> bool:
        """Whether there is no half line at the end, of a writer that was killed."""
        if not size:
            return True
        with open(self._path, "rb") as f:
            f.seek(size - 1)
            return f.read(1) == b"\n"

    def check(self) -> None:
        path, folder = self._path, Path(self._path).absolute().parent
        if not folder.is_dir():
            raise UsageError(f"--rejects {path}: there is no directory {folder}; create it")
        if os.path.isdir(path):
            raise UsageError(f"--rejects {path}: a directory; name a file in it")
        if not os.access(path if os.path.exists(path) else folder, os.W_OK):
            raise UsageError(f"--rejects {path}: not writable; name a writable path")


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _sync(folder: Path) -> None:
    """The folder's entry of a new file is on disk too."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
