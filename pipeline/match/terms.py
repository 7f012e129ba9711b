"""A condition as alternatives of clauses (disjunctive normal form), so that many conditions can share their clauses.

Owns the rewriting and its bound; how terms are evaluated for many metrics at once is the plan's business.
"""

from __future__ import annotations

from typing import TypeAlias

from pipeline.match.node import AllOf, Clause, Node

Term: TypeAlias = tuple[Clause, ...]
TERMS_MAX = 64
_PAIRS_PER_TERM_MAX = 8  # a product mostly shrinks by less: more would be work for nothing


def to_terms(node: Node, terms_max: int = TERMS_MAX) -> tuple[Term, ...] | None:
    """The condition holds when all clauses of at least one term do. `()` is never, `((),)` always.

    None when there would be more than `terms_max` terms, in the result or on the way to it: evaluate the tree instead.
    """
    try:
        return _terms(node, terms_max)
    except _TooManyTerms:
        return None


class _TooManyTerms(Exception):
    pass


def _terms(node: Node, terms_max: int) -> tuple[Term, ...]:
    if isinstance(node, Clause):
        return ((node,),)
    return (_product if isinstance(node, AllOf) else _sum)(node.children, terms_max)


def _sum(children: tuple[Node, ...], terms_max: int) -> tuple[Term, ...]:
    terms: tuple[Term, ...] = ()
    for child in children:
        terms = _without_implied(terms + _terms(child, terms_max), terms_max)
    return terms


def _product(children: tuple[Node, ...], terms_max: int) -> tuple[Term, ...]:
    terms: tuple[Term, ...] = ((),)
    single: list[Clause] = []  # children without alternatives come last: each of them would lengthen all terms
    for child in children:
        more = _terms(child, terms_max)
        if len(more) == 1:
            single.extend(more[0])
        else:
            terms = _joined(terms, more, terms_max)
    return _joined((tuple(single),), terms, terms_max)


def _joined(left: tuple[Term, ...], right: tuple[Term, ...], terms_max: int) -> tuple[Term, ...]:
    """Every pair at once, each clause once, without the pairs in which a clause and its complement meet."""
    if len(left) * len(right) > _PAIRS_PER_TERM_MAX * terms_max:
        raise _TooManyTerms
    pairs = (tuple(dict.fromkeys(one + other)) for one in left for other in right)
    return _without_implied(tuple(term for term in pairs if not _contradicts(term)), terms_max)


def _contradicts(term: Term) -> bool:
    return len({(clause.path, clause.operator, clause.identity) for clause in term}) < len(term)


def _without_implied(terms: tuple[Term, ...], terms_max: int) -> tuple[Term, ...]:
    """Without the terms that ask for more than another one does: they hold only when that holds."""
    kept: list[tuple[frozenset[Clause], Term]] = []
    for term in sorted(dict.fromkeys(terms), key=len):
        clauses = frozenset(term)
        if any(smaller <= clauses for smaller, _ in kept):
            continue
        if len(kept) == terms_max:
            raise _TooManyTerms
        kept.append((clauses, term))
    return tuple(term for _, term in kept)
