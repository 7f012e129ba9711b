"""Which keys a condition may have where: paths, logic, operators. Owns the names and the complaints."""

from __future__ import annotations

import difflib
from typing import Any

from pipeline.match.errors import ConditionError, below
from pipeline.match.operators import PLAIN_OPERATORS

LOGIC = ("$and", "$or", "$nor", "$not")
NESTING = ("$not", "$size", "$all", "$alli", "$elemMatch")
GROUPS = ("$inGroup", "$notInGroup")
OPERATORS = frozenset((*PLAIN_OPERATORS, *NESTING, *GROUPS))
_HINTS = {
    "$options": "$regexi ignores case; other options go into the pattern: (?s)…",
    "$mod": "it is MongoDB's, not GrowthBook's",
    "$where": "it is MongoDB's, not GrowthBook's",
    "$expr": "it is MongoDB's, not GrowthBook's",
}


def split_path(key: str, place: str) -> tuple[str, ...]:
    """The parts of a dotted path. A `$` may begin one (`$groups`), unless that looks like a misplaced operator."""
    if key in OPERATORS:
        raise ConditionError(place, f'an operator needs a path before it: {{"properties.total": {{"{key}": …}}}}')
    meant = difflib.get_close_matches(key.lower(), LOGIC, n=1, cutoff=0.7) if key.startswith("$") else []
    if meant:
        raise ConditionError(place, f"unknown operator {key}; did you mean {meant[0]}?")
    parts = tuple(key.split("."))
    if "" in parts:
        raise ConditionError(place, f"the path {key!r} has an empty part; write it as a.b.c")
    return parts


def holds_operators(operand: Any, place: str) -> bool:
    """Whether what stands behind a path is operators (all its keys begin with `$`) or else a value to equal."""
    dollars = [key.startswith("$") for key in operand] if isinstance(operand, dict) else []
    if dollars and all(dollars):
        return True
    if any(dollars):
        raise ConditionError(place, "operators and plain keys are mixed; write plain keys as dotted paths of their own")
    _check_literal(operand, place)
    return False


def unknown_operator(operator: str) -> str:
    """The complaint about a key behind a path that is no operator."""
    if operator in LOGIC:
        return f'{operator} can\'t stand behind a path; write {{"{operator}": [{{"path": …}}, …]}} around it'
    close = difflib.get_close_matches(operator, OPERATORS, n=1)
    cure = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(OPERATORS))}"
    return f"unknown operator {operator:.60}; {_HINTS.get(operator, cure)}"


def _check_literal(value: Any, place: str) -> None:
    """An operator deep inside a value to equal would be compared as text: surely a nested path was meant."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        here = below(place, key)
        if key in OPERATORS or key in LOGIC:
            raise ConditionError(here, "an operator inside a value to equal; write the path to it with dots: a.b.c")
        _check_literal(child, here)
