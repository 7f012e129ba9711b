"""Owns a Redis of one test's own, at one address whenever it runs: stopped and started in the middle of things."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from pipeline.embedded_redis import embedded_redis
from tests.support.ports import free_port
from tests.support.redis_server import redis_binary


class RestartedRedis:
    """It runs from the start on. durable: it comes back with its data."""

    def __init__(self, folder: Path, durable: bool = True) -> None:
        self._folder, self._durable = folder, durable
        self._port = free_port()
        self._running = ExitStack()
        self.url = self.start()

    def start(self) -> str:
        running = embedded_redis(self._folder, port=self._port, durable=self._durable, binary=redis_binary())
        return self._running.enter_context(running)

    def stop(self) -> None:
        self._running.close()
