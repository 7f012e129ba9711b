"""The demo from its first line to its last: starts the parts, sends, looks at the numbers, and ends the parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from pipeline.definitions.file import locate_documents
from pipeline.definitions.push import push
from pipeline.demo.board import Board, read_board, tables
from pipeline.demo.children import Children
from pipeline.demo.numbers import NoAnswer, Numbers
from pipeline.demo.places import Places, free_port
from pipeline.demo.screen import Screen
from pipeline.demo.sending import Sender
from pipeline.demo.tally import HERO, Tally
from pipeline.demo.verdict import Verdict, judge
from pipeline.demo.visitors import Assign
from pipeline.embedded_redis import embedded_redis
from pipeline.model.errors import RunError
from pipeline.store import open_store
from readers.assign import Allocations, assign

ZONE = ZoneInfo("Europe/London")  # as in shop.yaml
TICK_S = 0.05
LOOK_AT_START_EVERY_S = 0.1
START_TIMEOUT_S = 120.0
CATCH_UP_TIMEOUT_S = 60.0
DIFFERENCES_SHOWN_MAX = 20


class _ToldToEnd(Exception):
    """Whoever watches has seen enough."""


@dataclass(frozen=True, slots=True)
class Show:
    """A demo's options as the command has them; `kept`: the folder stays; `stopped` says whether to end now."""

    folder: Path
    kept: bool
    seconds: int | None
    port: int
    rate: int
    seed: int
    stopped: Callable[[], bool]
    console: Console

    def run(self) -> bool:
        """Whether all is well: False where answers differ from what was sent. Raises RunError, UsageError."""
        self._say("A shop's events, counted as they come in. Starting Redis, pipeline and read service ...")
        tally = Tally(ZONE)
        with embedded_redis(self.folder / "redis", durable=False) as redis_url, Children(self.folder) as children:
            places = Places(self.folder, redis_url, free_port(self.port))
            try:
                verdict = self._show(places, children, tally)
            except _ToldToEnd:
                verdict = None
                self._say("\nending ...")
            children.stop()
        if self.kept:
            self._say(f"events, numbers and logs are kept in {self.folder}")
        return verdict is None or self._conclude(verdict, tally)

    def _show(self, places: Places, children: Children, tally: Tally) -> Verdict | None:
        numbers = Numbers(places.address)
        self._start(places, children)
        self._wait(numbers.is_up, children, None)
        assign = assigner(numbers.experiments("/v1/allocations"))
        sender = Sender(places.events, tally, assign, now=datetime.now(UTC), events_per_s=self.rate, seed=self.seed)
        self._say(f"\n  Dashboard:  {places.address}\n\nCounting the last two weeks ...")
        board = self._first_board(numbers, children, sender)
        self._introduce(board, places)
        with Screen(self.console, sender, board) as screen:

            def look() -> bool:
                screen.show(read_board(numbers))
                return False

            self._repeat(look, children, sender, screen.every_s, self.seconds)
        return self._compare(numbers, children, tally)

    def _start(self, places: Places, children: Children) -> None:
        places.write_definitions()
        push(places.definitions_url, locate_documents(str(places.shop)))
        open_store(places.store_url, create=True).close()  # so that the two below can start side by side
        children.start("pipeline", places.run_words())
        children.start("read service", places.serve_words())

    def _first_board(self, numbers: Numbers, children: Children, sender: Sender) -> Board:
        """The numbers once all history is in them."""
        boards: list[Board] = []

        def look() -> bool:
            if sender.history_until is None:
                return False
            boards[:] = [read_board(numbers)]
            return boards[0].complete_after(sender.history_until)

        self._wait(look, children, sender)
        return boards[0]

    def _introduce(self, board: Board, places: Places) -> None:
        if not self.console.is_terminal:
            self.console.print(tables(board, ""))
        self._say("Try next, in another terminal:")
        for sentence, commands in places.try_next():
            self._say(f"\n  # {sentence}")
            for command in commands:
                self._say(f"  {command}")
        self._say(f"\nAll of it is in {places.folder}" + ("" if self.kept else ", removed when the demo ends"))

    def _compare(self, numbers: Numbers, children: Children, tally: Tally) -> Verdict:
        """What was sent and what is answered, once the pipeline has caught up."""
        sent_until = datetime.now(UTC)
        self._say("\nThe shop has closed. Waiting until all that it sent is counted ...")

        def look() -> bool:
            return read_board(numbers).complete_after(sent_until)

        if not self._repeat(look, children, None, LOOK_AT_START_EVERY_S, CATCH_UP_TIMEOUT_S):
            self._say(f"the pipeline has not caught up within {CATCH_UP_TIMEOUT_S:.0f} s")
        try:
            return judge(tally, numbers, datetime.now(ZONE).date())
        except NoAnswer as error:
            raise RunError(f"the read service does not answer any more: {error}") from error

    def _conclude(self, verdict: Verdict, tally: Tally) -> bool:
        self.console.print(verdict.table())
        self._say(f"A/B test: {verdict.decision}\n")
        differences = verdict.differences()
        for cell in differences[:DIFFERENCES_SHOWN_MAX]:
            self._say(f"  {verdict.describe(cell)}")
        said = f"{tally.events:,} events (and {tally.repeated:,} of them again, {tally.nameless:,} without a visitor)"
        if differences:
            self._say(f"WRONG: of {len(verdict.sent):,} numbers {len(differences):,} are not what was sent: {said}")
        else:
            self._say(f"Exact: all {len(verdict.sent):,} numbers are what was sent: {said}")
        return not differences

    def _wait(self, look: Callable[[], bool], children: Children, sender: Sender | None) -> None:
        if not self._repeat(look, children, sender, LOOK_AT_START_EVERY_S, START_TIMEOUT_S):
            raise RunError(f"no numbers after {START_TIMEOUT_S:.0f} s; --dir DIR keeps what the parts have to say")

    def _repeat(
        self,
        look: Callable[[], bool],
        children: Children,
        sender: Sender | None,
        every_s: float,
        timeout_s: float | None,
    ) -> bool:
        """Send, and look every so often until that says True; False when the time is over."""
        begun = looked = time.monotonic()
        while timeout_s is None or time.monotonic() - begun < timeout_s:
            if self.stopped():
                raise _ToldToEnd
            children.check()
            if sender is not None:
                sender.send(datetime.now(UTC))
            if time.monotonic() - looked >= every_s:
                looked = time.monotonic()
                if _seen(look):
                    return True
            if sender is None or sender.history_until is not None:
                time.sleep(TICK_S)
        return False

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, markup=False)


def assigner(allocations: Mapping[str, Any]) -> Assign:
    """Decides as the shop's own application would: by allocations that it holds, without asking for each visitor."""
    prepared = Allocations.of(allocations)

    def variation(visitor: str) -> str:
        assigned: str = assign(prepared, visitor)["experiments"][HERO]["variation"]
        return assigned

    return variation


def _seen(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except NoAnswer:
        return False  # not now; a service that has died is noticed elsewhere
