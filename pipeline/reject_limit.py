"""When a run stops because too much is rejected: something is wrong with the input or the definitions, not with records.

Stopping keeps the input: what was just judged is not acknowledged and comes again when the cause is gone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipeline.model.errors import RunError

RATIO_MAX = 0.5
RECORDS_MIN = 10_000  # before a ratio says anything
REMEMBERED = 10 * RECORDS_MIN  # a run that has gone well for months must not take as long to notice

REJECTED = "rejected."


@dataclass(slots=True)
class RejectLimit:
    """The ratio of rejects among the last records. ratio_max 1: no limit."""

    ratio_max: float = RATIO_MAX
    records_min: int = RECORDS_MIN
    _records: float = 0.0
    _rejects: float = 0.0

    def check(self, tally: Counter[str]) -> None:
        """Take in what a chunk came to. Raises RunError when too much of late was rejected."""
        reasons = Counter({name.removeprefix(REJECTED): n for name, n in tally.items() if name.startswith(REJECTED)})
        self._rejects += reasons.total()
        self._records += reasons.total() + tally["events"]
        if self._records >= self.records_min and self._rejects > self.ratio_max * self._records:
            worst, _ = reasons.most_common(1)[0] if reasons else ("", 0)
            raise RunError(
                f"{self._rejects / self._records:.0%} of the last {self._records:,.0f} records were rejected, most as "
                f"{worst}, which is more than --rejects-max {self.ratio_max:g}: look at the rejects, mend the cause and "
                "run again; what was judged last is not acknowledged and comes again"
            )
        if self._records > REMEMBERED:
            self._records, self._rejects = self._records / 2, self._rejects / 2
