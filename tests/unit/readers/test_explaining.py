"""Many who ask for explanations at once: judges are kept, bounded and never stale; queries keep their room."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipeline.definitions.validate import parse_account
from pipeline.model.definition import AccountDefinitions
from pipeline.store.sqlite import SqliteStore
from readers import explaining
from readers.explaining import Explainers, Question
from readers.problem import Overloaded
from readers.stores import Stores
from tests.support.definitions import account_document, metric_document
from tests.unit.readers.conftest import NOW


def definitions(account: str = "acme", **changes: Any) -> AccountDefinitions:
    return parse_account({**account_document(metric_document(**changes)), "account": account}, strict=True)


def question(asked: AccountDefinitions) -> Question:
    return Question(asked, list(asked.metrics.values()), b'{"event": "Order Completed", "anonymousId": "u"}', NOW)


@pytest.fixture
def stores(tmp_path: Path) -> Any:
    SqliteStore(tmp_path / "numbers.db").close()
    stores = Stores(lambda: SqliteStore(tmp_path / "numbers.db"), threads=4)
    yield stores
    stores.close()


def explain(explainers: Explainers, stores: Stores, *asked: AccountDefinitions) -> list[Any]:
    async def all_at_once() -> list[Any]:
        answers = (explainers.explain(stores, question(one)) for one in asked)
        return await asyncio.gather(*answers, return_exceptions=True)

    return asyncio.run(all_at_once())


def test_a_changed_definition_is_judged_as_it_is_now(stores: Stores) -> None:
    explainers = Explainers()
    counted = [explain(explainers, stores, definitions(where=where))[0]["counts_in"] for where in ({}, {"event": "x"}, {})]
    assert counted == [["orders"], [], ["orders"]]


def test_accounts_of_equal_definitions_are_told_apart(stores: Stores) -> None:
    explainers = Explainers()
    assert [body["account"] for body in explain(explainers, stores, definitions("acme"), definitions("zeta"))] == [
        "acme",
        "zeta",
    ]


def test_no_more_judges_are_kept_than_the_bound(stores: Stores) -> None:
    explainers = Explainers()
    explain(explainers, stores, *(definitions(f"a{i}") for i in range(explaining.JUDGES_MAX + 4)))
    assert len(explainers._kept) == explaining.JUDGES_MAX


def test_beyond_the_bound_those_who_ask_are_turned_away(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "WAITING_MAX", 3)
    answers = explain(Explainers(), stores, *[definitions()] * 10)
    assert [isinstance(answer, Overloaded) for answer in answers] == [False] * 3 + [True] * 7
