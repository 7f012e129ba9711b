"""Owns where definitions are read from, again and again, and what is in force when that fails.

The first read must succeed. Later ones fall back to the last snapshot, which is then visibly stale.
Not for several threads at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.definitions.connection import REDIS_SCHEMES, connect
from pipeline.definitions.file import load_file
from pipeline.definitions.redis_reader import RedisReader
from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class DefinitionsSource(ABC):
    """Definitions that are read at each refresh. `stale_since` is None while the last read succeeded."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._last: Snapshot | None = None
        self.read_at: datetime | None = None  # the last time that succeeded
        self.stale_since: datetime | None = None
        self.stale_reason: str | None = None

    def read(self) -> Snapshot:
        """The definitions as they are now; the very same object while nothing has changed.

        Raises a UsageError if there is nothing yet to fall back to. **Retry:** harmless.
        """
        try:
            snapshot = self._fetch(self._last)
        except UsageError as error:
            if self._last is None:
                raise
            self.stale_since = self.stale_since or self._clock()
            self.stale_reason = str(error)
            return self._last
        self.read_at = self._clock()
        self.stale_since = self.stale_reason = None
        if self._last is None or self._last.version != snapshot.version:
            self._last = snapshot
        return self._last

    @abstractmethod
    def _fetch(self, last: Snapshot | None) -> Snapshot:
        """Reads afresh; raises a UsageError where `last` shall stay in force."""

    def close(self) -> None:  # noqa: B027 (a file has nothing to close)
        """Lets go of connections; a later read opens them again."""


class FileDefinitions(DefinitionsSource):
    """Definitions in a YAML or JSON file that is edited by hand: judged strictly, as a whole."""

    def __init__(self, path: str, clock: Clock = _now) -> None:
        super().__init__(clock)
        self._path = path

    def _fetch(self, last: Snapshot | None) -> Snapshot:
        return load_file(self._path)


class RedisDefinitions(DefinitionsSource):
    """Definitions in Redis, one hash per account: judged leniently, metric by metric."""

    def __init__(self, url: str, clock: Clock = _now) -> None:
        super().__init__(clock)
        self._reader = RedisReader(connect(url), url)

    def _fetch(self, last: Snapshot | None) -> Snapshot:
        return self._reader.read(last)

    def close(self) -> None:
        self._reader.close()


def is_redis(url: str) -> bool:
    """Whether definitions are kept in Redis; else the URL is a file's path."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme in REDIS_SCHEMES


def open_definitions(url: str) -> DefinitionsSource:
    """The source behind `redis://HOST:PORT/DB` or a file's path. Nothing is read yet."""
    if is_redis(url):
        return RedisDefinitions(url)
    if "://" in url:
        raise UsageError(f"--definitions {url.partition('://')[0]}://: write redis://HOST:PORT/DB, or a file's path")
    return FileDefinitions(url)
