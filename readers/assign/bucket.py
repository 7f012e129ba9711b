"""Owns the one thing that must never change: which bucket of a layer a unit is in."""

from __future__ import annotations

import mmh3


def bucket_of(layer: str, unit: str, buckets: int) -> int:
    """MurmurHash3 x86 32-bit, seed 0, of `layer:unit` in UTF-8, unsigned; its lowest bits. buckets: a power of two."""
    return mmh3.mmh3_32_uintdigest(f"{layer}:{unit}".encode("utf-8", "surrogatepass"), 0) & (buckets - 1)
