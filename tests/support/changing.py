"""Definitions that change while events come in: what each revision must come to then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from pipeline.model.definition import AccountDefinitions, Snapshot
from tests.support.generate import Event, World, identity
from tests.support.generate_definitions import VISITORS, ZONES, make_metric, parse
from tests.support.naive import count
from tests.support.stored import Numbers


def with_new_metric(snapshot: Snapshot, random: Random) -> Snapshot:
    """The same accounts, each with one metric more."""
    return Snapshot.of(_with_new_metric(account, random) for account in snapshot.accounts.values())


def _with_new_metric(account: AccountDefinitions, random: Random) -> AccountDefinitions:
    settings = account.settings.document()
    metric = make_metric(random, "new", account.account, settings)
    return parse(account.account, settings, [*account.document()["metrics"], metric])


def without_first_metric(snapshot: Snapshot) -> Snapshot:
    """The same accounts, each without its first metric."""
    return Snapshot.of(
        AccountDefinitions.of(a.account, a.settings, list(a.metrics.values())[1:]) for a in snapshot.accounts.values()
    )


def expected_of(world: World, judged: Sequence[tuple[Snapshot, Sequence[Event]]]) -> Numbers:
    """Each revision's numbers, from the events that were judged while it was in force."""
    numbers: Numbers = {}
    accounts = [account for snapshot, _ in judged for account in snapshot.accounts.values()]
    for account in accounts:
        for metric in account.metrics.values():
            events: Mapping[object, Event] = {
                identity(event, account): event
                for snapshot, events in judged
                for event in events
                if event.get("account", world.trusted) == account.account
                and snapshot.accounts[account.account].metrics.get(metric.id) == metric
            }
            numbers |= count(account.account, account.settings, metric, list(events.values()))
    return numbers


def with_other_settings(snapshot: Snapshot, random: Random) -> Snapshot:
    """The same metrics, in other time zones and of other visitors: all their revisions are new."""
    return Snapshot.of(_with_other_settings(account, random) for account in snapshot.accounts.values())


def _with_other_settings(account: AccountDefinitions, random: Random) -> AccountDefinitions:
    settings = account.settings.document()
    other = {"timezone": random.choice(ZONES), "visitor": random.choice([v for v in VISITORS if v != settings["visitor"]])}
    return parse(account.account, {**settings, **other}, account.document()["metrics"])
