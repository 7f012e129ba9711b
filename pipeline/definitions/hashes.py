"""Owns the form of definitions in Redis: one hash per account, one field per metric.

Anybody may write these hashes, so reading never fails: what is wrong becomes a line in `problems`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.definitions.documents import parse_json
from pipeline.definitions.validate import LENIENT
from pipeline.model.definition import AccountDefinitions, DefinitionError
from pipeline.model.definition_check import ACCOUNT, named
from pipeline.model.definition_digest import digest_of_bytes
from pipeline.model.definition_metric import Written
from pipeline.model.definition_parse import assemble_account
from pipeline.model.definition_place import Place
from pipeline.model.limits import METRICS_PER_ACCOUNT_MAX, SETTINGS_BYTES_MAX

Fields = Mapping[bytes, bytes]

KEY_PREFIX = "definitions:"
SETTINGS_FIELD = b"settings"
METRIC_PREFIX = b"metric:"
# Experiments live in the same hashes; they are not read here.
_NOT_METRICS = (b"experiment:", b"layer:")
# Spaces and escapes of whoever wrote the JSON; the definition itself has its own, smaller bound.
_VALUE_BYTES_MAX = 4 * SETTINGS_BYTES_MAX


def hash_key(account: str) -> str:
    """The key of an account's hash."""
    return f"{KEY_PREFIX}{account}"


def account_of_key(key: bytes) -> str | None:
    """The account that a hash is of, or None if its key names none."""
    account = key.decode(errors="replace").removeprefix(KEY_PREFIX)
    return account if named(ACCOUNT, account) else None


def metric_field(metric_id: str) -> bytes:
    """The field of a metric."""
    return METRIC_PREFIX + metric_id.encode()


def to_value(document: Mapping[str, Any]) -> bytes:
    """A document as the value of a field."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def fields_digest(fields: Fields) -> str:
    """Equal for hashes that mean the same definitions; experiments don't matter."""
    relevant = sorted(item for item in fields.items() if not item[0].startswith(_NOT_METRICS))
    return digest_of_bytes(b"".join(len(part).to_bytes(8, "big") + part for item in relevant for part in item))


def read_hash(account: str, fields: Fields) -> AccountDefinitions:
    """An account's definitions as far as they are valid."""
    found: list[DefinitionError] = []
    settings = _value(fields.get(SETTINGS_FIELD), Place(found, path="settings"))
    written = list(_written(fields, found))
    _note_strangers(fields, found)
    return assemble_account(account, settings, written, LENIENT, found)[0]


def _written(fields: Fields, found: list[DefinitionError]) -> Iterator[Written]:
    names = sorted(name for name in fields if name.startswith(METRIC_PREFIX))
    if len(names) > METRICS_PER_ACCOUNT_MAX:
        Place(found).refuse(f"{len(names):,} metrics; the first {METRICS_PER_ACCOUNT_MAX:,} by id are counted")
    for name in names[:METRICS_PER_ACCOUNT_MAX]:
        label = _shown(name)
        document = _value(fields[name], Place(found, label))
        if document is not None:
            yield Written(label, name.removeprefix(METRIC_PREFIX).decode(errors="replace"), document)


def _value(value: bytes | None, place: Place) -> Any:
    """The JSON of a field; None, with a complaint, if it is none."""
    if value is None:
        return None
    if len(value) > _VALUE_BYTES_MAX:
        place.refuse(f"too large; at most {_VALUE_BYTES_MAX:,} bytes")
        return None
    try:
        document = parse_json(value)
    except ValueError as error:
        place.refuse(f"{error}; push it again")
        return None
    if document is None:
        place.refuse("null; push it again, or delete the field")
    return document


def _note_strangers(fields: Fields, found: list[DefinitionError]) -> None:
    known = (METRIC_PREFIX, *_NOT_METRICS)
    strangers = sorted(name for name in fields if name != SETTINGS_FIELD and not name.startswith(known))
    if strangers:
        fields_named = f"{len(strangers):,} fields that mean nothing here, such as " if len(strangers) > 1 else ""
        Place(found).refuse(f"{fields_named}{_shown(strangers[0])}; metrics are in metric:ID, settings in settings")


def _shown(name: bytes) -> str:
    text = name.decode(errors="backslashreplace")
    return (text if text.isprintable() else repr(text))[:80]
