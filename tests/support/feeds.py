"""How a world's records reach the runs of a story: as files that are cut anew, or while a run follows files or a stream.

A feed hands every record on at least once before the story's last run has ended, many of them more than once.
"""

from __future__ import annotations

import os
import secrets
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import redis

from pipeline.sources.blocks import Block
from tests.support.forked import Plant
from tests.support.kill_points import sources
from tests.support.strikes import wrap

REDELIVERED = 0.3


class Feed(ABC):
    """The input of one story's runs, one after the other. lines: the records, each with its line's end."""

    words: tuple[str, ...] = ()  # options of `daycount run` that name it
    plants: tuple[Plant, ...] = ()  # what a run needs beside that, to end by itself

    def __init__(self, folder: Path, lines: Sequence[bytes], random: Random) -> None:
        self.folder, self.lines, self.random = folder, list(lines), random
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def prepare(self, *, last: bool) -> None:
        """Before a run. last: it is to come to its end, with everything."""

    def go_on(self) -> bool:
        """While a run is under way: hand on a bit more; False when that was all for this run."""
        return False

    def close(self) -> None:  # noqa: B027 (files need none)
        """Let go of connections."""

    def shuffled(self) -> list[bytes]:
        """All records in any order, some of them twice."""
        again = self.random.sample(self.lines, int(REDELIVERED * len(self.lines)))
        return self.random.sample([*self.lines, *again], len(self.lines) + len(again))


class Files(Feed):
    """Bounded files. Before a run they are left as they are, so that it resumes, or everything is dealt out anew."""

    def prepare(self, *, last: bool) -> None:
        if self.words and self.random.random() < 0.6:
            return
        place = self.folder / f"{len(list(self.folder.iterdir()))}"
        place.mkdir()
        lines = self.shuffled()
        for n, part in enumerate(pieces(lines, len(lines) // 4, self.random)):
            (place / f"{n:03d}.jsonl").write_bytes(b"".join(part))
        self.words = ("--input", str(place / "*.jsonl"))


class Live(Feed):
    """Input that goes on coming, before and while a run follows it. A run ends once it has taken all of its share."""

    def __init__(self, folder: Path, lines: Sequence[bytes], random: Random) -> None:
        super().__init__(folder, lines, random)
        self._pieces = list(pieces(self.shuffled(), len(lines) // 8, random))
        self._share = 0  # of the pieces, how many are still to come in this run
        self._end = folder / "end"
        self.plants = ((f"{__name__}:end_when_idle", {"flag": str(self._end)}),)

    def prepare(self, *, last: bool) -> None:
        self._end.unlink(missing_ok=True)
        self._share = len(self._pieces) if last else min(len(self._pieces), self.random.randrange(4))
        for _ in range(self.random.randrange(3)):
            self.go_on()

    def go_on(self) -> bool:
        if self._share:
            self._share -= 1
            self.send(self._pieces.pop(), last=not self._pieces)
        if not self._share:
            self._end.touch()
        return self._share > 0

    @abstractmethod
    def send(self, lines: Sequence[bytes], *, last: bool) -> None:
        """Hand these on. last: nothing comes after them."""


class FollowedFiles(Live):
    """Files of a folder that grow, by whole lines and by parts of them."""

    def __init__(self, folder: Path, lines: Sequence[bytes], random: Random) -> None:
        super().__init__(folder, lines, random)
        self._cut: dict[int, bytes] = {}  # by file: the rest of its last line
        self.words = ("--follow", "--input", str(folder / "*.jsonl"))

    def send(self, lines: Sequence[bytes], *, last: bool) -> None:
        number = self.random.randrange(4)
        data = self._cut.pop(number, b"") + b"".join(lines)
        kept = self.random.randrange(40)
        self._append(number, data[: len(data) - kept])
        self._cut[number] = data[len(data) - kept :]
        for number, rest in self._cut.items() if last else ():
            self._append(number, rest)

    def _append(self, number: int, data: bytes) -> None:
        with (self.folder / f"{number}.jsonl").open("ab") as f:
            f.write(data)


class RedisStream(Live):
    """Entries of a stream, and one consumer group that all runs belong to. url: of the Redis."""

    def __init__(self, folder: Path, lines: Sequence[bytes], random: Random, url: str) -> None:
        super().__init__(folder, lines, random)
        self._stream = f"events-{secrets.token_hex(4)}"
        self._client = redis.Redis.from_url(url)
        self.words = ("--follow", "--input", f"{url}?stream={self._stream}")

    def send(self, lines: Sequence[bytes], *, last: bool) -> None:
        with self._client.pipeline() as together:
            for line in lines:
                together.xadd(self._stream, {b"data": line.rstrip()})
            together.execute()

    def close(self) -> None:
        self._client.close()


def feeds(redis_url: str) -> dict[str, Callable[[Path, Sequence[bytes], Random], Feed]]:
    """All there are. To tell stories of another kind of source, name its feed here."""
    return {"files": Files, "followed files": FollowedFiles, "a stream": partial(RedisStream, url=redis_url)}


def pieces(lines: Sequence[bytes], size_max: int, random: Random) -> Iterator[Sequence[bytes]]:
    """The lines in pieces of any size up to this."""
    at = 0
    while at < len(lines):
        size = random.randint(1, max(2, size_max))
        yield lines[at : at + size]
        at += size


def end_when_idle(flag: str) -> None:
    """In a child: a source that has had nothing new twice since the flag was set asks the run to end."""

    def blocks(real: Any, source: Any, *given: Any) -> Iterator[Block | None]:
        idle = 0
        for block in real(source, *given):
            # One that is away has nothing either.
            idle = idle + 1 if block is None and source.trouble is None and os.path.exists(flag) else 0
            if idle == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            yield block

    for source in sources():
        wrap(source, "blocks", blocks)
