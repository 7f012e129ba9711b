"""Where counters and facts are kept: `open_store` gives one of the stores behind `contract.Store`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.model.errors import UsageError
from pipeline.store.contract import Cell, Store

__all__ = ["Cell", "Store", "open_store"]

FORMS = "sqlite:///PATH or bigtable://PROJECT/INSTANCE[?prefix=P]"


def open_store(url: str, *, create: bool = False, create_tables: bool = False, wait_s: float | None = None) -> Store:
    """Open the store at a URL. `create`: a new SQLite file is made, and absent Bigtable tables on an emulator or with
    `create_tables`; without it a store that isn't there is a UsageError. `wait_s`: how long a call waits for a store that
    does not answer or that others hold on to, with all its repeats; a minute where it is not said.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(url.removeprefix("sqlite:///"))
        if parts.netloc or not path or path == url:
            raise UsageError(f"--store {url}: name a file, as in sqlite:///numbers.db or sqlite:////var/lib/numbers.db")
        from pipeline.store.sqlite import SqliteStore

        waiting = {} if wait_s is None else {"busy_timeout_s": wait_s}
        return SqliteStore(Path(path), create=create, **waiting)
    if parts.scheme == "bigtable":
        project, instance = parts.netloc, parts.path.strip("/")
        if not project or not instance or "/" in instance:
            raise UsageError(f"--store {url}: name project and instance, as in bigtable://my-project/my-instance")
        from pipeline.store.bigtable import BigtableStore
        from pipeline.store.bigtable.patience import Patience

        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if unknown := given.keys() - {"prefix", "profile"}:
            raise UsageError(f"--store {url}: unknown {min(unknown)}; use prefix=P for tables, profile=P for an app profile")
        return BigtableStore(
            project,
            instance,
            prefix=given.get("prefix", ""),
            app_profile=given.get("profile"),
            create=create,
            create_tables=create_tables,
            patience=None if wait_s is None else Patience(deadline_s=wait_s),
        )
    raise UsageError(f"--store {url}: unknown kind of store; use {FORMS}")
