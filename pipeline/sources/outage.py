"""While a stream's server is away: when to ask it again, and when a run gives up. Owns no calls."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.model.errors import RunError

PAUSE_MIN_S, PAUSE_MAX_S = 0.2, 5.0  # between attempts
OUTAGE_MAX_S = 10.0  # of a run that takes what there is; one that follows waits for ever


class Outage:
    """One after the other, of one server. follow: wait for ever. clock: seconds, monotonic."""

    def __init__(self, follow: bool, clock: Callable[[], float]) -> None:
        self._follow = follow
        self._clock = clock
        self._try_at = clock()
        self._since: float | None = None
        self._pause = PAUSE_MIN_S

    @property
    def resting(self) -> bool:
        """Whether it is too soon to ask again."""
        return self._clock() < self._try_at

    def go_on(self, away: Exception) -> str:
        """It was asked in vain: rest a while. Gives what to tell people. Raises RunError where it has lasted too long."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        if not self._follow and now - self._since > OUTAGE_MAX_S:
            raise RunError(f"{away}; what stood before is counted, run it again") from away
        self._try_at = now + self._pause
        self._pause = min(2 * self._pause, PAUSE_MAX_S)
        return f"waiting for the input: {away}"

    def end(self) -> None:
        """It has answered."""
        self._since, self._pause = None, PAUSE_MIN_S
