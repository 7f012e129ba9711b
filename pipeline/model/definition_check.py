"""Owns the checks of single values in a definition: plain JSON, names, paths and time zones."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.model.definition_digest import canonical_json
from pipeline.model.definition_place import Place, quoted
from pipeline.model.limits import DEFINITION_DEPTH_MAX, PATH_BYTES_MAX, PATH_PARTS_MAX

ID = re.compile(r"[a-z0-9_]{1,64}")
ACCOUNT = re.compile(r"[a-z0-9_-]{1,64}")
COMPLAINTS_MAX = 10  # of one kind at one place
# They follow the machine or count leap seconds: one event would lie in different days on two machines.
_MACHINE_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")
# Integers beyond are read as doubles by one JSON parser and exactly by the next.
_INTEGER_MAX = 2**63 - 1


def named(pattern: re.Pattern[str], value: object) -> bool:
    """Whether a value is an id, or an account's name."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def check_json(value: Any, place: Place, nodes_max: int) -> bool:
    """Whether a value is plain JSON of bounded size and depth; complains once if not.

    The bound on nodes also stops YAML's aliases: a small file can stand for a huge document.
    """
    for nodes, (inner, inner_place, depth) in enumerate(_walk(value, place), 1):
        if nodes > nodes_max:
            place.refuse(f"too large; at most {nodes_max:,} bytes of JSON")
            return False
        if depth > DEFINITION_DEPTH_MAX:
            place.refuse(f"nested too deep; at most {DEFINITION_DEPTH_MAX} levels")
            return False
        complaint = _not_json(inner)
        if complaint:
            inner_place.refuse(complaint)
            return False
    return True


def check_size(document: Mapping[str, Any], place: Place, bytes_max: int) -> bool:
    """Whether a document is plain JSON of at most so many bytes."""
    if not check_json(document, place, bytes_max):
        return False
    size = len(canonical_json(document))
    if size > bytes_max:
        place.refuse(f"{size:,} bytes of JSON; at most {bytes_max:,}")
    return size <= bytes_max


def _walk(value: Any, place: Place) -> Iterator[tuple[Any, Place, int]]:
    ahead = [(value, place, 0)]
    while ahead:
        inner, at, depth = ahead.pop()
        yield inner, at, depth
        if isinstance(inner, Mapping):
            ahead.extend((child, at.at(str(key)), depth + 1) for key, child in inner.items())
        elif isinstance(inner, (list, tuple)):
            ahead.extend((child, at.at(f"[{index}]"), depth + 1) for index, child in enumerate(inner))


def _not_json(value: Any) -> str | None:
    if isinstance(value, str):
        return None if _encodable(value) else "not Unicode text; it holds half a surrogate pair"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is not a number in JSON; leave it out"
    if isinstance(value, int):
        return None if abs(value) <= _INTEGER_MAX else "too large a number; at most 64 bits"
    if isinstance(value, Mapping):
        keys = [key for key in value if not (isinstance(key, str) and _encodable(key))]
        return f"the key {quoted(keys[0])} is not text; put it in quotes" if keys else None
    if value is None or isinstance(value, (list, tuple)):
        return None
    return f"a {type(value).__name__} is not JSON; put the value in quotes to make it text"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_keys(document: Mapping[str, Any], known: Collection[str], place: Place) -> None:
    """Complains about keys that mean nothing here, which are most often misspelt. There may be thousands of them."""
    for key in islice((key for key in document if key not in known), COMPLAINTS_MAX):
        place.at(str(key)).refuse(f"unknown; the keys here are {', '.join(known)}")


def check_path(value: Any, place: Place, missing: str) -> str | None:
    """A dotted path; `missing` is what to say if there is none."""
    if value is None:
        place.refuse(missing)
    elif not isinstance(value, str):
        place.refuse(f"{quoted(value)} is not a path; write text such as properties.total")
    elif not value or not all(value.split(".")) or not value.isprintable():
        place.refuse(f"{quoted(value)} is not a path; write names joined by single dots, such as properties.total")
    elif len(value.encode()) > PATH_BYTES_MAX or value.count(".") >= PATH_PARTS_MAX:
        place.refuse(f"too long; at most {PATH_BYTES_MAX} bytes and {PATH_PARTS_MAX} names")
    else:
        return value
    return None


def check_paths(value: Any, place: Place, count_max: int) -> tuple[str, ...]:
    """A list of distinct paths, in the order written."""
    if not isinstance(value, (list, tuple)):
        place.refuse(f"{quoted(value)} is not a list; write one such as [context.location.country]")
        return ()
    if len(value) > count_max:
        place.refuse(f"{len(value):,} paths; at most {count_max}")
        return ()
    paths: list[str] = []
    for index, item in enumerate(value):
        path = check_path(item, place.at(f"[{index}]"), "empty; name a path")
        if path is not None and path in paths:
            place.at(f"[{index}]").refuse(f"{path} is named twice; leave one out")
        elif path is not None:
            paths.append(path)
    return tuple(paths)


def check_timezone(value: Any, place: Place) -> str | None:
    """The name of a time zone whose rules are the same on every machine."""
    cure = "is not a time zone; write a name of the IANA database, such as Asia/Kolkata"
    if isinstance(value, str) and not value.startswith(_MACHINE_ZONES):
        try:
            return ZoneInfo(value).key
        except (ValueError, OSError, KeyError):
            pass
    place.refuse(f"{quoted(value)} {cure}")
    return None
