"""What a launch on Dataflow needs, looked at before Beam begins: Beam itself tries what fails for minutes, or for ever.

Owns what is particular to that service. What a job does is `graph`'s, its submission `submit`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, SetupOptions, WorkerOptions
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.auth import default as sign_in
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

from pipeline.definitions.connection import REDIS_SCHEMES
from pipeline.model.errors import UsageError
from pipeline.streaming.graph import Job
from pipeline.streaming.sources import scheme_of

# Without the last two Beam signs in as nobody, and takes every refusal for something that passes.
LIBRARIES = ("google.cloud.dataflow", "google.cloud.storage", "google_auth_httplib2", "apitools")
STAGING = ("storage.buckets.get", "storage.objects.create")  # what Beam does to a bucket
ANSWER_S = 5.0

_BUCKET = re.compile(r"gs://([a-z0-9][-_a-z0-9.]+[a-z0-9])(/.*)?")


class Launched(NamedTuple):
    """A job that Dataflow took. `id` is empty where only a template was made, which `url` names then."""

    name: str
    id: str
    url: str


def check(job: Job, given: PipelineOptions) -> None:
    """Raises UsageError, within seconds, for what Dataflow would refuse, or its workers could not do."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise UsageError(f"to launch on Dataflow install daycount[dataflow]: {', '.join(missing)} is not here")
    _check_places(job)
    cloud = given.view_as(GoogleCloudOptions)
    buckets = _buckets(cloud)
    _check_image(given)
    with _explained(cloud):
        if not cloud.no_auth:
            sign_in(scopes=cloud.gcp_oauth_scopes)
        for bucket in buckets:
            _check_bucket(bucket, given)
        if cloud.update:
            _check_update(given)


def _check_places(job: Job) -> None:
    """What is only on the launching machine, or would be shown with the job."""
    if any(scheme_of(url) == "kafka" for url in job.inputs):
        raise UsageError("--input: Kafka isn't read on Dataflow, which shows a login in its job's steps; run it on Flink")
    setup = job.setup
    if scheme_of(setup.store_url) != "bigtable":
        raise UsageError(
            f"--store {setup.store_url}: Dataflow's workers can't write there; name bigtable://PROJECT/INSTANCE"
        )
    if scheme_of(setup.definitions_url) not in REDIS_SCHEMES:
        raise UsageError("--definitions: Dataflow's workers can't read a file from here; name redis://HOST:PORT/DB")
    if not scheme_of(job.rejects):
        raise UsageError(f"--rejects {job.rejects}: Dataflow's workers have no such file; name pubsub://PROJECT/TOPIC")


def _buckets(cloud: GoogleCloudOptions) -> set[str]:
    places = {f"--{name}": getattr(cloud, name) for name in ("temp_location", "staging_location")}
    found = {name: _BUCKET.fullmatch(place) for name, place in places.items() if place}
    for name, match in found.items():
        if match is None:  # Beam would make a bucket of its own
            raise UsageError(f"{name} {places[name]}: name gs://BUCKET/FOLDER")
    if not found:
        raise UsageError("--temp_location gs://BUCKET/FOLDER: say where Dataflow keeps a job's files")
    return {match[1] for match in found.values() if match}


def _check_image(given: PipelineOptions) -> None:
    setup, workers = given.view_as(SetupOptions), given.view_as(WorkerOptions)
    installed = setup.setup_file or setup.requirements_file or setup.extra_packages
    if not (workers.sdk_container_image or installed):
        raise UsageError("--sdk_container_image: name the image that workers run, with Daycount in it")


def _check_bucket(name: str, given: PipelineOptions) -> None:
    from apache_beam.io.gcp.gcsio import create_storage_client

    client = create_storage_client(given, use_credentials=not given.view_as(GoogleCloudOptions).no_auth)
    try:
        held = client.bucket(name).test_iam_permissions(STAGING, timeout=ANSWER_S, retry=None)
    except NotFound:
        raise UsageError(f"gs://{name}: there is no such bucket; make it, or name another") from None
    if lacking := set(STAGING) - set(held):
        raise UsageError(f"gs://{name}: who launches the job lacks {' and '.join(sorted(lacking))} there")


def _check_update(given: PipelineOptions) -> None:
    """Beam's own look for the job (2.77) never ends where there is none: it takes an empty page token for another page."""
    from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient
    from google.cloud.dataflow import JobState, ListJobsRequest

    cloud = given.view_as(GoogleCloudOptions)
    if not (cloud.project and cloud.region and cloud.job_name):
        raise UsageError("--update: name the running job with --project, --region and --job_name")
    wanted = ListJobsRequest(project_id=cloud.project, location=cloud.region, filter=ListJobsRequest.Filter.ACTIVE)
    jobs = DataflowApplicationClient(given)._jobs_client.list_jobs(wanted, timeout=ANSWER_S)
    states = (JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_DRAINING)
    if not any(job.name == cloud.job_name and job.current_state in states for job in jobs):
        raise UsageError(f"--update: no job {cloud.job_name} is running in {cloud.region}; launch it without --update")


@contextmanager
def _explained(cloud: GoogleCloudOptions) -> Iterator[None]:
    try:
        yield
    except DefaultCredentialsError:
        raise UsageError(
            "nobody is signed in to Google Cloud here: run gcloud auth application-default login, "
            "or name a key in GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    except (GoogleAPICallError, GoogleAuthError, OSError) as e:
        first = (str(e).strip().splitlines() or [type(e).__name__])[0]
        raise UsageError(f"--project {cloud.project}, --region {cloud.region}: Google Cloud says: {first[:300]}") from e


def launched(result: Any, given: PipelineOptions) -> Launched:
    """What Dataflow made of it."""
    cloud = given.view_as(GoogleCloudOptions)
    if not result.has_job:
        return Launched(cloud.job_name, "", cloud.template_location)
    found = f"{cloud.region}/{result.job_id()}?project={cloud.project}"
    return Launched(cloud.job_name, result.job_id(), f"https://console.cloud.google.com/dataflow/jobs/{found}")
