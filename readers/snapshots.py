"""Owns the definitions that the service answers by: read at the start, refreshed every few seconds."""

from __future__ import annotations

import asyncio
from datetime import datetime

from pipeline.definitions.source import DefinitionsSource
from pipeline.model.definition import Snapshot
from readers.problem import Problem

REFRESH_S = 5.0
NAMED_MAX = 10


class Snapshots:
    """The snapshot in force. While a refresh fails the last one stays, and `stale` says why."""

    def __init__(self, source: DefinitionsSource) -> None:
        self._source = source
        self.current: Snapshot = source.read()
        self._turn = asyncio.Lock()
        self._begun = 0

    @property
    def stale(self) -> str | None:
        return self._source.stale_reason

    @property
    def stale_since(self) -> datetime | None:
        return self._source.stale_since

    @property
    def read_at(self) -> datetime:
        """When definitions were last read with success."""
        assert self._source.read_at is not None, "the first read succeeds"
        return self._source.read_at

    async def keep_fresh(self) -> None:
        """Refreshes until it is cancelled."""
        while True:
            await asyncio.sleep(REFRESH_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Reads the definitions once more. Reads take turns: a source is not for several threads at once, and who has
        just changed something must not be given what was read before. One read is enough for all who wait for it.
        """
        begun = self._begun
        async with self._turn:
            if self._begun == begun:
                self._begun += 1
                self.current = await asyncio.to_thread(self._source.read)

    def account(self, name: object) -> str:
        """The account a request is about: the one it names, or the only one there is. Raises Problem."""
        known = self.current.accounts
        if name is None and len(known) == 1:
            return next(iter(known))
        if name is None:
            raise Problem(400, f"name the account; {self._known()}", pointer="/account")
        if not isinstance(name, str) or name not in known:
            raise Problem(400, f"there is no account {str(name)[:64]!r}; {self._known()}", pointer="/account")
        return name

    def _known(self) -> str:
        names = list(self.current.accounts)
        more = ", …" if len(names) > NAMED_MAX else ""
        return f"known: {', '.join(names[:NAMED_MAX])}{more}" if names else "no definitions are pushed yet"
