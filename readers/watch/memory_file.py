"""Owns the file that remembers what was told, so that a restart neither loses nor repeats a message."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from pipeline.model.errors import RunError, UsageError
from readers.watch.judgement import Memory, Message

VERSION = 1


class MemoryFile:
    """What is known of each experiment, by account and id. Each change is on the disk before `put` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _load(path)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[MemoryFile]:
        """Raises UsageError where it can't be read or another process has it: two would tell everything twice."""
        lock = path.with_name(path.name + ".lock")
        try:
            held = lock.open("w")
        except OSError as error:
            raise UsageError(f"--state {path}: {error.strerror}; name a file in a folder that can be written") from None
        with held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"--state {path}: another `daycount watch` uses it; end it, or name another") from None
            yield cls(path)

    def get(self, account: str, experiment: str) -> Memory | None:
        return self._known.get((account, experiment))

    def put(self, account: str, experiment: str, memory: Memory) -> None:
        """Raises RunError where the disk refuses. **Retry:** harmless."""
        if self._known.get((account, experiment)) != memory:
            self._known[account, experiment] = memory
            self._write()

    def keep(self, known: set[tuple[str, str]]) -> None:
        """Forgets experiments that are no more, once all their messages are sent. **Retry:** harmless."""
        gone = [name for name, memory in self._known.items() if name not in known and not memory.outbox]
        for name in gone:
            del self._known[name]
        if gone:
            self._write()

    def waiting(self) -> list[tuple[str, str, Message]]:
        """Messages that no webhook has taken yet, with the experiments that they are of."""
        return [(*name, message) for name, memory in self._known.items() for message in memory.outbox]

    def _write(self) -> None:
        known = [{"account": a, "experiment": e, **_document(memory)} for (a, e), memory in self._known.items()]
        beside = self._path.with_name(self._path.name + ".new")
        try:
            with beside.open("wb") as new:
                new.write(orjson.dumps({"version": VERSION, "experiments": known}, option=orjson.OPT_INDENT_2))
                new.flush()
                os.fsync(new.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise RunError(f"--state {self._path}: {error.strerror}; without it messages would be told twice") from None


def _load(path: Path) -> dict[tuple[str, str], Memory]:
    try:
        stored = orjson.loads(path.read_bytes())
        if stored["version"] != VERSION:
            raise UsageError(f"--state {path} is of another version of Daycount; name a new file")
        return {(one["account"], one["experiment"]): _memory(one) for one in stored["experiments"]}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"--state {path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"--state {path} is not what `daycount watch` writes; name another file") from None


def _document(memory: Memory) -> dict[str, Any]:
    return {
        "epoch": memory.epoch,
        "revision": memory.revision,
        "told": list(memory.told),
        "held": list(memory.held),
        "looks": memory.looks,
        "written": memory.written,
        "outbox": [{"id": message.id, "text": message.text} for message in memory.outbox],
    }


def _memory(one: Mapping[str, Any]) -> Memory:
    told, held = ((finding[0], finding[1]) for finding in (one["told"], one["held"]))
    outbox = tuple(Message(message["id"], message["text"]) for message in one["outbox"])
    return Memory(one["epoch"], one["revision"], told, held, one["looks"], one["written"], outbox)
