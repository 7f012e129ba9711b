"""What a store fixes at its first use, and refuses to see otherwise later: layout version, shards, visitor key, fanout.

Counters and facts are placed by these values; with others the same visitor would be looked up elsewhere and counted
twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass

from pipeline.model import layout
from pipeline.model.damage import reading
from pipeline.model.errors import UsageError
from pipeline.store.contract import Store

VISITOR_KEY_VARIABLE = "DAYCOUNT_VISITOR_KEY"
KEY_BYTES = 32
SHARDS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Fixed:
    """A store's own constants. `visitor_key` keys the hash under which visitors are stored."""

    shards: int
    visitor_key: bytes


def visitor_key_given() -> bytes | None:
    """The key that this process's environment names, if any."""
    return os.environ.get(VISITOR_KEY_VARIABLE, "").encode() or None


def fix(store: Store, *, shards: int | None, default_shards: int, visitor_key: bytes | None) -> Fixed:
    """Fix these values on first use, else hold the given ones against those in force. Raises UsageError.

    Without a `visitor_key` one is made up and kept in the store; with one only a check of it is.
    **Retry:** harmless, the first writer's values stay.
    """
    wanted = default_shards if shards is None else shards
    if not 1 <= wanted <= SHARDS_MAX:
        raise UsageError(f"--shards {wanted}: use 1 to {SHARDS_MAX}")
    kept = {} if visitor_key else {"key": secrets.token_hex(KEY_BYTES)}
    key = visitor_key or bytes.fromhex(kept["key"])
    ours = {"version": layout.LAYOUT_VERSION, "shards": wanted, "key_check": _key_check(key), **kept}
    found = _load(store.create_meta(layout.META_LAYOUT, b"v", json.dumps(ours).encode()))
    if found["version"] != layout.LAYOUT_VERSION:
        raise UsageError(
            f"the store has layout version {found['version']}, this program writes {layout.LAYOUT_VERSION}: "
            "use the program version that made it, or a new store"
        )
    if shards is not None and found["shards"] != shards:
        raise UsageError(f"--shards {shards}: this store was made with {found['shards']}; leave --shards out")
    if "key" in found and not visitor_key:
        key = bytes.fromhex(found["key"])
    if found["key_check"] != _key_check(key):
        raise UsageError(
            "the visitor key is not the one of this store: set DAYCOUNT_VISITOR_KEY to the one it was made with"
        )
    return Fixed(int(found["shards"]), key)


def read_fixed(store: Store, visitor_key: bytes | None) -> Fixed | None:
    """The constants of a store that is only read; None where nothing was ever counted into it. Raises UsageError."""
    value = dict(store.read("meta", [layout.META_LAYOUT]).get(layout.META_LAYOUT, ())).get(b"v")
    if value is None:
        return None
    found = _load(value)
    if found["version"] != layout.LAYOUT_VERSION:
        raise UsageError(f"the store has layout version {found['version']}, this program reads {layout.LAYOUT_VERSION}")
    key = visitor_key or bytes.fromhex(found.get("key", ""))
    if found["key_check"] != _key_check(key):
        raise UsageError(
            "the visitor key is not the one of this store: set DAYCOUNT_VISITOR_KEY to the one it was made with"
        )
    return Fixed(int(found["shards"]), key)


def fix_fanout(store: Store, account: str, fanout: int) -> int:
    """The account's fanout: this one where it has none yet. **Retry:** harmless."""
    found = store.create_meta(layout.meta_account_row(account), b"fanout", str(fanout).encode())
    with reading("meta", layout.meta_account_row(account)):
        return int(found)


def _key_check(key: bytes) -> str:
    return hashlib.blake2b(b"daycount visitor key", key=key[:64], digest_size=8).hexdigest()


def _load(value: bytes) -> dict:
    try:
        found = json.loads(value)
        bytes.fromhex(found.get("key", ""))
        if not 1 <= found["shards"] <= SHARDS_MAX:
            raise ValueError(f"{found['shards']} shards")
        return {"version": found["version"], "shards": found["shards"], "key_check": found["key_check"], **found}
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise UsageError(f"not a Daycount store: its layout record is unreadable ({e}); use another store") from e
