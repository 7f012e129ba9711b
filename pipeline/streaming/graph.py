"""The whole graph of a job without end, under labels that stay: an engine finds a job's state again by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pipeline import AppliedPTransform

from pipeline.definitions.connection import REDIS_SCHEMES
from pipeline.streaming.acknowledge import Acknowledge, Told
from pipeline.streaming.commit import CommitUnits
from pipeline.streaming.complete import TellComplete
from pipeline.streaming.definitions import ReadDefinitions, side_input, ticks
from pipeline.streaming.match import RECEIPTS, REJECTS, KeepRejects, MatchRecords
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.sources import scheme_of, take
from pipeline.streaming.workers import EngineWorkersHandle

NOTE = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Job:
    """What a job is told. by_engine: the engine has a source of its own for Pub/Sub. from_the_side: it shows steps a side
    input that changes; else each process reads definitions itself, every `setup.refresh_s` seconds too.
    """

    inputs: Sequence[str]
    rejects: str
    setup: EngineSetup
    by_engine: bool = False
    from_the_side: bool = False


def build(root: beam.Pipeline, job: Job) -> None:
    """Take, match, commit by shard, acknowledge; definitions come in from the side."""
    workers = EngineWorkersHandle(job.setup)
    from_redis = all(scheme_of(url) in REDIS_SCHEMES for url in job.inputs)
    definitions = []
    if job.from_the_side or from_redis:
        ticking = ticks(root, job.setup.refresh_s)
    if job.from_the_side:
        read = ticking | "Read definitions" >> beam.ParDo(ReadDefinitions(job.setup)).with_output_types(bytes)
        definitions = [side_input(read)]
    if from_redis:
        ticking | "Tell how far" >> beam.ParDo(TellComplete(job.inputs, job.setup))
    taken = [take(root, n, url, by_engine=job.by_engine) for n, url in enumerate(job.inputs)]
    matching = beam.ParDo(MatchRecords(workers), *definitions).with_output_types(
        tuple[int, bytes], **{REJECTS: bytes, RECEIPTS: NOTE}
    )
    matched = (
        taken | "All inputs" >> beam.Flatten() | "Match records" >> matching.with_outputs(REJECTS, RECEIPTS, main="hits")
    )
    kept = matched[REJECTS] | "Keep rejects" >> beam.ParDo(KeepRejects(job.rejects)).with_output_types(NOTE)
    committed = matched["hits"] | "Commit units" >> beam.ParDo(CommitUnits(workers)).with_output_types(NOTE)
    done = (
        (kept, committed, matched[RECEIPTS])
        | "What is done" >> beam.Flatten()
        | "Acknowledge" >> beam.ParDo(Acknowledge(job.inputs)).with_output_types(Told)
    )
    timed = [committed, done]
    if any(scheme_of(url) == "kafka" for url in job.inputs):
        from pipeline.streaming.kafka_offsets import TellOffsets

        timed.append(done | "Tell offsets" >> beam.ParDo(TellOffsets(job.inputs)))
    _number_first(*timed)


def _number_first(*timed: beam.PCollection) -> None:
    """Flink's runner knows a timer by the id of its step, which ends in a running number. Steps with timers are given the
    first of these, whatever else there is, so that a job goes on from a savepoint with another input, or under another Beam.
    """
    for given in timed:
        step = given.producer
        assert step is not None, "what a step gives"
        given.pipeline.component_id_map.get_or_assign(step, AppliedPTransform, step.full_label)
