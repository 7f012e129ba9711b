"""Owns the reading of definitions as text: YAML and JSON in, plain documents out. What they mean is judged elsewhere.

Unquoted words of YAML are read as JSON reads them: `true`, `false`, `null` and numbers are what they look like, the
rest is text. So `no` (Norway), `on`, `2026-10-01` and `12:30` stay what was written, as in YAML 1.2.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pipeline.definitions.nesting import check_events
from pipeline.model.definition_place import quoted
from pipeline.model.errors import UsageError
from pipeline.model.limits import DEFINITIONS_FILE_BYTES_MAX

_TAG = "tag:yaml.org,2002:"
_TRUTH = re.compile(r"true|True|TRUE|false|False|FALSE")
_NOTHING = re.compile(r"~|null|Null|NULL|")
# No leading zeros: PyYAML would read them as octal, and they are most often an identifier.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|(0|[1-9][0-9]*)[eE][-+]?[0-9]+)")
_DIGITS = "-+0123456789"
# Beyond it Python refuses to read or write a number, or takes quadratic time; what a definition may hold is far smaller.
_NUMBER_CHARS_MAX = 400
_TOO_LARGE = "too large a number; at most 64 bits"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain words as JSON has them; keys are distinct texts. No merge keys: they multiply without bound."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own interface)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {quoted(key)} is not text; put it in quotes", key_node.start_mark
                )
            if key in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {quoted(key)} is written twice; leave one out", key_node.start_mark
                )
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > _NUMBER_CHARS_MAX:
            raise yaml.constructor.ConstructorError(None, None, _TOO_LARGE, node.start_mark)
        return int(node.value)


_Loader.add_constructor(f"{_TAG}int", _Loader.construct_yaml_int)


class _Dumper(yaml.SafeDumper):
    """Quotes what any reader of YAML, this one included, would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # Only double quotes escape line breaks of Unicode, which the other styles fold into spaces.
        return self.represent_scalar(f"{_TAG}str", data, style=None if data.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


for _tag, _pattern, _first in (
    ("bool", _TRUTH, "tTfF"),
    ("null", _NOTHING, "~nN"),
    ("int", _INTEGER, _DIGITS),
    ("float", _DECIMAL, _DIGITS + "."),
):
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + _tag, _whole, [*_first, *([""] if _tag == "null" else [])])
    _Dumper.add_implicit_resolver(_TAG + _tag, _whole, [*_first])


def read_file(path: str) -> list[Any]:
    """The documents of a YAML or JSON file (`-`: standard input); a list at the top stands for its items."""
    text = _read_text(path)
    try:
        documents = [parse_json(text)] if path.endswith(".json") else _parse_yaml(text)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    flat = [item for document in documents for item in (document if isinstance(document, list) else [document])]
    written = [item for item in flat if item is not None]
    if not written:
        raise UsageError(f"{path}: it holds no definitions; write account:, settings: and metrics:")
    return written


def parse_json(text: str | bytes) -> Any:
    """JSON without its traps: repeated keys, NaN and endless nesting are a ValueError that says so in a line."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")  # else `json` would take UTF-16 too
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except UnicodeDecodeError:
        raise ValueError("not JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def to_yaml(document: Any) -> str:
    """A document as YAML, keys in the order they have."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _read_text(path: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(DEFINITIONS_FILE_BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(DEFINITIONS_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; name one that holds definitions") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > DEFINITIONS_FILE_BYTES_MAX:
        raise UsageError(f"{path}: too large; at most {DEFINITIONS_FILE_BYTES_MAX:,} bytes, so split it by account")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text at byte {error.start:,}; save it as UTF-8") from None


def _parse_yaml(text: str) -> list[Any]:
    try:
        check_events(yaml.parse(text, Loader=_Loader))
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}{error.problem or error.context or 'not YAML'}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {quoted(twice)} is written twice; leave one out")
    return mapping


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON; leave it out")


def _whole_number(digits: str) -> int:
    if len(digits) > _NUMBER_CHARS_MAX:
        raise ValueError(_TOO_LARGE)
    return int(digits)
