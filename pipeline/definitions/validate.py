"""Owns the meeting of definitions and conditions: documents are parsed with the real check of `where`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pipeline.match import ConditionError, groups_named, parse_condition
from pipeline.model import definition_parse
from pipeline.model.definition import AccountDefinitions, DefinitionError, Groups, Where
from pipeline.model.definition_place import Place, Rules


def check_where(where: Where, groups: Groups, place: Place) -> Collection[str]:
    """Complains about a condition that does not compile; gives the names of the groups it refers to."""
    try:
        parse_condition(where, groups)
    except ConditionError as error:
        place.at(error.path).refuse(error.problem)
        return ()
    return groups_named(where)


STRICT = Rules(check_where, strict=True)
LENIENT = Rules(check_where, strict=False)


def parse_account(document: Any, *, strict: bool, standing: AccountDefinitions | None = None) -> AccountDefinitions:
    """As `definition_parse.parse_account`, conditions included."""
    return definition_parse.parse_account(document, strict=strict, check_where=check_where, standing=standing)


def examine_account(document: Any) -> tuple[AccountDefinitions | None, list[DefinitionError]]:
    """The definitions of a document judged strictly, and everything that is wrong with it."""
    return definition_parse.examine_account(document, strict=True, check_where=check_where)
