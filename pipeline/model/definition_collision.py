"""Owns what running experiments may not share: buckets of their layer, and parameters across layers.

Two that set the same parameter in different layers are fine where nobody can be eligible for both. That is judged by
what `eligible` says of one attribute, equality or `$in`, and not by reasoning about conditions at large.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.model.definition_place import Place, quoted
from pipeline.model.experiment import RUNNING, Epoch, Experiment

_Stretch = tuple[str, str | None, Epoch]  # from, to (None: for good), what is in force


def refuse_collisions(experiment: Experiment, others: Iterable[Experiment], place: Place, since: str | None) -> None:
    """Complains, once per kind, of what an experiment shares with others. since: only what holds from then on matters;
    None: only what is in force in the end.
    """
    if experiment.status != RUNNING:
        return
    running = [other for other in others if other.status == RUNNING and other.id != experiment.id]
    for other in running:
        if other.layer == experiment.layer and _refuse_buckets(experiment, other, place, since):
            break
    for other in running:
        if other.layer != experiment.layer and _refuse_parameters(experiment, other, place):
            break


def _refuse_buckets(one: Experiment, other: Experiment, place: Place, since: str | None) -> bool:
    for start, epoch, other_epoch in _together(one, other, since):
        for variation, (first, end), taker, (taken, taken_end) in _overlaps(epoch, other_epoch):
            when = f" from {start} on" if since is not None and start > since else ""
            place.at("allocation").at(variation).refuse(
                f"[{first}, {end}] overlaps [{taken}, {taken_end}] of layer {one.layer}, which running experiment "
                f"{other.id} has for {taker}{when}; take other buckets, or stop {other.id}"
            )
            return True
    return False


def _together(one: Experiment, other: Experiment, since: str | None) -> Iterator[tuple[str, Epoch, Epoch]]:
    """The epochs of two that are in force at the same time, and from when on."""
    if since is None:
        yield "", one.epoch, other.epoch
        return
    for begun, ended, epoch in _stretches(one, since):
        for other_begun, other_ended, other_epoch in _stretches(other, since):
            start = max(begun, other_begun)
            if (ended is None or start < ended) and (other_ended is None or start < other_ended):
                yield start, epoch, other_epoch


def _stretches(experiment: Experiment, since: str) -> Iterator[_Stretch]:
    ends = [epoch.effective_at for epoch in experiment.epochs[1:]] + [None]
    for epoch, end in zip(experiment.epochs, ends, strict=True):
        begin = max(epoch.effective_at or since, since)
        if end is None or begin < end:
            yield begin, end, epoch


def _overlaps(one: Epoch, other: Epoch) -> Iterator[tuple[str, tuple[int, int], str, tuple[int, int]]]:
    for variation, ranges in one.allocation.items():
        for first, end in ranges:
            for taker, taken_ranges in other.allocation.items():
                for taken, taken_end in taken_ranges:
                    if first < taken_end and taken < end:
                        yield variation, (first, end), taker, (taken, taken_end)


def _refuse_parameters(one: Experiment, other: Experiment, place: Place) -> bool:
    shared = sorted(one.parameters.keys() & other.parameters.keys())
    if not shared or exclusive(one.epoch.eligible, other.epoch.eligible):
        return False
    place.at("parameters").at(shared[0]).refuse(
        f"running experiment {other.id} of layer {other.layer} sets it too, and a unit can be in both; put both into one "
        "layer, or let `eligible` tell them apart by one attribute, such as {country: {$in: [DK]}}"
    )
    return True


def exclusive(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two conditions ask one attribute for values of which none is in both."""
    asked, asked_too = _values(one), _values(other)
    return any(not asked[path] & asked_too[path] for path in asked.keys() & asked_too.keys())


def _values(condition: Mapping[str, Any]) -> dict[str, set[str]]:
    """The values that an attribute must have one of, for the attributes of which that is said outright."""
    found: dict[str, set[str]] = {}
    for path, values in _named_values(condition):
        found[path] = found[path] & values if path in found else values
    return found


def _named_values(condition: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    for path, operand in condition.items():
        if path == "$and":
            for part in operand:
                yield from _named_values(part)
        elif not path.startswith("$"):
            yield from ((path, values) for values in _operand_values(operand))


def _operand_values(operand: Any) -> Iterator[set[str]]:
    if not isinstance(operand, (Mapping, list)):
        yield {_text(operand)}
    elif isinstance(operand, Mapping):
        if "$eq" in operand and not isinstance(operand["$eq"], (Mapping, list)):
            yield {_text(operand["$eq"])}
        if isinstance(operand.get("$in"), list):
            yield {_text(value) for value in operand["$in"]}


def _text(value: Any) -> str:
    """What may be taken for equal has one text: a number and its digits, absent and empty."""
    if value is None or value == "":
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.lower() if isinstance(value, str) else quoted(value)
