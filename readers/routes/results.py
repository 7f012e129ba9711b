"""`/v1/experiments/{id}/results`: what an experiment has come to so far."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.definition import AccountDefinitions
from pipeline.model.experiment import Epoch, Experiment
from pipeline.store.contract import Store
from readers.answers import json_answer
from readers.experiments.epochs import epoch_for_results
from readers.experiments.reading import read_totals, read_totals_by
from readers.experiments.results import MINIMUM_EFFECT, Question, breakdown_body, results_body
from readers.experiments.totals import TrialTotals
from readers.problem import Problem
from readers.query.answer import number_text
from readers.service import service_of

VALUES_MAX = 100  # of a breakdown, those with most visitors


async def get_results(request: Request) -> Response:
    """The results of one epoch, of all visitors and, if asked, for each value of a breakdown."""
    service = service_of(request)
    caller = await service.caller(request)
    name = service.account(caller, request.query_params.get("account"))
    account = service.snapshots.current.accounts.get(name)
    if account is None or request.path_params["id"] not in account.experiments:
        raise Problem(404, f"account {name} has no experiment {request.path_params['id'][:64]!r}")
    asked = _asked(request.query_params, account, account.experiments[request.path_params["id"]], service.now())
    found = await service.stores.run(asked.read)
    return json_answer(request, await asyncio.to_thread(asked.body, found))


@dataclass(frozen=True, slots=True)
class _Asked:
    """by None: of all visitors only."""

    account: str
    question: Question
    by: str | None

    def read(self, store: Store) -> tuple[TrialTotals, Mapping[str, TrialTotals]]:
        of, epoch, today = self.question.experiment, self.question.epoch, self.question.today
        everybody = read_totals(store, self.account, of, epoch, today)
        return everybody, read_totals_by(store, self.account, of, epoch, self.by, today) if self.by else {}

    def body(self, found: tuple[TrialTotals, Mapping[str, TrialTotals]]) -> bytes:
        everybody, of_values = found
        if self.by is None:
            return to_json(results_body(self.question, everybody))
        most = sorted(of_values, key=lambda value: (-_visitors(of_values[value]), value))
        kept = {value: of_values[value] for value in most[:VALUES_MAX]}
        left_out = {"values_left_out": len(of_values) - len(kept)}
        return to_json({**breakdown_body(self.question, self.by, everybody, kept), **left_out})


def to_json(body: Mapping[str, Any]) -> bytes:
    """The body with sums as JSON numbers, all their decimals and no more."""
    return orjson.dumps(body, default=_number)


def question_of(
    account: AccountDefinitions, experiment: Experiment, epoch: Epoch, now: datetime, minimum_effect: float = MINIMUM_EFFECT
) -> Question:
    """What is asked of an account's experiment, today being the account's day."""
    today = now.astimezone(ZoneInfo(account.settings.timezone)).date()
    return Question(experiment, epoch, account.metrics, now, today, minimum_effect)


def _asked(params: QueryParams, account: AccountDefinitions, experiment: Experiment, now: datetime) -> _Asked:
    epoch, by = _epoch(params.get("epoch"), experiment, now), params.get("by")
    if by is not None and by not in experiment.breakdowns:
        declared = ", ".join(experiment.breakdowns) or "none"
        raise Problem(400, f"{by[:64]!r} is no breakdown of {experiment.id}; declared: {declared}", pointer="/by")
    effect = _effect(params.get("minimum_effect"))
    return _Asked(account.account, question_of(account, experiment, epoch, now, effect), by)


def _epoch(text: str | None, experiment: Experiment, now: datetime) -> Epoch:
    if text is None:
        return epoch_for_results(experiment, now)
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Problem(400, f"epoch is {text[:64]!r}; a number from 1 on", pointer="/epoch")
    for epoch in experiment.epochs:
        if epoch.number == int(text):
            return epoch
    raise Problem(404, f"{experiment.id} has no epoch {int(text)}; the latest is {experiment.epoch.number}")


def _effect(text: str | None) -> float:
    try:
        effect = MINIMUM_EFFECT if text is None else float(text)
    except ValueError:
        effect = -1.0
    if not 0 < effect <= 1:
        detail = f"minimum_effect is {str(text)[:64]!r}; a part of control's value, above 0 and at most 1"
        raise Problem(400, detail, pointer="/minimum_effect")
    return effect


def _visitors(totals: TrialTotals) -> int:
    return sum(variation.visitors for variation in totals.variations.values())


def _number(value: object) -> orjson.Fragment:
    assert isinstance(value, Decimal)
    return orjson.Fragment(number_text(value.normalize() if value else Decimal(0)))


ROUTES = [Route("/v1/experiments/{id}/results", get_results, methods=["GET"])]
