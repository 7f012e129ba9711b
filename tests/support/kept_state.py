"""Owns a step's state and timers as an engine would keep them, for tests of one step alone."""

from __future__ import annotations

from typing import Any


class KeptBag:
    """Values that were added, in order."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def read(self) -> list[Any]:
        return list(self.values)

    def add(self, value: Any) -> None:
        self.values.append(value)

    def clear(self) -> None:
        self.values = []


class KeptValue:
    """The value that was written last."""

    def __init__(self) -> None:
        self.value: Any = None

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value = value

    def clear(self) -> None:
        self.value = None


class KeptTimer:
    """Until when it is set; None: it isn't."""

    def __init__(self) -> None:
        self.at: Any = None

    def set(self, at: Any) -> None:
        self.at = at

    def clear(self) -> None:
        self.at = None
