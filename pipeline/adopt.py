"""Takes definitions into force on a store: what each digest and revision means is written before anything is counted.

So old revisions stay readable, ids stay comparable, and a reader can tell since when a revision has been in force.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.model import layout
from pipeline.model.damage import reading
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import UsageError
from pipeline.model.judged import JudgedSets, digest_of
from pipeline.store.contract import Store
from pipeline.store.fixed import fix_fanout


class Adoption:
    """What of the definitions the store knows already. **Retry:** all of it may be written again, nothing changes.

    stating: keep whole definitions there too, for workers that are handed hits and nothing else.
    """

    def __init__(self, store: Store, *, stating: bool = False) -> None:
        self._store = store
        self._stating = stating
        self._stated: dict[str, str] = {}  # account -> version of the definitions that the store was told last
        self._known = set(store.scan("meta", layout.META_JUDGED_PREFIX)) | set(store.scan("meta", b"revision#"))
        self._in_force = {row: max(cells)[1] for row, cells in store.scan("meta", b"history#").items() if cells}
        self._fanouts: dict[str, int] = {}
        for row, cells in store.scan("meta", layout.META_ACCOUNT_PREFIX).items():
            with reading("meta", row):
                self._fanouts[row[len(layout.META_ACCOUNT_PREFIX) :].decode()] = int(dict(cells)[b"fanout"])
        self._adopted: dict[str, str] = {}  # account -> digest of the definitions adopted last
        self._asked = ""  # the version of what was given last
        self.latest: Snapshot | None = None
        self.refused: str | None = None

    def adopt(self, given: Snapshot, now: datetime, *, meanwhile: bool = False) -> Snapshot:
        """Write what is new, in one go; gives what is in force, which alone may be counted by.

        Raises UsageError where an account asks for another fanout than it began with. meanwhile: a run goes on, which others
        are in too; the account goes on with its own, on which no number depends, and `refused` says so.
        **Retry:** harmless.
        """
        if self.latest is not None and given.version == self._asked:
            return self.latest
        snapshot = self._as_begun(given, meanwhile)
        since = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        rows: dict[bytes, dict[bytes, bytes]] = {}
        in_force: dict[bytes, bytes] = {}
        sets, documents = JudgedSets(), dict[str, dict[str, bytes]]()
        for definitions in snapshot.accounts.values():
            if self._adopted.get(definitions.account) != definitions.digest:
                rows |= self._meaning(definitions, sets, documents, since)
            for metric in (*definitions.metrics.values(), *definitions.exposures):
                in_force[layout.meta_history_row(definitions.account, metric.id)] = metric.revision.encode()
        if self._stating:
            rows |= self._whole(snapshot)
        ended = {row: b"" for row, revision in self._in_force.items() if revision and row not in in_force}
        changed = {row: r for row, r in (in_force | ended).items() if self._in_force.get(row, b"") != r}
        self._store.put_meta_rows(rows | {row: {since: revision} for row, revision in changed.items()})
        self._known |= rows.keys()
        self._in_force |= changed
        self._adopted = {definitions.account: definitions.digest for definitions in snapshot.accounts.values()}
        self._stated = {definitions.account: definitions.version for definitions in snapshot.accounts.values()}
        self._asked, self.latest = given.version, snapshot
        return snapshot

    def _whole(self, snapshot: Snapshot) -> dict[bytes, dict[bytes, bytes]]:
        changed = (d for d in snapshot.accounts.values() if self._stated.get(d.account) != d.version)
        return {layout.meta_stated_row(digest_of(d)): {_stated_as(d): d.to_bytes()} for d in changed}

    def _as_begun(self, given: Snapshot, meanwhile: bool) -> Snapshot:
        """The same, each account with its own fanout."""
        others: dict[str, AccountDefinitions] = {}
        refused = None
        for account, definitions in given.accounts.items():
            asked = definitions.settings.fanout
            if self._fanouts.get(account) == asked:
                continue
            begun = self._fanouts[account] = fix_fanout(self._store, account, asked)
            if begun != asked:
                refused = f"settings.fanout of account {account} is {asked}, this store was begun with {begun}"
                if not meanwhile:
                    raise UsageError(f"{refused}: set it back to {begun}")
                others[account] = definitions.with_settings(replace(definitions.settings, fanout=begun))
        self.refused = f"{refused}, which stays" if refused else None
        return Snapshot.of((given.accounts | others).values(), given.problems) if others else given

    def _meaning(
        self, definitions: AccountDefinitions, sets: JudgedSets, documents: dict[str, dict[str, bytes]], since: bytes
    ) -> dict[bytes, dict[bytes, bytes]]:
        """Rows of `meta`, as far as they aren't there yet, that say what the account's digest and revisions are."""
        judged = sets.of(definitions)
        rows: dict[bytes, dict[bytes, bytes]] = {}
        row = layout.meta_judged_row(judged.digest)
        if row not in self._known:
            rows[row] = {b"names": "\n".join(sorted(judged.names)).encode()}
        account, known = definitions.account, self._known
        revisions = {m.id: layout.meta_revision_row(account, m.id, m.revision) for m in definitions.metrics.values()}
        new = {id: row for id, row in revisions.items() if row not in known}
        if new and definitions.version not in documents:  # which thousands of accounts may share
            documents[definitions.version] = _documents(definitions)
        for id, row in new.items():
            rows[row] = {b"definition": documents[definitions.version][id], b"since": since}
        return rows


def _documents(definitions: AccountDefinitions) -> dict[str, bytes]:
    """What is kept of each metric, by its id."""
    settings = definitions.settings.document()
    return {
        metric.id: json.dumps({**metric.document(), "revision": metric.revision, "settings": settings}).encode()
        for metric in definitions.metrics.values()
    }


def _stated_as(definitions: AccountDefinitions) -> bytes:
    return layout.stated_qualifier(sum(len(experiment.epochs) for experiment in definitions.trials))
