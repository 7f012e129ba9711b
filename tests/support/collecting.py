"""Owns collectors that run as processes of their own, and Segment's real client that sends to them."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import segment.analytics as segment

from tests.support.daycount import command, daycount, environment_of

TIMEOUT_S = 120.0
POLL_S = 0.02


class CollectorProcess:
    """A running `daycount collect`. What it says on stderr is kept."""

    name, greeting = "collect", "Daycount is collecting on http://"

    def __init__(self, words: Sequence[str], environment: dict[str, str] | None, start: Callable[[], None] | None) -> None:
        self.process = subprocess.Popen(
            command(self.name, *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_of(environment),
            preexec_fn=start,
        )
        self.said: list[str] = []
        assert self.process.stderr is not None and self.process.stdout is not None
        self._listener = threading.Thread(target=lambda: self.said.extend(self.process.stderr or ()), daemon=True)
        self._listener.start()
        line = self.process.stdout.readline()
        assert line.startswith(self.greeting), "".join(self.said)
        self.url = line.split()[-1]

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has one."""
        code = self.process.wait(TIMEOUT_S)
        self._listener.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


@contextmanager
def collecting(
    *words: str, environment: dict[str, str] | None = None, start: Callable[[], None] | None = None
) -> Iterator[CollectorProcess]:
    """A collector, on a free port unless told otherwise. start: called in its process before it begins."""
    port = [] if "--port" in words else ["--port", "0"]
    collector = CollectorProcess([*words, *port], environment, start)
    try:
        yield collector
    finally:
        if collector.process.poll() is None:
            collector.end(signal.SIGKILL)


class Sender:
    """Segment's client. `failures`: what it gave up on, `lost`: so many events; none where nothing may be lost."""

    def __init__(self, url: str, key: str, **options: Any) -> None:
        self.failures: list[Exception] = []
        self.lost = 0
        given = {"upload_size": 20, "upload_interval": 0.05, "timeout": 60, **options}
        self.client = segment.Client(key, host=url, on_error=self._give_up, **given)
        self.sent: list[dict[str, Any]] = []

    def track(self, user: str, event: str, properties: dict[str, Any]) -> None:
        taken, message = self.client.track(user, event, properties)
        assert taken
        self.sent.append(message)

    def _give_up(self, error: Exception, batch: Sequence[Any]) -> None:
        self.failures.append(error)
        self.lost += len(batch)

    @property
    def ids(self) -> set[str]:
        return {message["messageId"] for message in self.sent}

    def close(self) -> None:
        """Sends what it still has."""
        self.client.shutdown()


def create_key(redis_url: str, account: str, role: str = "collect") -> str:
    done = daycount("keys", "create", "--account", account, "--role", role, "--definitions", redis_url)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def lines_of(folder: Path) -> list[bytes]:
    """All whole lines of a folder's files."""
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().split(b"\n")[:-1]]


def events_of(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Looks again and again, up to a deadline."""
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(POLL_S)
