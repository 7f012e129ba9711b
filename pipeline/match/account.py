"""One account to its functions: where it stands, its visitors' hashes."""

from __future__ import annotations

import hashlib

from pipeline.match.memos import Memos
from pipeline.match.plan import Functions


class AccountMatcher:
    """Judges an account's events, see `Functions`."""

    # There are thousands, and each event asks another one: what it asks should lie together.
    __slots__ = ("_hasher", "_memos", "index", "known", "learn", "visitors")

    def __init__(self, account: str, index: int, functions: Functions, visitor_key: bytes, memos: Memos) -> None:
        self.index = index
        self.known = functions.known
        self.learn = functions.learn
        self.visitors: dict[str, int] = {}
        self._memos = memos
        key = visitor_key[: hashlib.blake2b.MAX_KEY_SIZE]
        self._hasher = hashlib.blake2b(account.encode() + b"\0", digest_size=8, key=key)

    def hash_visitor(self, visitor: str) -> int:
        """The keyed hash that stands for a visitor everywhere behind this point."""
        hasher = self._hasher.copy()
        hasher.update(visitor.encode("utf-8", "surrogatepass"))
        hashed = int.from_bytes(hasher.digest(), "little") or 1  # 0 says "no visitor"
        self._memos.put(self.visitors, visitor, hashed)
        return hashed
