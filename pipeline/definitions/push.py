"""Owns the writing of definitions to Redis: each account in one transaction, from what is stored at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import cast

import redis

from pipeline.definitions import history
from pipeline.definitions.connection import connect, naming_the_server
from pipeline.definitions.file import Located
from pipeline.definitions.hashes import Fields, hash_key, read_hash
from pipeline.definitions.plan import Plan, Report, plan_push
from pipeline.definitions.plan_deletion import plan_deletion
from pipeline.model.definition import AccountDefinitions, DefinitionError
from pipeline.model.errors import UsageError

# Somebody else's writes in between: each is another reason to plan again, and so many in a row are no accident.
_ATTEMPTS_MAX = 10

_Planner = Callable[[Fields], Plan]

# Told what an account has at the moment of writing; raises whatever shall keep it from being changed.
Expect = Callable[[AccountDefinitions], None]


def push(url: str, documents: list[Located], expect: Expect | None = None, by: str = "") -> list[Report]:
    """Pushes accounts' documents. All are judged before the first is written. by: who does, for the history.

    Raises DefinitionError for what is not valid, and what `expect` raises.
    **Retry:** harmless; what is there already is `unchanged`.
    """
    client = connect(url)
    planners = [
        (account := _account_of(located), _expecting(expect, account, _push_planner(located, by))) for located in documents
    ]
    _refuse_twice([account for account, _ in planners])
    with naming_the_server(url), client:
        for account, planner in planners:
            planner(_read(client, account))
        return [_commit(client, account, planner) for account, planner in planners]


def delete(url: str, account: str, names: tuple[str, ...], expect: Expect | None = None, by: str = "") -> Report:
    """Deletes metrics, layers and experiments of an account; none named means all. names: as `plan_deletion` has them.
    The settings stay, so that its events stay known.

    Raises NotThere or InUse, having deleted nothing, if one is not there or needed, and what `expect` raises.
    **Retry:** refused, for they are gone.
    """
    client = connect(url)
    planner = _expecting(expect, account, lambda fields: plan_deletion(account, names, fields, datetime.now(UTC), by))
    with naming_the_server(url), client:
        return _commit(client, account, planner)


def _account_of(located: Located) -> str:
    document = located.document
    account = document.get("account") if isinstance(document, Mapping) else None
    return account if isinstance(account, str) else ""


def _refuse_twice(accounts: list[str]) -> None:
    twice = [account for account in accounts if account and accounts.count(account) > 1]
    if twice:
        raise UsageError(f"account {twice[0]} is written twice; make one document of the two")


def _push_planner(located: Located, by: str) -> _Planner:
    def plan(fields: Fields) -> Plan:
        try:
            return plan_push(located.document, fields, datetime.now(UTC), by)
        except DefinitionError as error:
            raise located.error(error) from None

    return plan


def _expecting(expect: Expect | None, account: str, planner: _Planner) -> _Planner:
    """The planner, which now asks `expect` too; after its own refusals, as a change that is no good needs no other."""
    if expect is None:
        return planner

    def plan(fields: Fields) -> Plan:
        planned = planner(fields)
        expect(read_hash(account, fields))
        return planned

    return plan


def _read(client: redis.Redis, account: str) -> Fields:
    return cast(Fields, client.hgetall(hash_key(account)))  # bytes, for the client decodes nothing


def _commit(client: redis.Redis, account: str, planner: _Planner) -> Report:
    """Plans from what is stored and writes, unless somebody else has written in between: then again."""
    key = hash_key(account)
    for _ in range(_ATTEMPTS_MAX):
        with client.pipeline() as transaction:
            transaction.watch(key)
            plan = planner(_read(transaction, account))
            transaction.multi()
            if plan.set:
                transaction.hset(key, items=[part for item in plan.set.items() for part in item])
            if plan.delete:
                transaction.hdel(key, *plan.delete)
            history.remember(transaction, account, plan.history)
            try:
                transaction.execute()
            except redis.WatchError:
                continue
            return plan.report
    raise UsageError(f"account {account} is being changed by somebody else all the time; try again")
