"""Owns what an engine knows a running job's state by: labels of steps, and coders between them and in their state.

`python -m tests.support.job_graphs` renews the file that tests hold jobs to.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.portability.common_urns import coders

from pipeline.sources.blocks import block_of_records
from pipeline.streaming.acknowledge import part_done, parts_of
from pipeline.streaming.definitions import NUMBER_BYTES
from pipeline.streaming.graph import Job, build
from pipeline.streaming.match import Part
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.taken import Receipt, Taken
from tests.support.hits import event, hits_of, snapshot_of

HELD = Path(__file__).parents[1] / "engines" / "graph.json"
KEPT = HELD.with_name("graph_kept.json")
REDIS, PUBSUB, KAFKA = (
    "redis://redis.test:6379/0?stream=events",
    "pubsub://shop-project/events",
    "kafka://kafka.test:9092/events",
)
SETUP = EngineSetup("bigtable://shop-project/counts", "redis://redis.test:6379/0", 1.0, None, 7, 1 << 26)
REJECTS = "pubsub://shop-project/rejects"
JOBS = {
    "redis": Job([REDIS], REJECTS, SETUP),
    "pubsub, kafka": Job([PUBSUB, KAFKA], REJECTS, SETUP),
    "redis on Dataflow": Job([REDIS], REJECTS, SETUP, by_engine=True, from_the_side=True),
    "pubsub on Dataflow": Job([PUBSUB], REJECTS, SETUP, by_engine=True, from_the_side=True),
}
# Of Beam's own making inside, with whatever coders.
BEAMS = ("Tick/", "Spread takers", "Read messages")
ALL_KNOW = {
    urn.urn.removeprefix("beam:coder:")
    for urn in (coders.BYTES, coders.VARINT, coders.KV, coders.STRING_UTF8, coders.DOUBLE, coders.NULLABLE)
}

RECEIPT = Receipt(0, ["1-0", "2-0"])
DEFINITIONS = snapshot_of()

Steps = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Graph:
    """A job as engines get it."""

    proto: beam_runner_api_pb2.Pipeline

    def steps(self) -> Steps:
        """Label -> what a step gives, remembers and is given, of all steps that do something themselves."""
        found = {step.unique_name: self._step(step) for step in self._leaves()}
        return dict(sorted(found.items()))

    def _leaves(self) -> Iterator[beam_runner_api_pb2.PTransform]:
        steps = self.proto.components.transforms.values()
        return (s for s in steps if s.spec.urn and not s.subtransforms and not s.unique_name.startswith("Read records"))

    def _step(self, step: beam_runner_api_pb2.PTransform) -> dict[str, Any]:
        kept = {
            "does": step.spec.urn.removeprefix("beam:transform:"),
            "reads": self._coders(step.inputs),
            "gives": self._coders(step.outputs),
        }
        if step.spec.urn == common_urns.primitives.PAR_DO.urn:
            kept |= self._kept(beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload))
        if kept.get("timers"):
            known = self.proto.components.transforms.items()
            kept["id"] = next(name for name, other in known if other.unique_name == step.unique_name)
        return {name: value for name, value in kept.items() if value}

    def _kept(self, step: beam_runner_api_pb2.ParDoPayload) -> dict[str, Any]:
        return {
            "state": {name: self._state(spec) for name, spec in sorted(step.state_specs.items())},
            "timers": {
                name: self.coder(spec.timer_family_coder_id) for name, spec in sorted(step.timer_family_specs.items())
            },
            "restriction": self.coder(step.restriction_coder_id) if step.restriction_coder_id else None,
            "from the side": {name: view.access_pattern.urn for name, view in sorted(step.side_inputs.items())},
        }

    def _state(self, spec: beam_runner_api_pb2.StateSpec) -> str:
        kind = spec.WhichOneof("spec")
        held = getattr(spec, kind)
        return f"{kind.removesuffix('_spec')} of {self.coder(getattr(held, 'element_coder_id', '') or held.coder_id)}"

    def _coders(self, collections: Mapping[str, str]) -> dict[str, str]:
        known = self.proto.components.pcollections
        return {tag: self.coder(known[name].coder_id) for tag, name in sorted(collections.items())}

    def coder(self, name: str) -> str:
        """A coder with its parts, `kv:v1(bytes:v1, varint:v1)`."""
        coder = self.proto.components.coders[name]
        parts = ", ".join(map(self.coder, coder.component_coder_ids))
        return coder.spec.urn.removeprefix("beam:coder:") + (f"({parts})" if parts else "")


def graph_of(job: Job) -> Graph:
    """A job's graph before an engine made it its own. Kafka's source, which is expanded by Java, is left out."""
    root = beam.Pipeline(options=PipelineOptions(["--streaming"]))
    with mock.patch("pipeline.streaming.kafka.ReadFromKafka", lambda *_, **__: beam.Impulse()):
        build(root, job)
    return Graph(root.to_runner_api())


def unknown_to_some(steps: Steps) -> Sequence[str]:
    """Where coders stand that are one version's of Beam, Python or this code: between steps, and in what they remember."""
    found = []
    for label, step in steps.items():
        if label.startswith(BEAMS):
            continue
        reads = {f"reads from {tag}": coder for tag, coder in step.get("reads", {}).items()}
        kept = {**step.get("state", {}), **step.get("timers", {}), "restriction": step.get("restriction", "")}
        found += [f"{label}: {name} {coder}" for name, coder in {**reads, **kept}.items() if _words(coder) - ALL_KNOW]
    return found


def _words(coder: str) -> set[str]:
    known = coder.rpartition(" of ")[2].replace("timer:v1", "").replace("global_window:v1", "")
    return set(known.replace("(", " ").replace(")", " ").replace(",", " ").split())


def held() -> dict[str, Steps]:
    """What running jobs are known to have: job -> its steps."""
    found: dict[str, Steps] = json.loads(HELD.read_text())
    return found


def kept() -> dict[str, bytes]:
    """What running jobs have in their state and between their steps, by the name of its kind."""
    return {name: bytes.fromhex(data) for name, data in json.loads(KEPT.read_text()).items()}


def made() -> dict[str, bytes]:
    """The same as it is made now."""
    [hits] = hits_of(
        DEFINITIONS, [event("m1", "v1", "03T10:15", 2.5), event("m2", None, "04T00:00", "x"), event("m3", "v2", "03T10:16")]
    )
    taken = Taken(block_of_records("events", 0, [b"{}", b"\xff"], ["events@1-0", "events@2-0"], "acme"), RECEIPT)
    definitions = (7).to_bytes(NUMBER_BYTES, "big") + zlib.compress(DEFINITIONS.to_bytes(), 1)
    notes = {"part done": part_done(1), "parts of": parts_of(1, RECEIPT), "definitions": definitions}
    return {"taken": taken.to_bytes(), "part": Part(b"b" * 16, 1, 7, hits).to_bytes(), "hits": hits, **notes}


def _renew() -> None:
    jobs = {name: graph_of(job).steps() for name, job in JOBS.items()}
    lines = (
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(label)}: {json.dumps(step)}" for label, step in steps.items())
        + "\n }"
        for name, steps in jobs.items()
    )
    HELD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    KEPT.write_text(json.dumps({name: data.hex() for name, data in made().items()}, indent=1) + "\n")


if __name__ == "__main__":
    _renew()
