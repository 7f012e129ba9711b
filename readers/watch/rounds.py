"""Owns one look at all experiments that are watched, and the telling of what has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import StoreError
from pipeline.model.experiment import DRAFT, RUNNING, Experiment
from pipeline.store.contract import Store
from readers.experiments.epochs import epoch_for_results, span
from readers.experiments.reading import read_totals
from readers.experiments.results import Question, results_body
from readers.experiments.totals import TrialTotals
from readers.watch.judgement import SAMPLE_RATIO, Look, Manners, Memory, judge
from readers.watch.memory_file import MemoryFile
from readers.watch.webhook import Untold, Webhook

LOG = logging.getLogger("daycount.watch")


@dataclass(frozen=True, slots=True)
class Round:
    """What looks. account None: all of them."""

    memories: MemoryFile
    webhook: Webhook
    manners: Manners
    account: str | None
    now: Callable[[], datetime]

    def look(self, store: Store, definitions: Snapshot) -> bool:
        """Whether every experiment could be looked at and every message is told. What goes wrong with one is logged.
        **Retry:** another look; messages that were not taken are sent again.
        """
        watched, everything = set(), True
        for account, experiment in self._watched(definitions):
            watched.add((account.account, experiment.id))
            try:
                look = look_at(store, account, experiment, self.now())
            except StoreError as error:
                LOG.warning("%s of %s: %s", experiment.id, account.account, error)
                everything = False
                continue
            memory = self.memories.get(account.account, experiment.id) or Memory()
            self.memories.put(account.account, experiment.id, judge(memory, look, self.manners))
        everything = self._tell() and everything
        self.memories.keep(watched)
        return everything

    def _watched(self, definitions: Snapshot) -> Iterator[tuple[AccountDefinitions, Experiment]]:
        for account in definitions.accounts.values():
            if self.account in (None, account.account):
                for experiment in account.experiments.values():
                    # One that has been stopped is watched on, but nobody is told of those that were over before.
                    known = self.memories.get(account.account, experiment.id) is not None
                    if experiment.status == RUNNING or (known and experiment.status != DRAFT):
                        yield account, experiment

    def _tell(self) -> bool:
        """In the order they were written: where a webhook refuses one, the others wait too."""
        for account, experiment, message in self.memories.waiting():
            try:
                self.webhook.tell(message)
            except Untold as error:
                LOG.warning("message %s is not told: %s; it is tried again at the next look", message.id, error)
                return False
            LOG.info("told: %s", message.text)
            memory = self.memories.get(account, experiment)
            assert memory is not None, "it had this message"
            self.memories.put(account, experiment, memory.without(message))
        return True


def look_at(store: Store, account: AccountDefinitions, experiment: Experiment, now: datetime) -> Look:
    """One look at one experiment. Raises StoreError."""
    zone = ZoneInfo(account.settings.timezone)
    question = Question(experiment, epoch_for_results(experiment, now), account.metrics, now, now.astimezone(zone).date())
    totals = read_totals(store, account.account, experiment, question.epoch, question.today)
    body = results_body(question, totals)
    decision = body["decision"]
    finding = (decision["verdict"], decision["variation"]) if body["sample_ratio"]["ok"] else (SAMPLE_RATIO, None)
    return Look(
        account.account,
        experiment.id,
        question.epoch.number,
        experiment.revision,
        finding,
        decision["reason"],
        (now - _begin(question, totals, zone)) / timedelta(hours=1),
        sum(variation.visitors for variation in totals.variations.values()),
    )


def _begin(question: Question, totals: TrialTotals, zone: ZoneInfo) -> datetime:
    """When the epoch began; of one that is open to the past, the day of its first visitor."""
    since = span(question.experiment, question.epoch)[0]
    if since is not None:
        return datetime.fromisoformat(since)
    first = min((day for variation in totals.variations.values() for day in variation.days), default=None)
    return datetime.fromisoformat(first).replace(tzinfo=zone) if first else question.now.astimezone(UTC)


def names(known: Mapping[str, AccountDefinitions]) -> str:
    """The accounts there are, to be named in an error."""
    return ", ".join(list(known)[:10]) or "none"
