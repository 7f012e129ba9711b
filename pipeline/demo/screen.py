"""Where the demo's numbers appear: tables that are redrawn on a terminal, else a line now and then."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.live import Live

from pipeline.demo.board import Board, line, tables
from pipeline.demo.sending import Sender

REDRAW_EVERY_S = 2.0
LINE_EVERY_S = 5.0


class Screen:
    """Shows boards while its block lasts, beside what the sender has done."""

    def __init__(self, console: Console, sender: Sender, first: Board) -> None:
        self._sender = sender
        self._sent = (time.monotonic(), sender.live_events)
        self._live = Live(tables(first, ""), console=console, auto_refresh=False) if console.is_terminal else None
        self._console = console
        self.every_s = REDRAW_EVERY_S if self._live else LINE_EVERY_S

    def show(self, board: Board) -> None:
        """Show these numbers now."""
        if self._live:
            self._live.update(tables(board, f"{self._status(board)}. Ctrl-C ends the demo."), refresh=True)
        else:
            self._console.print(line(board, self._status(board)), soft_wrap=True, markup=False)

    def _status(self, board: Board) -> str:
        at, before = self._sent
        now, sent = time.monotonic(), self._sender.live_events
        self._sent = (now, sent)
        parts = [f"{sent:,} live events sent, {(sent - before) / max(now - at, 0.001):,.0f}/s"]
        if board.complete_until is not None:
            behind = (datetime.now(UTC) - board.complete_until).total_seconds()
            parts.append(f"the numbers are {behind:.1f} s behind")
        parts.append(f"{board.rejected:,} rejected")
        if self._sender.closed:
            parts.append("the shop has closed for today, its numbers stay")
        return ", ".join(parts)

    def __enter__(self) -> Screen:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.__exit__(kind, error, at)
