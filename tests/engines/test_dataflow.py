"""A launch on Dataflow as people type it, up to what reaches the service: the job, the graph, and what is in neither."""

from __future__ import annotations

import base64
import bz2
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from tests.support.dataflow_service import BUCKET, PROJECT, REGION, DataflowService
from tests.support.daycount import Shop, daycount, refusal, write_definitions
from tests.support.job_graphs import Graph, held
from tests.support.pubsub_emulator import PubSubEmulator, pubsub_emulator
from tests.support.pubsub_feed import PubSubFeed
from tests.support.records import ORDERS

__all__ = ["pubsub_emulator"]

IMAGE = "registry.test/daycount-dataflow:1.2.3"
VISITOR_KEY = "5e" * 32
PASSWORD = "known-to-few-8f2b"
RUNNING = {"id": "2026-10-01_1", "name": "counts", "currentState": "JOB_STATE_RUNNING"}
OPTIONS = [
    *("--job_name", "counts", "--update", "--transform_name_mapping", '{"Old step": "Commit units"}'),
    *("--num_workers", "2", "--max_num_workers", "7", "--machine_type", "n2-standard-4", "--no_use_public_ips"),
    *("--dataflow_service_options", "enable_google_cloud_profiler", "--experiments", "streaming_mode_at_least_once"),
    *("--service_account_email", "counts@test-project.iam.gserviceaccount.com", "--labels", "team=shop"),
]
_CODED = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


