"""Owns the dashboard's files as the service hands them out: read once, compressed, named by a digest of all of them.

The digest stands in their address, so that browsers may keep them for good and never mix two versions.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

PLACE = "{static}"  # in index.html: where the files are
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain", ".md": "text/markdown"}
DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `packed`: gzip of `body`."""

    body: bytes
    packed: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """`page`: the HTML. `files`: by their path below `/static/{digest}/`."""

    page: Asset
    digest: str
    files: dict[str, Asset]


@cache
def load_assets() -> Assets:
    """The files of the installed package, which don't change while the service runs."""
    root = files("readers.dashboard")
    found = {path: (_type_of(path), item.read_bytes()) for path, item in _below(root / "static", "")}
    page = (root / "index.html").read_text(encoding="utf-8")
    digest = hashlib.blake2b(page.encode(), digest_size=DIGEST_BYTES)
    for path, (_, body) in sorted(found.items()):
        digest.update(f"{path} {len(body)}\n".encode() + body)
    page = page.replace(PLACE, f"/static/{digest.hexdigest()}")
    listed = {path: _asset(body, kind) for path, (kind, body) in found.items() if kind}
    return Assets(_asset(page.encode(), "text/html"), digest.hexdigest(), listed)


def _below(folder: Traversable, before: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _below(item, f"{before}{item.name}/")
        else:
            yield before + item.name, item


def _type_of(path: str) -> str:
    return TYPES.get(path[path.rfind(".") :], "")


def _asset(body: bytes, media_type: str) -> Asset:
    return Asset(body, gzip.compress(body, mtime=0), media_type)
