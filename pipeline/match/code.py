"""Writes the text of one match function. Knows the order of its steps and nothing of what clients wrote.

The function's variables: `e` the event struct, `r` its row, `a` the account, `m` the mask of terms still possible.
Paths share what they have in common: a nested struct is read once. Accounts with equal definitions share their functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, Protocol

from pipeline.decode.number import sum_through
from pipeline.decode.shape import Path, Shape
from pipeline.match.masks import PathMasks
from pipeline.match.path import value_at
from pipeline.match.tray import Tray
from pipeline.model.event import BREAKDOWN_VALUE_BYTES_MAX, MESSAGE_ID, breakdown_value, scalar_text
from pipeline.model.hit import Kind

Match = Callable[[Any, int, "Counted"], None]  # (event struct, row, account)
TEXTS_MAX = 10_000  # compiled texts remembered
KINDS_MAX = 10_000  # remembered per function from one block to the next; forgotten all at once
_SHORT = BREAKDOWN_VALUE_BYTES_MAX // 4  # a text of so many characters is surely within the bound of bytes


class Counted(Protocol):
    """The account that a function's events are of."""

    index: int  # in the snapshot
    visitors: dict[str, int]  # hashes that are known

    def hash_visitor(self, visitor: str) -> int: ...


class CompiledTexts:
    """Code by its text. Functions of the same shape, of whatever account, have the same text: compiling is what costs."""

    def __init__(self) -> None:
        self._codes: dict[str, CodeType] = {}

    def code(self, text: str) -> CodeType:
        """The compiled text."""
        code = self._codes.get(text)
        if code is None:
            if len(self._codes) >= TEXTS_MAX:
                self._codes.clear()
            code = self._codes[text] = compile(text, "<match>", "exec")
        return code