@dataclass(frozen=True)
class Launcher:
    """Someone's machine from which jobs are launched."""

    shop: Shop
    input: str
    service: DataflowService

    def launch(self, *words: str, **environment: str) -> Any:
        given = [*self.shop.run_words(self.input), "--follow", *self.service.words(), *words]
        return daycount(*given, environment={**self.shop.environment, **environment})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataflowService]:
    with closing(DataflowService(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture(scope="module")
def launcher(
    service: DataflowService,
    pubsub_emulator: PubSubEmulator,
    bigtable_emulator: Any,
    redis_server_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Launcher]:
    places = {"PUBSUB_EMULATOR_HOST": pubsub_emulator.host, "BIGTABLE_EMULATOR_HOST": bigtable_emulator.host}
    environment = {**service.environment(), **places, "DAYCOUNT_VISITOR_KEY": VISITOR_KEY}
    definitions = write_definitions(tmp_path_factory.mktemp("pushed") / "d.yaml", ORDERS)
    with (
        closing(PubSubFeed(pubsub_emulator.host)) as events,
        closing(PubSubFeed(pubsub_emulator.host)) as rejects,
        redis.Redis.from_url(redis_server_url) as client,
    ):
        client.acl_setuser("launcher", enabled=True, passwords=[f"+{PASSWORD}"], keys="*", commands=["+@all"])
        url = redis_server_url.replace("redis://", f"redis://launcher:{PASSWORD}@")
        client.flushall()
        pushed = daycount("define", "push", definitions, "--definitions", url)
        assert pushed.returncode == 0, pushed.stderr
        extra = ("--create-tables", "--shards", "32", "--rejects", rejects.topic_url)
        shop = Shop(f"bigtable://{PROJECT}/test-instance?prefix=dataflow-", url, extra=extra, environment=environment)
        yield Launcher(shop, events.url, service)
        client.acl_deluser("launcher")


@pytest.fixture(scope="module")
def launched(launcher: Launcher) -> dict[str, Any]:
    """What the command said of a job that was launched, an update of one that runs."""
    launcher.service.running.append(RUNNING)
    done = launcher.launch("--sdk_container_image", IMAGE, *OPTIONS)
    launcher.service.running.clear()
    assert done.returncode == 0, done.stderr
    assert done.stderr == "daycount: the job goes on at the engine; look after it and stop it there\n"
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture
def job(launched: dict[str, Any], service: DataflowService) -> dict[str, Any]:
    return service.jobs[0]


@pytest.fixture
def graph(launched: dict[str, Any], service: DataflowService) -> beam_runner_api_pb2.Pipeline:
    return service.graphs()[0]


def steps(graph: beam_runner_api_pb2.Pipeline, urn: str) -> dict[str, Any]:
    """Label -> step, of all steps of a kind."""
    return {step.unique_name: step for step in graph.components.transforms.values() if step.spec.urn == urn}


def test_the_command_ends_at_once_and_says_where_the_job_is_to_be_seen(launched: dict[str, Any]) -> None:
    console = f"https://console.cloud.google.com/dataflow/jobs/{REGION}/job-1?project={PROJECT}"
    assert launched == {"name": "counts", "id": "job-1", "url": console}


def test_the_job_streams_with_its_state_in_streaming_engine(job: dict[str, Any]) -> None:
    assert job["type"] in (2, "JOB_TYPE_STREAMING")
    assert {"enable_streaming_engine", "enable_windmill_service", "use_runner_v2"} <= set(job["environment"]["experiments"])


def test_options_of_dataflow_reach_it(job: dict[str, Any]) -> None:
    environment = job["environment"]
    [pool] = environment["workerPools"]
    assert "streaming_mode_at_least_once" in environment["experiments"]
    assert environment["serviceOptions"] == ["enable_google_cloud_profiler"]
    assert environment["serviceAccountEmail"] == "counts@test-project.iam.gserviceaccount.com"
    assert (pool["numWorkers"], pool["autoscalingSettings"]["maxNumWorkers"]) == (2, 7)
    assert (pool["machineType"], pool["ipConfiguration"]) == ("n2-standard-4", 2)  # WORKER_IP_PRIVATE
    assert job["labels"] == {"team": "shop"}


def test_an_update_names_the_job_it_replaces_and_steps_that_were_named_otherwise(job: dict[str, Any]) -> None:
    assert (job["name"], job["replaceJobId"]) == ("counts", RUNNING["id"])
    assert job["transformNameMapping"] == {"Old step": "Commit units"}


def test_workers_run_the_named_image_and_nothing_of_the_launching_machine(
    job: dict[str, Any], graph: beam_runner_api_pb2.Pipeline
) -> None:
    [pool] = job["environment"]["workerPools"]
    assert [image["containerImage"] for image in pool["sdkHarnessContainerImages"]] == [IMAGE]
    [environment] = graph.components.environments.values()
    docker = beam_runner_api_pb2.DockerPayload.FromString(environment.payload)
    assert (environment.urn, docker.container_image) == (common_urns.environments.DOCKER.urn, IMAGE)
    # Names of coders, and what was installed there, to be looked at when something fails.
    sent = {package["name"] for package in pool["packages"]}
    assert sent <= {"pickled_main_session", "submission_environment_dependencies.txt"}


def test_dataflow_itself_reads_the_subscription(launcher: Launcher, graph: beam_runner_api_pb2.Pipeline) -> None:
    [read] = steps(graph, common_urns.composites.PUBSUB_READ.urn).values()
    said = beam_runner_api_pb2.PubSubReadPayload.FromString(read.spec.payload)
    assert said.subscription == launcher.input.replace("pubsub://", "projects/").replace(
        f"{PROJECT}/", f"{PROJECT}/subscriptions/"
    )
    assert said.with_attributes
    assert not said.id_attribute  # what it would drop as doubled we count as such, and more of it


def test_definitions_are_a_side_input_that_changes(graph: beam_runner_api_pb2.Pipeline) -> None:
    [matching] = [s for name, s in steps(graph, common_urns.primitives.PAR_DO.urn).items() if "Match records" in name]
    payload = beam_runner_api_pb2.ParDoPayload.FromString(matching.spec.payload)
    assert [view.access_pattern.urn for view in payload.side_inputs.values()] == [common_urns.side_inputs.ITERABLE.urn]


def test_steps_that_arrive_are_those_that_updates_are_held_to(graph: beam_runner_api_pb2.Pipeline) -> None:
    arrived, known = Graph(graph).steps(), held()["pubsub on Dataflow"]
    read = "Read messages of input 0/Read"  # in Dataflow's hands
    assert set(arrived) == {name for name in known if not name.startswith(f"{read}/")} | {read}
    # Beam takes definitions' coder away from Dataflow: side inputs are whatever they are.
    viewed = {"Newest definitions", "Match records/ParDo(MatchRecords)"}
    differ = {name for name in arrived if name != read and without_id(arrived[name]) != without_id(known[name])}
    assert differ <= viewed
    assert arrived["Match records/ParDo(MatchRecords)"]["gives"] == known["Match records/ParDo(MatchRecords)"]["gives"]


def without_id(step: dict[str, Any]) -> dict[str, Any]:
    """Dataflow goes by labels."""
    return {name: said for name, said in step.items() if name != "id"}


def everything_in(data: bytes) -> str:
    """Data, and what is packed in it as Beam packs functions, at any depth."""
    found, todo = [], [data]
    while todo:
        found.append(todo.pop())
        for coded in _CODED.findall(found[-1]):
            raw = base64.b64decode(coded + b"=" * (-len(coded) % 4))
            for unpack, failure in ((bz2.decompress, OSError), (zlib.decompress, zlib.error)):
                try:
                    todo.append(unpack(raw))
                except failure:
                    continue
    return "\n".join(part.decode("latin-1") for part in found)


def test_no_secret_is_in_the_job_and_the_graph_holds_only_the_definitions_url(
    launched: dict[str, Any], service: DataflowService
) -> None:
    description = json.dumps(service.jobs[0])
    staged = everything_in(b"\n".join(service.staged().values()))
    for said in (description, staged):
        assert VISITOR_KEY not in said and bytes.fromhex(VISITOR_KEY).decode("latin-1") not in said
    assert PASSWORD not in description
    assert PASSWORD in staged  # in the job's bucket; or this test sees nothing of what is packed there


def test_a_template_is_made_and_nothing_launched(launcher: Launcher) -> None:
    before = len(launcher.service.jobs)
    place = f"gs://{BUCKET}/templates/counts.json"
    done = launcher.launch("--sdk_container_image", IMAGE, "--template_location", place)
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["id"], json.loads(done.stdout)["url"]) == ("", place)
    assert len(launcher.service.jobs) == before
    assert json.loads(launcher.service.staged()["templates/counts.json"])["environment"]["workerPools"]


def test_what_dataflow_refuses_ends_in_a_line_that_says_why(launcher: Launcher) -> None:
    launcher.service.refusal = 403, "caller lacks dataflow.jobs.create"
    done = launcher.launch("--sdk_container_image", IMAGE)
    launcher.service.refusal = None
    assert "caller lacks dataflow.jobs.create" in refusal(done)


def test_an_update_of_no_job_is_refused(launcher: Launcher) -> None:
    said = refusal(launcher.launch("--sdk_container_image", IMAGE, "--job_name", "counts", "--update"))
    assert said == f"--update: no job counts is running in {REGION}; launch it without --update"


def test_who_isnt_signed_in_is_told_how(launcher: Launcher, tmp_path: Path) -> None:
    nobody = {"GOOGLE_APPLICATION_CREDENTIALS": "", "CLOUDSDK_CONFIG": str(tmp_path), "NO_GCE_CHECK": "true"}
    said = refusal(launcher.launch("--sdk_container_image", IMAGE, **nobody))
    assert said.startswith("nobody is signed in to Google Cloud here: run gcloud auth application-default login")


def test_without_its_libraries_a_launch_says_what_to_install(launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LIBRARIES)
    here = str(Path(__file__).parents[2])
    said = refusal(launcher.launch("--sdk_container_image", IMAGE, PYTHONPATH=f"{tmp_path}:{here}"))
    assert said.startswith("to launch on Dataflow install daycount[dataflow]: google.cloud.dataflow")


WITHOUT_LIBRARIES = """
from importlib.machinery import PathFinder

there = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    left_out = name.startswith(("apitools", "google_auth_httplib2", "google.cloud.dataflow", "google.cloud.storage"))
    return None if left_out else there(name, path, target)

PathFinder.find_spec = staticmethod(find_spec)
"""
