"""Reads a source that hands out records one taker after the other, such as a consumer group: an SDF over takes.

The restriction counts takes, nothing else: where the records stand is the source's to know. A position that isn't the
next one tells that the engine went back, and so that what was taken since may be lost to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import apache_beam as beam
from apache_beam.coders import Coder, NullableCoder, TupleCoder, VarIntCoder
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider, WatermarkEstimatorProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.shared import Shared
from apache_beam.utils.timestamp import Duration, Timestamp

from pipeline.streaming.taken import Taken

T = TypeVar("T")

FOREVER = 2**62
TAKES_MAX = 16  # in one go; then the engine may make a checkpoint
IDLE_S = 0.1


class Taker(Protocol):
    """One of those who share a source."""

    def take(self) -> tuple[list[Taken], float]:
        """(What is there now; how many seconds to wait before the next look). Doesn't wait itself.

        **Retry:** gives other records. Raises RunError for what won't pass.
        """

    def begin_again(self) -> None:
        """What was taken and not acknowledged may be lost: give it again, as far as the source knows it."""


class Takers(Generic[T]):
    """A process's takers by number. They outlive the steps that use them, which engines make and drop as they like."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_number: dict[int, T] = {}

    def get(self, number: int, make: Callable[[int], T]) -> T:
        with self._lock:
            if number not in self._by_number:
                self._by_number[number] = make(number)
            return self._by_number[number]


class _Positioned:
    """A taker, and the position that its next take has unless the engine went back."""

    def __init__(self, taker: Taker) -> None:
        self.taker = taker
        self.next = -1


Range = tuple[int, int]  # of takes: the first, and the one behind the last


class _Takes(OffsetRestrictionTracker):
    """Takes can be put off, and not be divided among others. Ranges are pairs, whose coder all engines and versions know."""

    def __init__(self, takes: Range) -> None:
        super().__init__(OffsetRange(*takes))

    def current_restriction(self) -> Range:
        return _pair(super().current_restriction())

    def is_bounded(self) -> bool:
        return False

    def try_split(self, fraction_of_remainder: float) -> Any:
        split = super().try_split(fraction_of_remainder) if fraction_of_remainder == 0 else None
        return split and tuple(_pair(part) for part in split)


def _pair(takes: OffsetRange) -> Range:
    return takes.start, takes.stop


class _TakesProvider(RestrictionProvider):
    def initial_restriction(self, element: int) -> Range:
        return 0, FOREVER

    def create_tracker(self, restriction: Range) -> _Takes:
        return _Takes(restriction)

    def restriction_size(self, element: int, restriction: Range) -> int:
        return 1

    def restriction_coder(self) -> Coder:
        return TupleCoder((VarIntCoder(), VarIntCoder()))


class _Watermark(ManualWatermarkEstimator):
    def get_estimator_state(self) -> int | None:
        at = self.current_watermark()
        return None if at is None else int(at.micros)


class _WatermarkProvider(WatermarkEstimatorProvider):
    """Keeps a watermark as its microseconds, which the next version of the job, and of Beam, can read."""

    def initial_estimator_state(self, element: int, restriction: Range) -> None:
        return None

    def create_watermark_estimator(self, micros: int | None) -> _Watermark:
        return _Watermark(None if micros is None else Timestamp(micros=micros))

    def estimator_state_coder(self) -> Coder:
        return NullableCoder(VarIntCoder())


class TakeRecords(beam.DoFn):
    """A taker's number -> its records without end, as `Taken` in bytes. make: a taker by its number, in the process."""

    def __init__(self, make: Callable[[int], Taker]) -> None:
        self._make = make
        self._shared = Shared()

    def setup(self) -> None:
        self._takers: Takers[_Positioned] = self._shared.acquire(Takers)

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        number: int,
        takes: Any = beam.DoFn.RestrictionParam(_TakesProvider()),
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(_WatermarkProvider()),
    ) -> Iterator[TimestampedValue]:
        mine = self._takers.get(number, lambda n: _Positioned(self._make(n)))
        position, _ = takes.current_restriction()
        if position != mine.next:
            mine.taker.begin_again()
        for at in range(position, position + TAKES_MAX):
            if not takes.try_claim(at):
                return
            mine.next = at + 1
            now = Timestamp.now()
            found, pause_s = mine.taker.take()
            for taken in found:
                yield TimestampedValue(taken.to_bytes(), now)
            watermark.set_watermark(now)
            if pause_s:
                break
        takes.defer_remainder(Duration(micros=round(pause_s * 1e6)))


def take_side_by_side(root: beam.Pipeline, name: str, make: Callable[[int], Taker], count: int) -> beam.PCollection:
    """What `count` takers give. name: tells this source's steps from those of others."""
    return (
        root
        | f"Start takers {name}" >> beam.Impulse()  # `Create` has steps that are called otherwise in each version of Beam
        | f"Name takers {name}" >> beam.FlatMap(lambda _: range(count)).with_output_types(int)
        | f"Spread takers {name}" >> beam.Reshuffle()
        | f"Take records {name}" >> beam.ParDo(TakeRecords(make)).with_output_types(bytes)
    )
