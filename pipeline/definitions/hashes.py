"""Owns the form of definitions in Redis: one hash per account, one field per metric, layer and experiment.

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
from pipeline.model.definition_trials import WrittenTrials
from pipeline.model.limits import (
    EXPERIMENTS_PER_ACCOUNT_MAX,
    LAYERS_PER_ACCOUNT_MAX,
    METRICS_PER_ACCOUNT_MAX,
    SETTINGS_BYTES_MAX,
)

Fields = Mapping[bytes, bytes]

KEY_PREFIX = "definitions:"
SETTINGS_FIELD = b"settings"
METRIC_PREFIX = b"metric:"
LAYER_PREFIX = b"layer:"
EXPERIMENT_PREFIX = b"experiment:"
EPOCHS_PREFIX = b"epochs:"
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


def layer_field(layer_id: str) -> bytes:
    """The field of a layer."""
    return LAYER_PREFIX + layer_id.encode()


def experiment_field(experiment_id: str) -> bytes:
    """The field of an experiment, with its epochs."""
    return EXPERIMENT_PREFIX + experiment_id.encode()


def epochs_field(experiment_id: str) -> bytes:
    """The field of what stays of an experiment that was deleted: its epochs."""
    return EPOCHS_PREFIX + experiment_id.encode()


def to_value(document: Mapping[str, Any]) -> bytes:
    """A document as the value of a field."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def fields_digest(fields: Fields) -> str:
    """Equal for hashes that mean the same definitions; what stays of deleted ones doesn't matter."""
    relevant = sorted(item for item in fields.items() if not item[0].startswith(EPOCHS_PREFIX))
    return digest_of_bytes(b"".join(len(part).to_bytes(8, "big") + part for item in relevant for part in item))


def read_hash(account: str, fields: Fields) -> AccountDefinitions:
    """An account's definitions as far as they are valid."""
    found: list[DefinitionError] = []
    settings = _value(fields.get(SETTINGS_FIELD), Place(found, path="settings"))
    metrics = list(_written(fields, METRIC_PREFIX, METRICS_PER_ACCOUNT_MAX, found))
    trials = WrittenTrials(
        list(_written(fields, LAYER_PREFIX, LAYERS_PER_ACCOUNT_MAX, found)),
        list(_written(fields, EXPERIMENT_PREFIX, EXPERIMENTS_PER_ACCOUNT_MAX, found)),
    )
    _note_strangers(fields, found)
    return assemble_account(account, settings, metrics, LENIENT, found, trials)[0]


def _written(fields: Fields, prefix: bytes, count_max: int, found: list[DefinitionError]) -> Iterator[Written]:
    names = sorted(name for name in fields if name.startswith(prefix))
    if len(names) > count_max:
        kind = prefix.decode().rstrip(":")
        Place(found).refuse(f"{len(names):,} {kind}s; the first {count_max:,} by id are counted")
    for name in names[:count_max]:
        label = _shown(name)
        document = _value(fields[name], Place(found, label))
        if document is not None:
            yield Written(label, name.removeprefix(prefix).decode(errors="replace"), document)


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
    known = (METRIC_PREFIX, LAYER_PREFIX, EXPERIMENT_PREFIX, EPOCHS_PREFIX)
    strangers = sorted(name for name in fields if name != SETTINGS_FIELD and not name.startswith(known))
    if strangers:
        fields_named = f"{len(strangers):,} fields that mean nothing here, such as " if len(strangers) > 1 else ""
        Place(found).refuse(f"{fields_named}{_shown(strangers[0])}; metrics are in metric:ID, settings in settings")


def _shown(name: bytes) -> str:
    text = name.decode(errors="backslashreplace")
    return (text if text.isprintable() else repr(text))[:80]
