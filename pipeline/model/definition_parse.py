"""Owns what makes an account's document valid: documents in, typed definitions and complaints out.

Conditions have their own rules and their own package: the check of a `where` is passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.model.definition import AccountDefinitions, DefinitionError
from pipeline.model.definition_check import ACCOUNT, check_keys, named
from pipeline.model.definition_metric import Written, parse_metric
from pipeline.model.definition_place import CheckWhere, Place, Rules, quoted
from pipeline.model.definition_settings import parse_settings
from pipeline.model.definition_trials import WrittenTrials, assemble_trials, listed, parse_each
from pipeline.model.limits import EXPERIMENTS_PER_ACCOUNT_MAX, LAYERS_PER_ACCOUNT_MAX, METRICS_PER_ACCOUNT_MAX

PROBLEMS_MAX = 2_500  # told of an account, one for each metric and some: they travel with the definitions
ACCOUNT_KEYS = ("account", "settings", "metrics", "layers", "experiments")


def parse_account(
    document: Any, *, strict: bool, check_where: CheckWhere, standing: AccountDefinitions | None = None
) -> AccountDefinitions:
    """The definitions in one account's document. standing: what it has besides, which experiments may refer to.

    Strict raises the first DefinitionError; else bad metrics are left out and told in `problems`.
    Without the name of an account there is nothing to give: that raises either way.
    """
    definitions, found = examine_account(document, strict=strict, check_where=check_where, standing=standing)
    if definitions is None or (strict and found):
        raise found[0]
    return definitions


def examine_account(
    document: Any, *, strict: bool, check_where: CheckWhere, standing: AccountDefinitions | None = None
) -> tuple[AccountDefinitions | None, list[DefinitionError]]:
    """The definitions in one account's document, as far as they are valid, and everything that is wrong with it."""
    top = Place([])
    if not isinstance(document, Mapping):
        top.refuse(f"{quoted(document)} is not a definitions document; write account:, settings: and metrics:")
        return None, top.found
    if strict:
        check_keys(document, ACCOUNT_KEYS, top)
    if not named(ACCOUNT, document.get("account")):
        top.at("account").refuse(_account_complaint(document.get("account")))
        return None, top.found
    rules = Rules(check_where, strict)
    written = listed(document.get("metrics"), "metric", METRICS_PER_ACCOUNT_MAX, top)
    trials = WrittenTrials(
        listed(document.get("layers"), "layer", LAYERS_PER_ACCOUNT_MAX, top),
        listed(document.get("experiments"), "experiment", EXPERIMENTS_PER_ACCOUNT_MAX, top),
    )
    return assemble_account(document["account"], document.get("settings"), written, rules, top.found, trials, standing)


def assemble_account(
    account: str,
    settings: Any,
    written: Iterable[Written],
    rules: Rules,
    found: list[DefinitionError],
    trials: WrittenTrials,
    standing: AccountDefinitions | None = None,
) -> tuple[AccountDefinitions, list[DefinitionError]]:
    """An account's definitions from their parts. Without valid settings no metric can count, for want of a day."""
    place = Place(found, path="settings")
    parsed_settings = parse_settings(settings, place, rules)
    settings_valid = not any(error.path == "settings" or error.path.startswith("settings.") for error in found)
    if not settings_valid and not rules.strict:
        place.refuse("no metric of this account counts until they are mended")
    metrics = parse_each(written, lambda item, place: parse_metric(item, parsed_settings, place, rules), found)
    if not settings_valid:
        metrics, trials = [], WrittenTrials()
    layers, experiments = assemble_trials(trials, parsed_settings, metrics, standing, rules, found)
    problems = [str(error) for error in found[:PROBLEMS_MAX]]
    if len(found) > PROBLEMS_MAX:
        problems.append(f"there are more problems than these {PROBLEMS_MAX:,}")
    return AccountDefinitions.of(account, parsed_settings, metrics, problems, layers, experiments), found


def _account_complaint(account: Any) -> str:
    if account is None:
        return "missing; name it in the file, or with --account"
    return f"{quoted(account)} is not a name; 1 to 64 of a-z, 0-9, _ and -"
