"""Owns which ports servers of tests are told to listen at."""

from __future__ import annotations

import random
import socket

# Below those that systems give to outgoing connections and to servers that take any (32768 on Linux, 49152 elsewhere): none
# of them comes in between while a server that was told its port is still starting.
LOWEST, HIGHEST = 12_000, 32_000

_given: set[int] = set()
_chance = random.SystemRandom()  # other workers choose at the same time, with the same seed


def free_port() -> int:
    """A port of this machine that nobody listens at, and that this process has not been given before."""
    while True:
        port = _chance.randrange(LOWEST, HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