class MatchCode:
    """Steps are called in the order of the function: start, narrow..., check, intern, lay_values, lay_visitor, compile."""

    def __init__(self, shape: Shape, tray: Tray, compiled: CompiledTexts) -> None:
        self._shape = shape
        self._compiled = compiled
        self._tray = tray
        self._lines: list[str] = []
        self._names: dict[str, Any] = {"walk": value_at, "label": breakdown_value, "scalar": scalar_text}
        self._read: set[str] = set()

    def start(self, mask: int) -> None:
        """Every term in `mask` is possible."""
        self._lines.append(f"m = {mask}")

    def narrow(self, path: Path, masks: PathMasks) -> None:
        """Keep the terms that the value at `path` allows; stop where none is left. Not looked at where none asks."""
        with self._branch(f"if m & {masks.asking}:"):
            value = self._value(path)
            get, text, other = self._name(masks.texts.get), self._name(masks.of_text), self._name(masks.of_other)
            self._lines += [
                f"if {value}.__class__ is str:",
                f"    b = {get}({value})",
                f"    m &= {text}({value}) if b is None else b",
                f"elif {value} is None: m &= {masks.none}",
                "else:",
                f"    m &= {other}({value})",
                "if not m: return",
            ]

    def check(self, check: Callable[[Any, int], int]) -> None:
        """Clear the bits of conditions that are evaluated as a whole."""
        self._lines += [f"m = {self._name(check)}(e, m)", "if not m: return"]

    def intern(self, with_breakdowns: int, breakdowns: list[Path], kind_of: Callable[[int, list[str]], Kind]) -> None:
        """Find the kind's number in the block. with_breakdowns: bits of the terms whose metrics have breakdowns; kind_of: of
        a mask and the values.
        """
        made: dict[Any, Kind] = {}  # so far
        numbers: dict[Any, int] = {}  # in this block
        kinds, forget = self._tray.kinds, self._tray.forget

        def number(key: Any) -> int:
            kind = made.get(key)
            if kind is None:
                mask, values = (key[0], list(key[1:])) if isinstance(key, tuple) else (key, [""] * len(breakdowns))
                if len(made) >= KINDS_MAX:
                    made.clear()
                kind = made[key] = kind_of(mask, values)
            if not numbers:
                forget.append(numbers.clear)
            kinds.append(kind)
            numbers[key] = len(kinds) - 1
            return len(kinds) - 1

        self._lines.append("k = m")
        if breakdowns:
            with self._branch(f"if m & {with_breakdowns}:"):
                keys = [self._breakdown(path) for path in breakdowns]
                self._lines.append(f"k = (k, {', '.join(keys)})")
        self._lines += [f"c = {self._name(numbers.get)}(k)", f"if c is None: c = {self._name(number)}(k)"]

    def _breakdown(self, path: Path) -> str:
        value = self._value(path)
        key = f"k_{value}"
        self._lines += [
            f"{key} = {value}",
            f"if {key}.__class__ is not str or not 0 < len({key}) <= {_SHORT}: {key} = label({key})",
        ]
        return key

    def lay_values(self, with_fields: int, fields: list[Path]) -> None:
        """Lay down the numbers of the fields, in order, where a matched metric sums any."""
        if not fields:
            return
        lay = self._name(self._tray.values.append)
        with self._branch(f"if m & {with_fields}:"):
            for path in fields:
                value, rest = self._attribute(path)
                number = f"{value} if {value}.__class__ is float or {value}.__class__ is int else None"
                self._lines.append(f"{lay}({self._name(_through(rest))}({value}))" if rest else f"{lay}({number})")

    @contextmanager
    def _branch(self, condition: str) -> Iterator[None]:
        """Indent what is written meanwhile; what is read there is not known behind it."""
        self._lines.append(condition)
        begin, read = len(self._lines), set(self._read)
        yield
        self._lines[begin:] = [f"    {line}" for line in self._lines[begin:]]
        self._read = read

    def lay_visitor(self, paths: list[Path]) -> None:
        """Lay down the hit: its row, account, kind, message id and the visitor's hash (0: none)."""
        self._visitor_text(paths)
        self._lines += [
            "if w is None: h = 0",
            "else:",
            "    h = a.visitors.get(w)",
            "    if h is None: h = a.hash_visitor(w)",
            f"i = e.{MESSAGE_ID}",
            "if i.__class__ is not str or not i: i = scalar(i)",
        ]
        for part, variable in (("rows", "r"), ("account", "a.index"), ("kind", "c"), ("visitor", "h"), ("message", "i")):
            self._lines.append(f"{self._name(getattr(self._tray, part).append)}({variable})")

    def _visitor_text(self, paths: list[Path]) -> None:
        """The first of the paths that is not empty, as text in `w`."""
        value = self._value(paths[0])
        self._lines += [f"w = {value}", "if w.__class__ is not str or not w: w = scalar(w)"]
        if len(paths) > 1:
            with self._branch("if w is None:"):
                self._visitor_text(paths[1:])

    def compile(self) -> Match:
        """The function."""
        text = "def match(e, r, a):\n" + "\n".join(f"    {line}" for line in self._lines)
        namespace = dict(self._names)
        exec(self._compiled.code(text), namespace)
        match: Match = namespace["match"]
        return match

    def _name(self, thing: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = thing
        return name

    def _value(self, path: Path) -> str:
        """A variable that holds the value at `path`."""
        variable, rest = self._attribute(path)
        if not rest:
            return variable
        parts = self._name(rest)
        walked = f"{variable}_{parts}"
        self._lines.append(f"{walked} = None if {variable} is None else walk({variable}, {parts})")
        return walked

    def _attribute(self, path: Path) -> tuple[str, Path]:
        """A variable that holds the struct's attribute on the way to `path`, and what is left to walk."""
        leaf = self._shape.leaf(path)
        variable = "e"
        for attribute in leaf.attributes:
            inner = f"{variable}_{attribute}"
            if inner not in self._read:
                reach = f"{variable}.{attribute}"
                self._lines.append(f"{inner} = {reach if variable == 'e' else f'None if {variable} is None else {reach}'}")
                self._read.add(inner)
            variable = inner
        return variable, leaf.rest


def _through(rest: Path) -> Callable[[Any], object]:
    """The number at `rest` below a value: as it is where the way holds objects only, else added up over the arrays."""

    def number(value: Any) -> object:
        for i, part in enumerate(rest):
            if not isinstance(value, dict):
                return sum_through(value, rest[i:]) if isinstance(value, list) else None
            value = value.get(part)
        return value if value.__class__ is float or value.__class__ is int else None

    return number
