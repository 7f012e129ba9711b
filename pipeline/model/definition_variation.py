"""Owns what makes an experiment's parameters, its variations and their buckets valid, each seen by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice, pairwise
from typing import Any

from pipeline.model.definition_check import COMPLAINTS_MAX, check_keys, named
from pipeline.model.definition_place import Place, quoted
from pipeline.model.experiment import PARAMETER_TYPES, Parameter, Ranges, Variation
from pipeline.model.limits import PARAMETERS_PER_EXPERIMENT_MAX, RANGES_PER_EXPERIMENT_MAX, VARIATIONS_PER_EXPERIMENT_MAX

# As events and flags have them, so with capitals, dots and dashes too.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_NAME_CURE = "1 to 64 of letters, digits, _, . and -"
_IS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "json": lambda value: True,
}


def parse_parameters(value: Any, place: Place) -> dict[str, Parameter]:
    """The parameters that an experiment declares, by name."""
    if not _is_object(value, place, "cta: {type: string, default: Join}", PARAMETERS_PER_EXPERIMENT_MAX):
        return {}
    parsed = {name: _parse_parameter(name, declared, place.at(str(name))) for name, declared in value.items()}
    return {name: parameter for name, parameter in sorted(parsed.items()) if parameter is not None}


def parse_variations(value: Any, parameters: Mapping[str, Parameter], place: Place) -> tuple[Variation, ...]:
    """The variations, whose values are of the declared types."""
    if not isinstance(value, (list, tuple)) or not value:
        found = "missing" if value is None else "empty" if value in ([], ()) else f"{quoted(value)} is not a list"
        place.refuse(f"{found}; write one such as [{{id: control}}, {{id: friendly, parameters: {{cta: Count me in!}}}}]")
        return ()
    if len(value) > VARIATIONS_PER_EXPERIMENT_MAX:
        place.refuse(f"{len(value):,} variations; at most {VARIATIONS_PER_EXPERIMENT_MAX}")
        return ()
    variations: dict[str, Variation] = {}
    for index, item in enumerate(value):
        here = place.at(f"[{index}]")
        variation = _parse_variation(item, parameters, here)
        if variation is not None and variation.id in variations:
            here.at("id").refuse(f"{quoted(variation.id)} is there already; ids are unique")
        elif variation is not None:
            variations[variation.id] = variation
    return tuple(variations.values())


def parse_allocation(value: Any, variations: tuple[Variation, ...], buckets: int | None, place: Place) -> dict[str, Ranges]:
    """The buckets of each variation that has some: in order, disjoint, inside the layer (None: of unknown size)."""
    if not _is_object(value, place, "control: [[0, 512]]", VARIATIONS_PER_EXPERIMENT_MAX):
        return {}
    before = len(place.found)
    known = [variation.id for variation in variations]
    for stranger in islice((name for name in value if name not in known), COMPLAINTS_MAX if variations else 0):
        place.at(str(stranger)).refuse(f"there is no such variation; those there are: {', '.join(known)}")
    parsed = {name: _parse_ranges(ranges, buckets, place.at(str(name))) for name, ranges in value.items()}
    if len(place.found) == before:
        _refuse_overlaps(parsed, place)
    return {name: ranges for name, ranges in sorted(parsed.items()) if ranges}


def _is_object(value: Any, place: Place, example: str, count_max: int) -> bool:
    if not isinstance(value, Mapping):
        place.refuse(f"{quoted(value)} is not an object; write one such as {{{example}}}")
        return False
    if len(value) > count_max:
        place.refuse(f"{len(value):,} of them; at most {count_max}")
        return False
    return True


def _parse_parameter(name: Any, declared: Any, place: Place) -> Parameter | None:
    if not named(NAME, name):
        place.refuse(f"not a parameter's name; {_NAME_CURE}")
        return None
    if not isinstance(declared, Mapping):
        place.refuse(f"{quoted(declared)} is not an object; write one such as {{type: string, default: Join}}")
        return None
    check_keys(declared, ("type", "default"), place)
    kind = declared.get("type")
    if not isinstance(kind, str) or kind not in PARAMETER_TYPES:
        found = "missing" if kind is None else f"{quoted(kind)} is not a type"
        place.at("type").refuse(f"{found}; write one of {', '.join(PARAMETER_TYPES)}")
        return None
    if "default" not in declared:
        place.at("default").refuse("missing; write the value that holds outside of the experiment")
        return None
    _check_type(declared["default"], kind, place.at("default"))
    return Parameter(kind, declared["default"])


def _parse_variation(item: Any, parameters: Mapping[str, Parameter], place: Place) -> Variation | None:
    if not isinstance(item, Mapping):
        place.refuse(f"{quoted(item)} is not an object; write one such as {{id: control, parameters: {{}}}}")
        return None
    check_keys(item, ("id", "parameters"), place)
    variation_id, values = item.get("id"), item.get("parameters", {})
    if not named(NAME, variation_id):
        found = "missing" if variation_id is None else f"{quoted(variation_id)} is not an id"
        place.at("id").refuse(f"{found}; {_NAME_CURE}")
        return None
    if not _is_object(values, place.at("parameters"), "cta: Join", PARAMETERS_PER_EXPERIMENT_MAX):
        return None
    for name, value in values.items():
        here = place.at("parameters").at(str(name))
        if name not in parameters:
            here.refuse("not declared; add it to the experiment's parameters, with its type and default")
        else:
            _check_type(value, parameters[name].type, here)
    return Variation(str(variation_id), dict(values))


def _check_type(value: Any, kind: str, place: Place) -> None:
    if not _IS[kind](value):
        place.refuse(f"{quoted(value)} is not of the type {kind}; write a value that is, or change the type")


def _parse_ranges(value: Any, buckets: int | None, place: Place) -> Ranges:
    if not isinstance(value, (list, tuple)):
        place.refuse(f"{quoted(value)} is not a list of ranges; write one such as [[0, 512]]")
        return ()
    if len(value) > RANGES_PER_EXPERIMENT_MAX:
        place.refuse(f"{len(value):,} ranges; at most {RANGES_PER_EXPERIMENT_MAX}")
        return ()
    parsed = (_parse_range(item, buckets, place.at(f"[{index}]")) for index, item in enumerate(value))
    return tuple(sorted(range_ for range_ in parsed if range_ is not None))


def _parse_range(item: Any, buckets: int | None, place: Place) -> tuple[int, int] | None:
    if not isinstance(item, (list, tuple)) or len(item) != 2 or not all(type(end) is int for end in item):
        place.refuse(f"{quoted(item)} is not a range; write the first bucket and the one after the last, such as [0, 512]")
        return None
    first, end = item
    if not 0 <= first < end:
        place.refuse(f"[{quoted(first)}, {quoted(end)}] holds no bucket; write the first and the one after the last")
        return None
    if buckets is not None and end > buckets:
        place.refuse(f"[{quoted(first)}, {quoted(end)}] leaves the layer, whose buckets are 0 to {buckets - 1}")
        return None
    return first, end


def _refuse_overlaps(parsed: Mapping[str, Ranges], place: Place) -> None:
    taken = sorted((first, end, name) for name, ranges in parsed.items() for first, end in ranges)
    for (first, end, name), (next_first, next_end, next_name) in pairwise(taken):
        if next_first < end:
            whose = f"{name}'s" if next_name != name else "another range of its own,"
            place.at(next_name).refuse(
                f"[{next_first}, {next_end}] overlaps {whose} [{first}, {end}]; a bucket belongs to one variation"
            )
            return
