"""What Dataflow would refuse, or its workers could not do, is told before Beam begins, which tries it for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.model.errors import UsageError
from pipeline.streaming.dataflow import check
from pipeline.streaming.graph import Job
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.submit import options_of
from tests.support.dataflow_service import BUCKET, DataflowService

SETUP = EngineSetup("bigtable://shop/counts", "redis://redis.test:6379/0", 1.0, None, 7, 1 << 26)
JOB = Job(["pubsub://shop/events"], "pubsub://shop/rejects", SETUP, by_engine=True, from_the_side=True)
PLACE = f"--temp_location=gs://{BUCKET}/temp"
GOOD = ["--project=shop-1", "--region=europe-west1", "--no_auth", PLACE, "--sdk_container_image=r/i:1"]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataflowService]:
    with closing(DataflowService(tmp_path)) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.mark.usefixtures("service")
def test_what_can_be_launched_is_not_held_up() -> None:
    check(JOB, PipelineOptions(GOOD))
    installed = [option for option in GOOD if "image" not in option]
    check(JOB, PipelineOptions([*installed, "--setup_file=setup.py"]))


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("without", "with_", "says"),
    [
        ("--temp_location", "", "--temp_location gs://BUCKET/FOLDER: say where"),
        ("--temp_location", "--temp_location=/tmp/x", "--temp_location /tmp/x: name gs://BUCKET/FOLDER"),
        ("", "--staging_location=gs://b/x", "--staging_location gs://b/x: name gs://BUCKET/FOLDER"),
        ("", "--staging_location=gs://nowhere-to-be-found/x", "gs://nowhere-to-be-found: there is no such bucket"),
        ("--region", "--update", "--update: name the running job with --project, --region and --job_name"),
        ("--sdk_container_image", "", "--sdk_container_image: name the image that workers run"),
    ],
)
def test_options_that_lead_nowhere(without: str, with_: str, says: str) -> None:
    kept = [option for option in GOOD if not without or not option.startswith(without)]
    with pytest.raises(UsageError) as refused:
        check(JOB, PipelineOptions([*kept, *([with_] if with_ else [])]))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (replace(JOB, setup=replace(SETUP, store_url="sqlite:////data/counts.db")), "--store sqlite:////data/counts.db"),
        (replace(JOB, setup=replace(SETUP, definitions_url="shop.yaml")), "--definitions"),
        (replace(JOB, rejects="rejects.jsonl"), "--rejects rejects.jsonl"),
    ],
)
def test_places_that_only_the_launching_machine_has(job: Job, says: str) -> None:
    with pytest.raises(UsageError, match=f"{says}: Dataflow's workers"):
        check(job, PipelineOptions(GOOD))


def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    with pytest.raises(UsageError, match=r"Google Cloud says: .*127\.0\.0\.1"):
        check(JOB, PipelineOptions(GOOD))


def test_kafka_is_refused_as_a_job_shows_what_its_steps_are_told() -> None:
    with pytest.raises(UsageError, match="run it on Flink") as refused:
        check(replace(JOB, inputs=["kafka://me:secret@h:9092/t"]), PipelineOptions(GOOD))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max_num_worker", "7"], "--max_num_worker: neither an option of daycount run .* nor one of Beam"),
        (["--max_num_workers", "many"], "--max_num_workers: Beam refuses it: invalid int value: 'many'"),
    ],
)
def test_options_that_nobody_knows_or_that_are_no_numbers(options: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        options_of("DataflowRunner", options)


def test_options_of_a_templates_launcher_may_be_newer_than_beams() -> None:
    options_of("DataflowRunner", ["--template_location=gs://bucket/job", "--launchers_own=1"])
