"""Owns the allocations that the service answers by: made once for the definitions in force, and kept, bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pipeline.model.definition import AccountDefinitions
from pipeline.model.moment import moment_text
from readers.assign import Allocations, allocations_of

KEPT_MAX = 1_000  # accounts
_FOR_GOOD = "~"  # later than any moment


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for an account's definitions until an epoch that is to come begins. body: the document as JSON."""

    version: str
    until: str
    document: dict[str, Any]
    body: bytes
    allocations: Allocations


class Assigner:
    """Gives the allocations of an account."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Standing] = OrderedDict()

    async def standing(self, definitions: AccountDefinitions, now: datetime) -> Standing:
        """What holds now. Made in a thread: many conditions take a while to compile."""
        kept = self._kept.get(definitions.account)
        if kept is None or kept.version != definitions.version or moment_text(now) >= kept.until:
            kept = await asyncio.to_thread(_standing, definitions, now)
            self._kept[definitions.account] = kept
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return kept


def _standing(definitions: AccountDefinitions, now: datetime) -> Standing:
    document = allocations_of(definitions, now)
    at = moment_text(now)
    begins = (epoch.effective_at for e in definitions.experiments.values() for epoch in e.epochs)
    until = min((begin for begin in begins if begin is not None and begin > at), default=_FOR_GOOD)
    return Standing(definitions.version, until, document, orjson.dumps(document), Allocations.of(document))
