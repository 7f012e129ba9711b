"""The steps within a commit to Bigtable: between the head and its cells, among these, and where a head is finished."""

from __future__ import annotations

from typing import Any

from google.cloud.bigtable_admin_v2 import BigtableTableAdminClient

from pipeline.store.bigtable import BigtableStore
from tests.support.strikes import Strike, struck_after, wrap


def half_made(strike: Strike, *_: Any) -> None:
    """Some of the tables are there."""
    struck_after(BigtableTableAdminClient, "create_table", strike)


def head_moved(strike: Strike, *_: Any) -> None:
    """The unit is committed, and none of its cells is written."""
    struck_after(BigtableStore, "_move_head", strike)


def half_applied(strike: Strike, *_: Any) -> None:
    """The unit is committed, and some of its rows are written."""
    _half(strike, finishing=False)


def half_applied_again(strike: Strike, *_: Any) -> None:
    """Somebody else's unit is being finished, and some of its rows are written."""
    _half(strike, finishing=True)


def applied_again(strike: Strike, *_: Any) -> None:
    """Somebody else's unit has been finished."""
    struck_after(BigtableStore, "_finish", strike)


def _half(strike: Strike, *, finishing: bool) -> None:
    def finish(real: Any, store: Any, *given: Any) -> Any:
        store.finishing = True
        try:
            return real(store, *given)
        finally:
            store.finishing = False

    def apply(real: Any, store: Any, rows: Any, seq: int) -> None:
        if getattr(store, "finishing", False) == finishing and strike.is_due():
            real(store, dict(strike.some(list(rows.items()))), seq)
            strike.strike()
        real(store, rows, seq)

    wrap(BigtableStore, "_finish", finish)
    wrap(BigtableStore, "_apply", apply)
