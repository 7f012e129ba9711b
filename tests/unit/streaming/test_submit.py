"""Submitting a job: what stands in its way is told in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.store import Store, open_store
from pipeline.streaming import submit as submitting
from pipeline.streaming.graph import Job
from pipeline.streaming.setup import EngineSetup


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/numbers.db", create=True)) as store:
        yield store


@pytest.fixture
def submit(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Submits a job over a topic to a runner. No broker, and no engine, is needed to come so far."""
    monkeypatch.setattr(submitting, "check_inputs", lambda inputs: None)
    url = f"sqlite:///{tmp_path}/numbers.db"
    setup = EngineSetup(url, "redis://127.0.0.1:1/0", refresh_s=1, account=None, dedup_days=7, held_bytes_max=0)
    job = Job(["kafka://user:secret@127.0.0.1:1/events"], f"{tmp_path}/rejects", setup)
    nothing = Snapshot.of([])
    return lambda runner: submitting.submit(
        runner, ["--job_endpoint=127.0.0.1:1"], job, store, shards=8, snapshot=nothing, stopped=lambda: True
    )


def refused(submit: Callable[[str], object], runner: str = "PortableRunner") -> str:
    with pytest.raises(UsageError) as refusal:
        submit(runner)
    assert "\n" not in str(refusal.value) and "secret" not in str(refusal.value)
    return str(refusal.value)


def test_a_source_in_java_where_there_is_no_java_is_refused_in_a_line(
    submit: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    line = refused(submit)
    assert "the job was not taken: " in line and "Java" in line


@pytest.mark.parametrize("runner", ["Nobodys", "no.such.Runner", "pipeline.Nobodys", "pipeline.streaming.submit"])
def test_a_runner_that_is_none_is_refused_in_a_line(runner: str, submit: Callable[[str], object]) -> None:
    assert f"--runner {runner}: " in refused(submit, runner)
