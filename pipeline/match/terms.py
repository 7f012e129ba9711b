"""A condition as alternatives of clauses (disjunctive normal form), so that many conditions can share their clauses.

Owns the rewriting and its bound; how terms are evaluated for many metrics at once is the plan's business.
"""

from __future__ import annotations

from typing import TypeAlias

from pipeline.match.node import AllOf, Clause, Node

Term: TypeAlias = tuple[Clause, ...]
TERMS_MAX = 64


def to_terms(node: Node, terms_max: int = TERMS_MAX) -> tuple[Term, ...] | None:
    """The condition holds when all clauses of at least one term do. `()` is never, `((),)` always.

    None when there would be more than `terms_max` terms, in the result or on the way to it: evaluate the tree instead.
    """
    if isinstance(node, Clause):
        return ((node,),)
    if isinstance(node, AllOf):
        return _product(node.children, terms_max)
    terms: tuple[Term, ...] = ()
    for child in node.children:
        more = to_terms(child, terms_max)
        if more is None:
            return None
        terms = _without_implied(terms + more)
        if len(terms) > terms_max:
            return None
    return terms


def _product(children: tuple[Node, ...], terms_max: int) -> tuple[Term, ...] | None:
    terms: tuple[Term, ...] = ((),)
    for child in children:
        more = to_terms(child, terms_max)
        if more is None:
            return None
        joined = (_join(left, right) for left in terms for right in more)
        terms = _without_implied(tuple(term for term in joined if term is not None))
        if len(terms) > terms_max:
            return None
    return terms


def _join(left: Term, right: Term) -> Term | None:
    """Both at once, each clause once; None when a clause and its complement meet."""
    clauses = tuple(dict.fromkeys(left + right))
    met = set(clauses)
    return None if any(clause.negated and clause.negate() in met for clause in right + left) else clauses


def _without_implied(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Without the terms that ask for more than another one does: they hold only when that holds."""
    kept: list[tuple[frozenset[Clause], Term]] = []
    for term in sorted(dict.fromkeys(terms), key=len):
        clauses = frozenset(term)
        if not any(smaller <= clauses for smaller, _ in kept):
            kept.append((clauses, term))
    return tuple(term for _, term in kept)
