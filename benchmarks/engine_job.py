"""A job of `daycount run` on an engine, the stream that it reads, and the local driver on the same records."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from benchmarks import daycount
from benchmarks.contestants import fresh_target
from benchmarks.daycount import Target
from benchmarks.processes import ROOT

STREAM, LOCAL_STREAM, GROUP = "events", "local", "daycount"
_SEND = 500  # entries in a round trip
_POLL_S = 0.02
_WAIT_S = 600.0


class Stream:
    """What a producer does, and how far its consumers are."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(redis_url)

    def send(self, lines: Sequence[bytes], account: str = "bench", name: str = STREAM) -> None:
        for at in range(0, len(lines), _SEND):
            with self._client.pipeline(transaction=False) as together:
                for line in lines[at : at + _SEND]:
                    together.xadd(name, {"data": line, "account": account})
                together.execute()

    def acknowledged(self) -> int:
        [group] = self._client.xinfo_groups(STREAM)
        return int(group["entries-read"] or 0) - int(group["pending"])

    def done(self) -> bool:
        [group] = self._client.xinfo_groups(STREAM)
        return group["lag"] == 0 and group["pending"] == 0

    def close(self) -> None:
        self._client.close()


class EngineJob:
    """options: of the engine's runner, as `--name=value`."""

    def __init__(self, redis_url: str, target: Target, options: Sequence[str]) -> None:
        words = [word for option in options if option != "--streaming" for word in option.split("=", 1)]
        self._command = [
            sys.executable, "-m", "pipeline", "run", "--follow", "--input", f"{redis_url}?stream={STREAM}",
            "--store", target.store, "--create-tables", "--definitions", redis_url,
            "--rejects", f"{redis_url}?stream=rejects", *words,
        ]  # fmt: skip
        self._environment = {**os.environ, **target.environment}
        self._process: subprocess.Popen[str] | None = None

    def begin(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [*self._command, *words], cwd=ROOT, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def until(self, holds: Callable[[], bool]) -> float:
        """Wait until something is so; the moment. Raises SystemExit where the job ends before that."""
        assert self._process is not None
        deadline = time.monotonic() + _WAIT_S
        while not holds():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise SystemExit(f"the job ended, or took too long: {self._process.communicate()[1][-2_000:]}")
            time.sleep(_POLL_S)
        return time.monotonic()

    def end(self) -> None:
        """Ask the command to end, unless it has: on Prism the job ends with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=60)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def local_rate(redis_url: str, lines: Sequence[bytes], store: str, folder: Path) -> float:
    """Events/s that the local driver takes from a stream with these lines, by its own clock."""
    stream = Stream(redis_url)
    stream.send(lines, name=LOCAL_STREAM)
    stream.close()
    with fresh_target(store, folder) as (target, _):
        _, summary = daycount.run(f"{redis_url}?stream={LOCAL_STREAM}", target, 1)
    return float(summary["events"] / summary["seconds"])
