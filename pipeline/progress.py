"""How far a run over files has come, kept in the store, so that the same command goes on where it stopped.

For bounded input a convenience only: read again from the start, the same numbers come out. A run is the same one if its
files (name, size, time of change), account and definitions are; when it is finished the note is emptied, so that a
later run reads all again. A run that follows its input is the same one if its `--input` and account are.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from pipeline.model import layout
from pipeline.model.damage import reading
from pipeline.sources.files import STDIN
from pipeline.store.contract import Store

_QUALIFIER = b"taken"


class Progress:
    """What was taken, by the source's name, in whatever form the source likes. **Retry:** saving again is harmless."""

    def __init__(self, store: Store, name: str | None) -> None:
        self._store = store
        self._row = layout.meta_progress_row(name) if name else None
        self.taken: dict[str, Any] = {}
        if self._row is not None:
            value = dict(store.read("meta", [self._row]).get(self._row, [])).get(_QUALIFIER)
            with reading("meta", self._row):
                self.taken = dict(json.loads(value).items()) if value else {}
        self.resumed = bool(self.taken)

    def save(self) -> None:
        """Keep what `taken` says now: all of it is committed."""
        self._put(json.dumps(self.taken).encode())

    def finish(self) -> None:
        """The run is through."""
        self._put(b"")

    def _put(self, value: bytes) -> None:
        if self._row is not None:
            self._store.put_meta(self._row, {_QUALIFIER: value})


def bounded_run_name(paths: Sequence[str], account: str | None, version: str) -> str | None:
    """The name of a run over these files; None for standard input, which can't be read again."""
    if STDIN in paths:
        return None
    stats = [(path, os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in paths]
    return _digest([stats, account, version])


def following_run_name(inputs: Sequence[str], account: str | None) -> str:
    """The name of a run that follows these inputs."""
    return _digest(["follow", sorted(os.path.abspath(i) for i in inputs), account])


def _digest(parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
