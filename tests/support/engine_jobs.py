"""Owns jobs on engines, looked after by their stream's group; and a month of a real shop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import redis

from tests.support.daycount import Shop, daycount, exactly
from tests.support.live_run import LiveRun, live_runs
from tests.support.redis_feed import STREAM, RedisFeed
from tests.support.retail import DEFINITIONS, check_everything, retail_lines

GROUP = "daycount"
SHARDS = "8"
REFRESH_S = "0.5"
REPEATED = 10  # every tenth record is sent again


def as_words(options: Sequence[str]) -> list[str]:
    """Options of a Beam pipeline, `--name=value`, as words of the command, which says --streaming itself."""
    return [word for option in options if option != "--streaming" for word in option.split("=", 1)]


class JobOnEngine:
    """Definitions and records come through one Redis. account: whose records they are; words: more for the command."""

    def __init__(
        self,
        redis_url: str,
        store: str,
        folder: Path,
        words: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        account: str | None = "shop",
    ) -> None:
        self.feed = RedisFeed(redis_url)
        rejects = f"{redis_url}?stream=rejects"
        extra = ("--shards", SHARDS, "--create-tables", "--rejects", rejects, "--refresh-s", REFRESH_S, *words)
        self.shop = Shop(store, redis_url, account, extra=extra, environment=environment or {})
        self._runs = live_runs(self.shop, folder)

    def __enter__(self) -> Self:
        self._begin = self._runs.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._runs.__exit__(*failure)
        self.feed.close()

    def begin(self, *words: str) -> LiveRun:
        """Submit the job."""
        return self._begin(self.feed.url, words=words)

    def taken(self) -> int:
        """How many records are in the engine's hands."""
        return self._group("pending")

    def acknowledged(self) -> int:
        """How many records were counted and acknowledged."""
        return self._group("entries-read") - self.taken()

    def all_taken(self) -> bool:
        """Whether everything sent was given out."""
        return self._group("lag", default=1) == 0

    def done(self) -> bool:
        """Whether everything sent was counted and acknowledged."""
        return self.all_taken() and self.taken() == 0

    def _group(self, name: str, default: int = 0) -> int:
        try:
            groups = self.feed.client.xinfo_groups(STREAM)
        except redis.ResponseError:
            return default  # no stream yet
        found = [group[name] for group in groups if group["name"] == GROUP.encode()]
        return int(found[0] if found and found[0] is not None else default)


class MonthOnEngine(JobOnEngine):
    """A month of a real shop on its way through a job: sent in parts, checked at the end."""

    def __enter__(self) -> Self:
        self._lines = retail_lines()
        pushed = daycount("define", "push", DEFINITIONS, "--definitions", self.shop.definitions)
        assert pushed.returncode == 0, pushed.stderr
        return super().__enter__()

    def send(self, part: int, parts: int) -> None:
        """Some of the month, with what is sent twice."""
        lines = self._lines[part::parts]
        self.feed.send(*lines, *lines[::REPEATED], account=self.shop.account)

    def parts(self, count: int) -> Iterator[int]:
        """Send so many parts, one whenever the next is asked for."""
        for part in range(count):
            self.send(part, count)
            yield part

    def check(self) -> None:
        """Every number of the month, as the shop's books have it, and that nothing was rejected."""
        check_everything(self._query)
        assert self.feed.client.xlen("rejects") == 0

    def _query(self, *metrics: str, **words: str) -> object:
        options = [word for name, value in words.items() for word in (f"--{name.rstrip('_')}", value)]
        done = daycount(
            "query", *metrics, *options, *self.shop.places, "--format", "json", environment=self.shop.environment
        )
        assert done.returncode == 0, done.stderr
        return exactly(done.stdout)
