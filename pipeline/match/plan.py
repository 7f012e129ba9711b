"""An account's metrics as generated code: for each set of metrics that an event's name leaves possible, one function.

Conditions come as terms (see `terms`): bit t of a mask stands for the t-th term of all metrics. A generated function
looks up what the event's values leave of its terms and lays what is left on the tray as a combo. Generated text holds
only our own names and integers; whatever a client wrote is reached through the function's namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline.decode.shape import Path, Shape
from pipeline.match.code import CompiledTexts, Match, MatchCode
from pipeline.match.masks import PathMasks
from pipeline.match.memos import Memos
from pipeline.match.node import Clause, Node, node_test
from pipeline.match.parsed import ParsedConditions
from pipeline.match.path import value_at
from pipeline.match.tray import Tray
from pipeline.model.definition import AccountDefinitions
from pipeline.model.event import EVENT
from pipeline.model.hit import Kind, Series
from pipeline.model.judged import Judged

# Made per set of definitions, one for each set of metrics that some name leaves possible. Patterns on names can make a set
# for every name, and names come from whoever sends events; all further names share one function.
FUNCTIONS_MAX = 1_000
_EVENT_PATH = (EVENT,)
_OBJECTS = ("properties", "context")  # by the Segment spec; anything else may be an array


def paths_of(definitions: AccountDefinitions, parsed: ParsedConditions) -> set[Path]:
    """Every path that judging an account's events reads: of conditions, breakdowns, fields, and the visitor's."""
    metrics = [*definitions.metrics.values(), *definitions.exposures]
    dotted = {b for metric in metrics for b in metric.breakdowns} | set(definitions.settings.visitor)
    fields = {_adding_path(split_path(m.field)) for metric in metrics for m in metric.measures if m.field}
    return fields.union((split_path(d) for d in dotted), *(parsed.of(metric).paths for metric in metrics))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all functions of one snapshot have in common."""

    shape: Shape
    parsed: ParsedConditions
    tray: Tray = field(default_factory=Tray)
    texts: CompiledTexts = field(default_factory=CompiledTexts)
    memos: Memos = field(default_factory=Memos)


