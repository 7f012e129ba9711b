"""Owns which epochs an experiment may have been stored with. What opens one is `pipeline.definitions`'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.model.definition_check import check_size
from pipeline.model.definition_digest import canonical_json
from pipeline.model.definition_place import Place, quoted
from pipeline.model.experiment import Epoch
from pipeline.model.limits import EPOCHS_BYTES_MAX, EPOCHS_PER_EXPERIMENT_MAX
from pipeline.model.moment import parse_moment

_CURE = "push the experiment again after deleting this field"
_CHANGED = "the last one is not what the experiment says, so it was changed past us; push it instead"


def same_epoch(one: Epoch, other: Epoch) -> bool:
    """Whether two say the same of who gets what, whatever their numbers and times."""
    return canonical_json(_content(one)) == canonical_json(_content(other))


def parse_epochs(value: Any, latest: Epoch, place: Place) -> tuple[Epoch, ...]:
    """The epochs as they were stored, the last of which is the definition's own; complains about any others."""
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= EPOCHS_PER_EXPERIMENT_MAX:
        place.refuse(f"{quoted(value)} is not a list of 1 to {EPOCHS_PER_EXPERIMENT_MAX} epochs; {_CURE}")
        return (latest,)
    if not check_size({"epochs": value}, place, EPOCHS_BYTES_MAX):
        return (latest,)
    epochs: list[Epoch] = []
    for index, item in enumerate(value):
        epoch = _parse_epoch(item)
        if epoch is None or not _follows(epoch, epochs[-1] if epochs else None):
            place.at(f"[{index}]").refuse(f"not epoch {index + 1}, as it would be stored; {_CURE}")
            return (latest,)
        epochs.append(epoch)
    if not same_epoch(epochs[-1], latest):
        place.refuse(_CHANGED)
    return tuple(epochs)


def _parse_epoch(item: Any) -> Epoch | None:
    try:
        epoch = Epoch.of(item)
        ranges = [range_ for ranges in epoch.allocation.values() for range_ in ranges]
        sound = isinstance(epoch.eligible, Mapping) and all(isinstance(v.parameters, Mapping) for v in epoch.variations)
        named = {v.id for v in epoch.variations}
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    if not sound or not epoch.allocation.keys() <= named or not all(0 <= first < end for first, end in ranges):
        return None
    if epoch.effective_at is None:
        return epoch
    moment = parse_moment(epoch.effective_at)
    return None if moment is None else replace(epoch, effective_at=moment)


def _follows(epoch: Epoch, before: Epoch | None) -> bool:
    if before is None:
        return epoch.number == 1 and epoch.effective_at is None
    earliest = before.effective_at or ""
    return epoch.number == before.number + 1 and epoch.effective_at is not None and epoch.effective_at >= earliest


def _content(epoch: Epoch) -> dict[str, Any]:
    document = epoch.document()
    variations = sorted(document["variations"], key=lambda variation: str(variation["id"]))
    allocation = {name: sorted(ranges) for name, ranges in document["allocation"].items() if ranges}
    return {"variations": variations, "allocation": allocation, "eligible": document["eligible"]}
