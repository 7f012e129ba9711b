"""The README as data: its sections, fenced blocks and tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tests.support.tree import ROOT

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^    (daycount .*)$", re.MULTILINE)
_INLINE = re.compile(r"`(daycount [^`]*)`")


class Block(NamedTuple):
    """A fenced block: what it is said to be, and its text."""

    kind: str
    text: str


def readme() -> str:
    return (ROOT / "README.md").read_text()


def blocks() -> list[Block]:
    """All fenced blocks, in order."""
    return [Block(*found) for found in _FENCED.findall(readme())]


def tree_lines() -> Iterator[tuple[str, str]]:
    """The tree's entries: the folder they are in ("" at the top), and their name."""
    folder = ""
    for line in next(b.text for b in blocks() if b.kind == "tree").splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name
            yield "", name
        else:
            yield folder, name


def commands() -> list[list[str]]:
    """Every command line of `daycount` in it, as words."""
    text = _FENCED.sub("", readme())
    found = [line for b in blocks() if b.kind == "sh" for line in b.text.splitlines() if line.startswith("daycount ")]
    return [shlex.split(line) for line in [*found, *_INDENTED.findall(text), *_INLINE.findall(text)]]
