"""Owns which epoch results are of, and when it began and ended."""

from __future__ import annotations

from datetime import datetime

from pipeline.model.experiment import Epoch, Experiment


def epoch_for_results(experiment: Experiment, now: datetime) -> Epoch:
    """The latest that has an allocation and has begun; before the first has begun, the latest with an allocation."""
    allocated = [epoch for epoch in experiment.epochs if any(epoch.allocation.values())] or [experiment.epoch]
    begun = [epoch for epoch in allocated if epoch.effective_at is None or _moment(epoch.effective_at) <= now]
    return (begun or allocated)[-1]


def span(experiment: Experiment, epoch: Epoch) -> tuple[str | None, str | None]:
    """From when until when, RFC 3339; None: ever since, and open. Ends with the next epoch or the experiment."""
    later = [other.effective_at for other in experiment.epochs if other.number > epoch.number and other.effective_at]
    ends = [end for end in (later[0] if later else None, experiment.end) if end]
    starts = [start for start in (epoch.effective_at, experiment.start) if start]
    return max(starts, key=_moment, default=None), min(ends, key=_moment, default=None)


def is_over(experiment: Experiment, epoch: Epoch, now: datetime) -> bool:
    """Whether nobody can be assigned in this epoch any more."""
    until = span(experiment, epoch)[1]
    return until is not None and _moment(until) <= now


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
