"""Owns the explaining of events for many callers: judges are made once for the definitions in force, and kept, bounded."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.explain.body import NS_PER_S, Body, explain_event
from pipeline.explain.judge import Judge
from pipeline.explain.past import Past, look_up
from pipeline.explain.record import BadEvent
from pipeline.model.definition import AccountDefinitions, Metric
from pipeline.model.errors import StoreError, UsageError
from pipeline.store.contract import Store
from readers.problem import LOG, Overloaded
from readers.stores import Stores

JUDGES_MAX = 16  # one of a large account takes some tens of MB
AT_ONCE_MAX = 2  # an account of thousands of metrics takes half a second, and queries need threads of the store too
WAITING_MAX = 32
_NO_STORE = (
    "the store can't be asked just now (the service's log says why): "
    "whether the event was counted before, and whether it is a first, is not known"
)


@dataclass(slots=True)
class _Kept:
    judge: Judge
    turn: threading.Lock = field(default_factory=threading.Lock)  # a judge is not for two threads at a time


@dataclass(frozen=True, slots=True)
class Question:
    """One event, the JSON text given, of an account, and the metrics that are asked about."""

    definitions: AccountDefinitions
    metrics: list[Metric]
    text: bytes
    now: datetime


class Explainers:
    """Explains events. visitor_key: the one of the store, where that doesn't keep it itself."""

    def __init__(self, visitor_key: bytes | None = None) -> None:
        self._visitor_key = visitor_key
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._room = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    async def explain(self, stores: Stores, asked: Question) -> Body:
        """The body of an answer. A store that can't be asked only leaves out what it would have said. Raises BadEvent,
        Problem (503) where too many others are waiting.
        """
        if self._waiting >= WAITING_MAX:
            raise Overloaded
        self._waiting += 1
        try:
            async with self._room:
                return await self._in_turn(stores, asked)
        finally:
            self._waiting -= 1

    async def _in_turn(self, stores: Stores, asked: Question) -> Body:
        try:
            return await stores.run(lambda store: self._explain(asked, store))
        except BadEvent:
            raise
        except (StoreError, UsageError) as error:
            LOG.error("an event is explained without the store: %s", error)
        body = await asyncio.to_thread(self._explain, asked, None)
        return {**body, "warnings": [_NO_STORE, *body["warnings"]]}

    def _explain(self, asked: Question, store: Store | None) -> Body:
        kept = self._judge(asked.definitions)
        now_ns = int(asked.now.timestamp()) * NS_PER_S

        def look(line: bytes) -> Past | None:
            return None if store is None else look_up(store, kept.judge, line, now_ns, self._visitor_key)

        with kept.turn:
            return explain_event(kept.judge, asked.text, asked.metrics, now_ns, None if store is None else look)

    def _judge(self, definitions: AccountDefinitions) -> _Kept:
        key = f"{definitions.account}@{definitions.version}"
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = _Kept(Judge(definitions))
        with self._lock:
            kept = self._kept.setdefault(key, kept)
            self._kept.move_to_end(key)
            if len(self._kept) > JUDGES_MAX:
                self._kept.popitem(last=False)
        return kept
