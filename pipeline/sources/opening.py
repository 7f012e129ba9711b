"""Which kind of source an `--input` names. The clients of streams are imported only where one is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.model.errors import UsageError
from pipeline.sources.blocks import Block
from pipeline.sources.files import Files, find_files, input_bytes
from pipeline.sources.following import FollowedFiles
from pipeline.sources.source import Backlog, Progress, Source

STREAMS = ("redis", "rediss", "pubsub", "kafka")


@dataclass(frozen=True, slots=True)
class Inputs:
    """All `--input`s of a run, looked at before anything is opened. `paths`: the files of a run that ends."""

    files: tuple[str, ...]
    streams: tuple[str, ...]
    paths: tuple[str, ...]
    follow: bool

    @classmethod
    def of(cls, names: Sequence[str], follow: bool, rejects: str) -> Inputs:
        """rejects: where they are kept, which is no input unless it is named itself. Raises UsageError for what is no
        input, or isn't there.
        """
        streams = tuple(name for name in names if "://" in name)
        for name in streams:
            if name.partition("://")[0] not in STREAMS:
                raise UsageError(
                    f"--input {shown(name)}: not an input; name files, a glob, - for standard input, "
                    "redis://HOST:PORT/DB?stream=NAME, pubsub://PROJECT/SUBSCRIPTION, or kafka://HOST:PORT/TOPIC"
                )
        files = tuple(name for name in names if "://" not in name)
        paths = tuple(find_files(files)) if files and not follow else ()
        if not is_named(rejects, files):
            paths = tuple(path for path in paths if not is_named(rejects, [path]))
            if not paths and files and not follow:
                raise UsageError(
                    f"--input {files[0]}: only {rejects} is there, where rejects are kept; to read those, name it"
                )
        return cls(files, streams, paths, follow)

    @property
    def bytes(self) -> int | None:
        """The size of all, None where that isn't known."""
        return None if self.follow or self.streams else input_bytes(self.paths)

    def open(self, progress: Callable[[], Progress], excluded: Sequence[str]) -> Source:
        """All of them as one source. progress: of the files among them. Raises UsageError within seconds."""
        sources: list[Source] = [_open_stream(url, self.follow) for url in self.streams]
        if self.follow and self.files:
            sources.append(FollowedFiles(self.files, progress(), excluded=excluded))
        elif self.files:
            sources.append(Files(self.paths, progress()))
        return sources[0] if len(sources) == 1 else Several(sources)


def shown(name: str) -> str:
    """A path, or a URL without a password."""
    scheme, separator, rest = name.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else name


def is_named(place: str, names: Iterable[str]) -> bool:
    """Whether one of the names is this place: the same URL, or a path of the same file."""
    return any(name == place or os.path.realpath(name) == os.path.realpath(place) for name in names)


def _open_stream(url: str, follow: bool) -> Source:
    """follow: go on when there is no more for the moment; else that is the end."""
    if url.startswith("pubsub:"):
        from pipeline.sources.pubsub import PubSubSubscription

        return PubSubSubscription(url, follow=follow)
    if url.startswith("kafka:"):
        from pipeline.sources.kafka import KafkaTopic

        return KafkaTopic(url, follow=follow)
    from pipeline.sources.redis_stream import RedisStream

    return RedisStream(url, follow=follow)


class Several(Source):
    """Sources side by side, each asked in turn."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._of: dict[str, Source] = {}
        self.resumed = any(source.resumed for source in sources)
        self.elsewhere = any(source.elsewhere for source in sources)

    @property
    def trouble(self) -> str | None:  # type: ignore[override]
        return "; ".join(source.trouble for source in self._sources if source.trouble) or None

    def blocks(self) -> Iterator[Block | None]:
        going = {source: source.blocks() for source in self._sources}
        while going:
            found = False
            for source, blocks in list(going.items()):
                try:
                    block = next(blocks)
                except StopIteration:
                    del going[source]
                    continue
                if block is not None:
                    found = True
                    self._of[block.source] = source
                    yield block
            if not found and going:
                yield None

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        for source in self._sources:
            source.acknowledge([block for block in blocks if self._of[block.source] is source])

    def finish(self) -> None:
        for source in self._sources:
            source.finish()

    def backlog(self) -> Backlog | None:
        """What waits in those that count in the unit of the first."""
        known = [backlog for source in self._sources if (backlog := source.backlog()) is not None]
        return Backlog(sum(b.amount for b in known if b.unit == known[0].unit), known[0].unit) if known else None

    def close(self) -> None:
        for source in self._sources:
            source.close()