class Functions:
    """The functions of one set of definitions, whatever account has it. `known` maps event names seen so far to theirs
    (None: nothing can match).
    """

    def __init__(self, judged: Judged, around: Surroundings) -> None:
        self.known: dict[str | None, Match | None] = {}
        self._judged = judged
        self._around = around
        self._by_mask: dict[int, Match] = {}
        self._terms: list[tuple[int, tuple[Clause, ...]]] = []  # (metric, clauses); a term's index is its bit
        self._opaque: dict[int, Node] = {}  # terms that stand for a condition too large to cut into terms
        conditions = [around.parsed.of(m.metric) for m in judged.metrics[:-1]]  # the builtin has none
        for metric, condition in enumerate(conditions):
            if condition.terms is None:
                self._opaque[len(self._terms)] = condition.node
            self._terms.extend((metric, term) for term in (((),) if condition.terms is None else condition.terms))
        self._names = NameMasks(self._terms)

    def learn(self, name: Any) -> Match | None:
        """The function for events of this name (any JSON value); remembered where the name is a text or absent."""
        alive = self._names.alive(name)
        match = self._compiled(alive) if alive else None
        if name is None or isinstance(name, str):
            self._around.memos.put(self.known, name, match)
        return match

    def _compiled(self, alive: int) -> Match:
        match = self._by_mask.get(alive)
        if match is None and len(self._by_mask) < FUNCTIONS_MAX:
            match = self._by_mask[alive] = self._compile(alive)
        return match or self._of_any_name

    @cached_property
    def _of_any_name(self) -> Match:
        return self._compile((1 << len(self._terms)) - 1, ask_name=True)

    def _compile(self, alive: int, ask_name: bool = False) -> Match:
        """One function for the terms in `alive`. ask_name: whether it is for events of any name, and looks at it."""
        bits = [b for b in range(len(self._terms)) if alive >> b & 1]
        metrics = sorted({self._terms[b][0] for b in bits})
        by_path: dict[Path, list[tuple[Clause, int]]] = {}
        for b in bits:
            for clause in self._terms[b][1]:
                if ask_name or clause.path != _EVENT_PATH:
                    by_path.setdefault(clause.path, []).append((clause, 1 << b))
        code = MatchCode(self._around.shape, self._around.tray, self._around.texts)
        code.start(alive)
        for path, clauses in by_path.items():
            code.narrow(path, PathMasks(alive, clauses, self._around.memos))
        opaque = {b: node for b, node in self._opaque.items() if alive >> b & 1}
        if opaque:
            code.check(lambda event, mask: self._check(opaque, event, mask))
        forms = self._judged.metrics
        breakdowns = sorted({b for m in metrics for b in forms[m].metric.breakdowns})
        fields = tuple(sorted({f for m in metrics for f in forms[m].fields}))
        with_fields = self._bits(bits, lambda m: bool(forms[m].fields))
        code.intern(
            self._bits(bits, lambda m: bool(forms[m].metric.breakdowns)),
            [split_path(b) for b in breakdowns],
            lambda mask, values: self._kind(mask, dict(zip(breakdowns, values, strict=True)), fields, with_fields),
        )
        code.lay_values(with_fields, [split_path(self._judged.fields[f]) for f in fields])
        code.lay_visitor([split_path(v) for v in self._judged.definitions.settings.visitor])
        return code.compile()

    def _bits(self, bits: list[int], wanted: Callable[[int], bool]) -> int:
        return sum(1 << b for b in bits if wanted(self._terms[b][0]))

    def _check(self, opaque: dict[int, Node], event: Any, mask: int) -> int:
        for b, node in opaque.items():
            if mask >> b & 1 and not node_test(node, lambda path: read_leaf(self._around.shape, event, path)):
                mask &= ~(1 << b)
        return mask

    def _kind(self, mask: int, values: dict[str, str], fields: tuple[int, ...], with_fields: int) -> Kind:
        """The kind of these terms and breakdown values (empty when none of the terms has a breakdown)."""
        metrics = sorted({m for b, (m, _) in enumerate(self._terms) if mask >> b & 1})
        series: list[Series] = []
        for m in metrics:
            series.append(Series(m, 0, ""))
            series.extend(Series(m, i, values[b]) for i, b in enumerate(self._judged.metrics[m].metric.breakdowns, 1))
        valued = any(self._judged.metrics[m].valued for m in metrics)
        carried = fields if mask & with_fields else ()
        return Kind(carried, valued, tuple(series))


class NameMasks:
    """Which terms an event's name leaves possible. Clauses that ask for certain names are looked up by name."""

    def __init__(self, terms: Sequence[tuple[int, tuple[Clause, ...]]]) -> None:
        self._always = 0
        self._by_name: dict[str, int] = {}
        self._others: list[tuple[int, list[Clause]]] = []
        for bit, (_, clauses) in enumerate(terms):
            mine = [clause for clause in clauses if clause.path == _EVENT_PATH]
            if not mine:
                self._always |= 1 << bit
            elif len(mine) == 1 and mine[0].strings is not None:
                for name in mine[0].strings:
                    self._by_name[name] = self._by_name.get(name, 0) | 1 << bit
                self._others.append((1 << bit, mine))
            else:
                self._others.append((1 << bit, mine))
        self._unnamed = [(bit, mine) for bit, mine in self._others if len(mine) > 1 or mine[0].strings is None]

    def alive(self, name: Any) -> int:
        """The bits of the terms that events of this name (any JSON value) may still match."""
        is_text = name.__class__ is str
        alive = self._always | (self._by_name.get(name, 0) if is_text else 0)
        for bit, clauses in self._unnamed if is_text else self._others:
            if all(clause.test(name) for clause in clauses):
                alive |= bit
        return alive


def split_path(dotted: str) -> Path:
    """A dotted path's parts."""
    return tuple(dotted.split("."))


def _adding_path(path: Path) -> Path:
    """How far a field's path surely leads through objects. Behind that an array may come, which is added up."""
    return path[: 2 if path[0] in _OBJECTS else 1]


def read_leaf(shape: Shape, event: Any, path: Path) -> Any:
    """The value at a path of an event struct, the obvious way."""
    leaf = shape.leaf(path)
    for attribute in leaf.attributes:
        event = None if event is None else getattr(event, attribute)
    return value_at(event, leaf.rest)
