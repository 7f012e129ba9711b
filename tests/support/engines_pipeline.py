"""A small streaming pipeline that uses what Daycount's needs of an engine: a source without end, state and timers by key."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.typehints import Tuple
from apache_beam.utils.timestamp import Duration, Timestamp

from pipeline.streaming.submit import UNDIVIDED

KEYS = 4
WITHOUT_END = 2**40
AT_ONCE = 10
PAUSE_S = 0.1
WAIT_S = 0.5


class FromHere(RestrictionProvider):
    """All numbers from 0 on, taken by one worker."""

    def initial_restriction(self, element: int) -> OffsetRange:
        return OffsetRange(0, WITHOUT_END)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, element: int, restriction: OffsetRange) -> int:
        return 1

    def truncate(self, element: int, restriction: OffsetRange) -> None:
        """A source without end has nothing left to do when it is drained."""


class Count(beam.DoFn):
    """How many numbers there are -> the numbers, some at a time, with pauses for ever."""

    @beam.DoFn.unbounded_per_element()
    def process(
        self, element: int, tracker: OffsetRestrictionTracker = beam.DoFn.RestrictionParam(FromHere())
    ) -> Iterator[tuple[int, bytes]]:
        begin = tracker.current_restriction().start
        for number in range(begin, min(begin + AT_ONCE, element)):
            if not tracker.try_claim(number):
                return
            yield number % KEYS, str(number).encode()
        tracker.defer_remainder(Duration(PAUSE_S))


class Gather(beam.DoFn):
    """(key, number) -> a line in a file with all numbers of a key that came within a while."""

    BAG = BagStateSpec("bag", BytesCoder())
    TIMER = TimerSpec("timer", TimeDomain.REAL_TIME)

    def __init__(self, out: Path, word: str) -> None:
        self._out, self._word = out, word

    def process(self, element: tuple[int, bytes], bag=beam.DoFn.StateParam(BAG), timer=beam.DoFn.TimerParam(TIMER)) -> None:
        if not any(True for _ in bag.read()):  # one that is set again and again would never come
            timer.set(Timestamp(time.time() + WAIT_S))
        bag.add(element[1])

    @on_timer(TIMER)
    def end_bag(self, bag=beam.DoFn.StateParam(BAG)) -> None:
        line = json.dumps({"word": self._word, "numbers": [int(number) for number in bag.read()]})
        bag.clear()
        with os.fdopen(os.open(self._out, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "wb", 0) as out:
            out.write(line.encode() + b"\n")


def submit(options: list[str], out: Path, numbers: int = WITHOUT_END, word: str = "") -> beam.runners.runner.PipelineResult:
    """Start the pipeline; gives its result at once. word: a part of its code that may change."""
    pipeline = beam.Pipeline(options=PipelineOptions([*options, f"--experiments={UNDIVIDED}"]))
    counted = (
        pipeline | "How many" >> beam.Create([numbers]) | "Count" >> beam.ParDo(Count()).with_output_types(Tuple[int, bytes])
    )
    counted | "Gather" >> beam.ParDo(Gather(out, word))
    return pipeline.run()


def numbers_in(out: Path, word: str | None = None) -> list[int]:
    """All numbers that came out, or those with a word; the same ones again where a worker had to begin again."""
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return [number for line in lines if word in (None, line["word"]) for number in line["numbers"]]


def gaps_in(out: Path) -> set[int]:
    """Numbers that are missing below the last one of their key."""
    found = set(numbers_in(out))
    last = {number % KEYS: number for number in sorted(found)}
    return {number for key, end in last.items() for number in range(key, end, KEYS)} - found
