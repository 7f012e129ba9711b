"""How a bad condition is reported. Owns the error and the way places are written; not the rules."""

from __future__ import annotations

from pipeline.model.errors import UsageError


class ConditionError(UsageError):
    """A condition that is refused: `path` is the place in it (`$or[1].properties.total.$gte`, empty: the whole)."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(_one_line(f"condition at {path}: {problem}" if path else f"condition: {problem}"))
        self.path = path
        self.problem = problem

    def __reduce__(self) -> tuple[type[ConditionError], tuple[str, str]]:
        return ConditionError, (self.path, self.problem)


def _one_line(text: str) -> str:
    """Keys come from clients: line ends and terminal controls in them are shown, not obeyed."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def below(place: str, key: str | int) -> str:
    """The place one step further in: by key of an object or by index of a list."""
    if isinstance(key, int):
        return f"{place}[{key}]"
    return f"{place}.{key}" if place else key
