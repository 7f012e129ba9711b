"""Owns the judging of one event by the pipeline's own stages, and what they made of it in plain words.

One metric more is judged, which takes every event: so the stages say of any event when and whose it was, also of one
that no metric of the account wants.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher, Matched
from pipeline.match.parsed import ParsedConditions
from pipeline.model.counter import NO_NUMBER
from pipeline.model.definition import COUNT, AccountDefinitions, Measure, Metric, Snapshot
from pipeline.model.hit import LATE, HitBlock
from pipeline.model.judged import Judged
from pipeline.model.rejects import Reject

# No client's metric can have this id.
EVERY_EVENT = Metric("*", {}, (Measure("events", COUNT),), (), "Every event", "*", {})
SOURCE = "explained"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What decode and match made of an event that was not rejected.

    `time`: ns; `when`: local day and hour (see `calendar`). `metrics`: those that match, each with the values it counts
    under, by breakdown. `micros`: the numbers of their fields, None for what is no number.
    """

    time: int
    when: int
    late: bool
    corrected: bool
    behind: bool
    metrics: dict[str, dict[str, str]]
    micros: dict[str, int | None]


class Judge:
    """Judges events of one account. Compiles once; not for two threads at a time."""

    def __init__(self, definitions: AccountDefinitions) -> None:
        metrics = [*definitions.metrics.values(), EVERY_EVENT]
        with_every = AccountDefinitions.of(definitions.account, definitions.settings, metrics)
        self.definitions = definitions
        self.parsed = ParsedConditions()
        self.trials = Judged.of(definitions).trials
        self._judged = Judged.of(with_every)
        self._matcher = BlockMatcher(Snapshot.of([with_every]), 1, b"", self.parsed)

    def judge(self, line: bytes, now_ns: int) -> Judgement | Reject:
        """What becomes of a record that arrives at now_ns from a source which is of this account."""
        matched = self._matcher.match(line, Span(SOURCE, 0, self.definitions.account), now_ns)
        return matched.rejects[0] if matched.rejects else self._read(matched)

    def _read(self, matched: Matched) -> Judgement:
        ((_, raw),) = matched.hits
        block = HitBlock.from_bytes(raw)
        combo = block.combos[int(block.combo[0])]
        metrics: dict[str, dict[str, str]] = {}
        for series in combo.series:
            metric = self._judged.metrics[series.metric].metric
            values = metrics.setdefault(metric.id, {})
            if series.breakdown:
                values[metric.breakdowns[series.breakdown - 1]] = series.value
        del metrics[EVERY_EVENT.id]
        numbers = zip(combo.fields, block.values.tolist(), strict=True)
        return Judgement(
            time=int(block.time[0]),
            when=int(block.when[0]),
            late=bool(block.flags[0] & LATE),
            corrected=matched.tally["clocks_corrected"] > 0,
            behind=matched.tally["clocks_behind"] > 0,
            metrics=metrics,
            micros={self._judged.fields[f]: None if n == NO_NUMBER else n for f, n in numbers},
        )
