"""Owns the revisions of a metric that a store knows of: which was in force from when until when."""

from __future__ import annotations

from itertools import groupby, pairwise
from operator import itemgetter

from pipeline.model.damage import reading
from pipeline.model.layout import meta_history_row
from pipeline.store.contract import Store

SHOWN_MAX = 100  # the latest; a metric may have been changed thousands of times


def read_history(store: Store, account: str, metric_id: str) -> list[dict[str, str | None]]:
    """[{revision, from, to}] of the times in which a pipeline counted this metric, oldest first; RFC 3339 times, `to`
    None while it still does. A revision that came back stands there again; one that several processes of a job took into
    force, each at its own moment, stands there once.
    """
    row = meta_history_row(account, metric_id)
    with reading("meta", row):
        changes = [(at.decode(), revision.decode()) for at, revision in store.read("meta", [row]).get(row, ())]
    firsts = [next(together) for _, together in groupby(changes, key=itemgetter(1))]
    spans = pairwise([*firsts, (None, "")])
    found = [{"revision": revision, "from": at, "to": until} for (at, revision), (until, _) in spans if revision]
    return found[-SHOWN_MAX:]
