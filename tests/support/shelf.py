"""Owns a hash of definitions that pushes and deletions are planned onto, without Redis, and a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.definitions.hashes import read_hash
from pipeline.definitions.plan import Plan, plan_push
from pipeline.definitions.plan_deletion import plan_deletion
from pipeline.model.definition import AccountDefinitions, DefinitionError
from pipeline.model.experiment import Experiment
from tests.support.experiments import trial_document

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HALF = {"control": [[0, 256]], "friendly": [[512, 768]]}


class Shelf:
    """A hash that pushes and deletions are planned onto, and a clock that stands still."""

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.now = NOON

    def push(self, *experiments: dict[str, Any], **changes: Any) -> Plan:
        return self.take(plan_push(trial_document(*experiments, **changes), self.fields, self.now, "ann"))

    def delete(self, *names: str) -> Plan:
        return self.take(plan_deletion("acme", names, self.fields, self.now, "bob"))

    def take(self, plan: Plan) -> Plan:
        self.fields = {k: v for k, v in {**self.fields, **plan.set}.items() if k not in plan.delete}
        return plan

    def refusal(self, *experiments: dict[str, Any], **changes: Any) -> str:
        before = dict(self.fields)
        with pytest.raises(DefinitionError) as refused:
            self.push(*experiments, **changes)
        assert self.fields == before
        return str(refused.value)

    def wait(self, **span: float) -> str:
        self.now += timedelta(**span)
        return self.text()

    def text(self, **ahead: float) -> str:
        return (self.now + timedelta(**ahead)).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def account(self) -> AccountDefinitions:
        account = read_hash("acme", self.fields)
        assert account.problems == ()
        return account

    @property
    def hero(self) -> Experiment:
        return self.account.experiments["hero_cta"]

    @property
    def begins(self) -> list[str | None]:
        return [epoch.effective_at for epoch in self.hero.epochs]
