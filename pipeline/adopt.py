"""Takes definitions into force on a store: what each digest and revision means is written before anything is counted.

So old revisions stay readable, ids stay comparable, and a reader can tell since when a revision has been in force.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pipeline.model import layout
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.judged import Judged
from pipeline.store.contract import Store
from pipeline.store.fixed import fix_fanout


class Adoption:
    """What of the definitions the store knows already. **Retry:** all of it may be written again, nothing changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._judged = set(store.scan("meta", layout.META_JUDGED_PREFIX))
        self._revisions = set(store.scan("meta", b"revision#"))
        self._in_force = {row: max(cells)[1] for row, cells in store.scan("meta", b"history#").items() if cells}
        self._fanouts: dict[str, int] = {}

    def adopt(self, snapshot: Snapshot, now: datetime) -> None:
        """Write what is new. Raises UsageError where an account asks for another fanout than the store was begun with."""
        since = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        for definitions in snapshot.accounts.values():
            self._fix(definitions)
            self._write(definitions, since)
        self._end_deleted(snapshot, since)

    def _fix(self, definitions: AccountDefinitions) -> None:
        fanout = definitions.settings.fanout
        if self._fanouts.get(definitions.account) != fanout:
            fix_fanout(self._store, definitions.account, fanout)
            self._fanouts[definitions.account] = fanout

    def _write(self, definitions: AccountDefinitions, since: bytes) -> None:
        judged = Judged.of(definitions)
        row = layout.meta_judged_row(judged.digest)
        if row not in self._judged:
            self._store.put_meta(row, {b"names": "\n".join(sorted(judged.names)).encode()})
            self._judged.add(row)
        settings = definitions.settings.document()
        for metric in definitions.metrics.values():
            row = layout.meta_revision_row(definitions.account, metric.id, metric.revision)
            if row not in self._revisions:
                document = {**metric.document(), "revision": metric.revision, "settings": settings}
                self._store.put_meta(row, {b"definition": json.dumps(document).encode()})
                self._store.create_meta(row, b"since", since)
                self._revisions.add(row)
            self._note(layout.meta_history_row(definitions.account, metric.id), metric.revision.encode(), since)

    def _note(self, row: bytes, revision: bytes, since: bytes) -> None:
        if self._in_force.get(row, b"") != revision:
            self._store.put_meta(row, {since: revision})
            self._in_force[row] = revision

    def _end_deleted(self, snapshot: Snapshot, since: bytes) -> None:
        alive = {
            layout.meta_history_row(a.account, metric) for a in snapshot.accounts.values() for metric in a.metrics
        }
        for row in [r for r, revision in self._in_force.items() if revision and r not in alive]:
            self._note(row, b"", since)
