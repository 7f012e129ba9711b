"""Owns the digests of definitions: equal whatever the order of keys or the form of a number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

# Above it neighbouring integers share one double, so a float there does not stand for one integer.
_EXACT_INTEGER_MAX = 2**53


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and one form per number: `1.0` is `1`. Takes JSON values only (no NaN)."""
    return json.dumps(
        _plain_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(value: Any) -> str:
    """16 hex characters that are equal for equal JSON values."""
    return digest_of_bytes(canonical_json(value))


def digest_of_bytes(data: bytes) -> str:
    """16 hex characters."""
    return blake2b(data, digest_size=8).hexdigest()


def revision_of(
    where: Mapping[str, Any],
    measures: Mapping[str, Any],
    breakdowns: Iterable[str],
    timezone: str,
    visitor: Iterable[str],
    groups: Mapping[str, Iterable[Any]],
) -> str:
    """The revision of a metric: a digest of all that decides its numbers, and of nothing else."""
    return digest_of(
        {
            "where": where,
            "measures": measures,
            "breakdowns": list(breakdowns),
            "timezone": timezone,
            "visitor": list(visitor),
            "groups": {name: members_of(members) for name, members in groups.items()},
        }
    )


def account_digest(revisions: Mapping[str, str]) -> str:
    """What an account's events are judged under: a digest of its (metric id, revision) pairs."""
    return digest_of(sorted(revisions.items()))


def members_of(members: Iterable[Any]) -> list[str]:
    """A group is a set: neither order nor repetition tells two groups apart."""
    return sorted({canonical_json(member).decode() for member in members})


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGER_MAX:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_numbers(inner) for inner in value]
    return value
