"""Conditions parsed once per metric revision, whatever accounts and snapshots they come in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.decode.shape import Path
from pipeline.match.node import Clause, Node, clauses_of
from pipeline.match.parse import parse_condition
from pipeline.match.terms import to_terms
from pipeline.model.definition import Metric


class Parsed(NamedTuple):
    """One condition. `terms`: None where it is too large to be cut into terms; `paths`: those it reads."""

    node: Node
    terms: tuple[tuple[Clause, ...], ...] | None
    paths: frozenset[Path]


class ParsedConditions:
    """Parsed conditions by revision, which is a digest of the condition and the groups it names."""

    def __init__(self) -> None:
        self._parsed: dict[str, Parsed] = {}

    def of(self, metric: Metric) -> Parsed:
        """A metric's condition."""
        parsed = self._parsed.get(metric.revision)
        if parsed is None:
            node = parse_condition(metric.where, metric.groups)
            terms = to_terms(node)
            parsed = Parsed(node, terms, frozenset(clause.path for clause in clauses_of(node)))
            self._parsed[metric.revision] = parsed
        return parsed

    def keep(self, revisions: Iterable[str]) -> None:
        """Forget all others."""
        kept = set(revisions)
        self._parsed = {revision: parsed for revision, parsed in self._parsed.items() if revision in kept}
