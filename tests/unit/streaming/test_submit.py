"""Submitting a job: what stands in its way is told in a line."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.store import open_store
from pipeline.streaming import submit as submitting
from pipeline.streaming.graph import Job
from pipeline.streaming.setup import EngineSetup


def test_a_source_in_java_where_there_is_no_java_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/numbers.db"
    setup = EngineSetup(url, "redis://127.0.0.1:1/0", refresh_s=1, account=None, dedup_days=7, held_bytes_max=0)
    job = Job(["kafka://user:secret@127.0.0.1:1/events"], f"{tmp_path}/rejects", setup)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(submitting, "check_inputs", lambda inputs: None)  # no broker is needed to come so far
    with (
        closing(open_store(url, create=True)) as store,
        pytest.raises(UsageError, match=r"the job was not taken: .*Java") as no,
    ):
        options = ["--job_endpoint=127.0.0.1:1"]
        submitting.submit("PortableRunner", options, job, store, shards=8, snapshot=Snapshot.of([]), stopped=lambda: True)
    assert "\n" not in str(no.value) and "secret" not in str(no.value)
