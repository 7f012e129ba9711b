"""Owns what makes an account's settings valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.model.definition import Groups, Settings
from pipeline.model.definition_check import COMPLAINTS_MAX, check_keys, check_paths, check_size, check_timezone
from pipeline.model.definition_place import Place, Rules, quoted
from pipeline.model.limits import (
    FANOUT_MAX,
    GROUP_NAME_CHARS_MAX,
    SETTINGS_BYTES_MAX,
    VISITOR_PATHS_MAX,
)

_DEFAULT = Settings()
_KEYS = ("timezone", "visitor", "fanout", "groups")


def parse_settings(document: Any, place: Place, rules: Rules) -> Settings:
    """An account's settings; what is not written, or is complained about, has its default."""
    if document is None:
        return Settings()
    if not isinstance(document, Mapping):
        place.refuse(f"{quoted(document)} is not an object; write keys such as timezone: Asia/Kolkata")
        return Settings()
    if not check_size(document, place, SETTINGS_BYTES_MAX):
        return Settings()
    if rules.strict:
        check_keys(document, _KEYS, place)
    return Settings(
        timezone=check_timezone(document.get("timezone", _DEFAULT.timezone), place.at("timezone")) or _DEFAULT.timezone,
        visitor=_parse_visitor(document.get("visitor", _DEFAULT.visitor), place.at("visitor")),
        fanout=_parse_fanout(document.get("fanout", _DEFAULT.fanout), place.at("fanout")),
        groups=_parse_groups(document.get("groups", {}), place.at("groups")),
    )


def _parse_visitor(value: Any, place: Place) -> tuple[str, ...]:
    if isinstance(value, str) or value in (None, [], ()):
        place.refuse(f"{quoted(value)} is not a list of paths; write one such as [anonymousId, userId]")
        return ()
    return check_paths(value, place, VISITOR_PATHS_MAX)


def _parse_fanout(value: Any, place: Place) -> int:
    if type(value) is not int or not 1 <= value <= FANOUT_MAX:
        place.refuse(f"{quoted(value)} is not a fanout; write a whole number from 1 to {FANOUT_MAX:,}")
        return _DEFAULT.fanout
    return value


def _parse_groups(value: Any, place: Place) -> Groups:
    if not isinstance(value, Mapping):
        place.refuse(f"{quoted(value)} is not an object; write groups such as {{vip: [u1, u2]}}")
        return {}
    groups: Groups = {}
    complaints_max = len(place.found) + COMPLAINTS_MAX
    for name, members in value.items():
        if len(place.found) == complaints_max:
            break
        if not name or len(name) > GROUP_NAME_CHARS_MAX:
            place.at(name).refuse(f"not a group's name; 1 to {GROUP_NAME_CHARS_MAX} characters")
        elif not isinstance(members, (list, tuple)):
            place.at(name).refuse(f"{quoted(members)} is not a list; write one such as [u1, u2]")
        elif not all(isinstance(member, (str, int, float)) for member in members):
            place.at(name).refuse("a member is neither text, a number nor a boolean; leave it out")
        else:
            groups[name] = list(members)
    return groups
