"""What the store says of an account's revisions: which were ever in force, and since when."""

from __future__ import annotations

from pipeline.model import layout
from pipeline.store.contract import Store


class Revisions:
    """Read once for an account."""

    def __init__(self, store: Store, account: str) -> None:
        self._account = account
        self._store = store
        self._since: dict[str, dict[str, str]] = {}  # metric -> revision -> RFC 3339
        prefix = f"revision#{account}#"
        for row, cells in store.scan("meta", prefix.encode()).items():
            metric, _, revision = row.decode(errors="replace").removeprefix(prefix).partition("@")
            self._since.setdefault(metric, {})[revision] = dict(cells).get(b"since", b"").decode(errors="replace")

    def known(self, metric_id: str) -> set[str]:
        """The revisions of a metric that were ever in force."""
        return set(self._since.get(metric_id, {}))

    def in_force(self, metric_id: str, revision: str) -> str:
        """Since when a known revision has been in force, as a sentence on what it can't hold."""
        since = self._since[metric_id][revision] or "an unknown time"
        row = layout.meta_history_row(self._account, metric_id)
        changes = self._store.read("meta", [row]).get(row, [])
        gap = any(at.decode(errors="replace") > since and now != revision.encode() for at, now in changes)
        while_out = ", or while another one was in force," if gap else ""
        return f"in force since {since}; events that were processed before{while_out} are not in its numbers"
