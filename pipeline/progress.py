"""How far an unfinished run over files has come, kept in the store, so that the same command goes on where it stopped.

Only a convenience: read again from the start, the same numbers come out. A run is the same one if its files (name, size,
time of change), account and definitions are; when it is finished the note is emptied, so that a later run reads all again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence

from pipeline.model import layout
from pipeline.sources.files import STDIN, Position
from pipeline.store.contract import Store

_QUALIFIER = b"position"


class Progress:
    """The position of one run. **Retry:** writing it again is harmless."""

    def __init__(self, store: Store, paths: Sequence[str], account: str | None, version: str) -> None:
        self._store = store
        self._row = None if STDIN in paths else layout.meta_progress_row(_run_name(paths, account, version))

    def load(self) -> Position | None:
        """Where to go on; None: from the start."""
        if self._row is None:
            return None
        value = dict(self._store.read("meta", [self._row]).get(self._row, [])).get(_QUALIFIER)
        return Position(*json.loads(value)) if value else None

    def save(self, position: Position) -> None:
        """All before `position` is committed."""
        self._put(json.dumps(position).encode())

    def finish(self) -> None:
        """The run is through."""
        self._put(b"")

    def _put(self, value: bytes) -> None:
        if self._row is not None:
            self._store.put_meta(self._row, {_QUALIFIER: value})


def _run_name(paths: Sequence[str], account: str | None, version: str) -> str:
    stats = [(path, os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in paths]
    return hashlib.blake2b(json.dumps([stats, account, version]).encode(), digest_size=16).hexdigest()
