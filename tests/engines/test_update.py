"""A running job goes on as the next version of itself: Dataflow's `--update`, Flink's savepoints. That takes the same labels
of steps, the same coders, and code that reads what the job before it left.

Where one of these fails the job can't be replaced any more: it is drained, or stopped, and one without its state is begun,
which is as exact. If that is meant, say it in the runbook and renew what is held: python -m tests.support.job_graphs
"""

from __future__ import annotations

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.runners.common import DoFnSignature
from apache_beam.transforms.userstate import BagStateSpec
from apache_beam.typehints import KV, Any

from pipeline.model.hit import HitBlock, split_by
from pipeline.streaming.acknowledge import receipt_if_done
from pipeline.streaming.definitions import Newest
from pipeline.streaming.match import Part
from pipeline.streaming.reading import FOREVER, TakeRecords, _Takes, _WatermarkProvider
from pipeline.streaming.taken import Taken
from tests.support.job_graphs import DEFINITIONS, JOBS, RECEIPT, Graph, graph_of, held, kept, made, unknown_to_some

# Dataflow runs it in one with the step before, so that nothing is written.
BETWEEN_STEPS_IN_ONE = {"Gather messages of input 0: reads from None pickled_python:v1"}


@pytest.mark.parametrize("name", JOBS)
def test_steps_and_coders_are_those_of_jobs_that_run(name: str) -> None:
    now = graph_of(JOBS[name]).steps()
    assert now == held()[name], f"a running job can't be updated or resumed: {__doc__}"


@pytest.mark.parametrize("name", JOBS)
def test_what_a_job_holds_can_be_read_by_another_version_of_beam_and_python(name: str) -> None:
    found = unknown_to_some(graph_of(JOBS[name]).steps())
    assert set(found) == (BETWEEN_STEPS_IN_ONE if name == "pubsub on Dataflow" else set())


class Remembers(beam.DoFn):
    THINGS = BagStateSpec("things", beam.coders.PickleCoder())

    def process(self, element: Any, things: Any = beam.DoFn.StateParam(THINGS)) -> None:
        things.add(element)


def test_a_pickle_between_steps_or_in_state_is_seen() -> None:
    root = beam.Pipeline()
    keyed = root | "One" >> beam.Impulse() | "Any" >> beam.Map(lambda x: (x, x)).with_output_types(KV[bytes, Any])
    keyed | "Remember" >> beam.ParDo(Remembers())
    found = unknown_to_some(Graph(root.to_runner_api()).steps())
    kept_as = "kv:v1(bytes:v1, pickled_python:v1)"
    assert found == [f"Remember: reads from None {kept_as}", "Remember: things bag of pickled_python:v1"]


def test_what_jobs_have_in_work_is_read_as_what_it_was() -> None:
    old, now = kept(), made()
    assert HitBlock.from_bytes(old["hits"]).to_bytes() == now["hits"]
    assert Part.from_bytes(old["part"]).to_bytes() == now["part"]
    assert Taken.from_bytes(old["taken"]).to_bytes() == now["taken"]
    assert receipt_if_done([old["parts of"]]) is None
    assert receipt_if_done([old["part done"], old["parts of"]]) == RECEIPT
    shown = Newest().of([old["definitions"]])
    assert shown is not None and (shown.number, shown.snapshot.to_bytes()) == (7, DEFINITIONS.to_bytes())


def test_a_reader_stands_where_the_one_before_it_stood() -> None:
    taken_up_to = ((5, FOREVER), 1_790_000_000_000_000)
    coder = DoFnSignature(TakeRecords(lambda _: None)).get_restriction_coder()
    assert coder.encode(taken_up_to).hex() == "058080808080808080400180c097d1edff9603"
    assert coder.decode(coder.encode(taken_up_to)) == taken_up_to
    assert coder.decode(coder.encode(((0, FOREVER), None))) == ((0, FOREVER), None)
    watermark = _WatermarkProvider().create_watermark_estimator(taken_up_to[1])
    assert watermark.get_estimator_state() == taken_up_to[1]


def test_takes_are_put_off_from_the_next_one_on() -> None:
    takes = _Takes((3, FOREVER))
    assert takes.try_claim(3) and takes.try_claim(4)
    assert takes.try_split(0.5) is None
    assert takes.try_split(0) == ((3, 5), (5, FOREVER))
    assert takes.current_restriction() == (3, 5)
    assert not takes.try_claim(5)


def test_shards_are_numbers_as_their_coder_gives_them_back() -> None:
    block = HitBlock.from_bytes(made()["hits"])
    shards = list(split_by(np.arange(len(block), dtype=np.uint64) % 2, block))
    assert [type(shard) for shard in shards] == [int, int]
    assert [VarIntCoder().decode(VarIntCoder().encode(shard)) for shard in shards] == shards
