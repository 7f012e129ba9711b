"""Definitions files as a source: strict, and re-read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.definitions.file import examine_file, load_file, locate_documents
from pipeline.definitions.source import FileDefinitions, open_definitions
from pipeline.model.definition import DefinitionError
from pipeline.model.errors import UsageError
from tests.support.definitions import account_document, metric_document

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def write(path: Path, *documents: object) -> str:
    path.write_text("\n---\n".join(json.dumps(document) for document in documents))
    return str(path)


def test_a_file_of_several_accounts_is_one_snapshot(tmp_path: Path):
    path = write(tmp_path / "all.yaml", account_document(), account_document(account="beta"))
    assert list(load_file(path).accounts) == ["acme", "beta"]


def test_a_bad_file_is_refused_as_a_whole_and_the_place_begins_with_the_file(tmp_path: Path):
    path = write(tmp_path / "acme.yaml", account_document(metric_document(), metric_document(id="b", where=3)))
    with pytest.raises(DefinitionError) as refused:
        open_definitions(path).read()
    assert str(refused.value).startswith(f"{path}: metrics[1] (b): where: 3; write a condition")
    assert refused.value.path == f"{path}: metrics[1] (b): where"


def test_in_a_file_of_several_accounts_the_place_names_the_account(tmp_path: Path):
    path = write(tmp_path / "all.yaml", account_document(), {"account": "beta", "x": 1}, {"x": 1}, 3)
    _, errors = examine_file(path)
    assert [error.path.removeprefix(f"{path}: ") for error in errors] == [
        "beta: x", "documents[2] null: x", "documents[2] null: account", "documents[3] null",
    ]  # fmt: skip


def test_an_account_that_is_written_twice_is_refused(tmp_path: Path):
    path = write(tmp_path / "all.yaml", account_document(), account_document())
    with pytest.raises(DefinitionError, match=r"all\.yaml: acme: account: written twice; make one document of the two"):
        load_file(path)


def test_the_account_can_be_given_from_outside(tmp_path: Path):
    path = write(tmp_path / "acme.yaml", {"metrics": []})
    assert locate_documents(path, "other")[0].document["account"] == "other"
    several = write(tmp_path / "two.yaml", {"metrics": []}, {"metrics": []})
    with pytest.raises(UsageError, match="it holds 2 accounts; --account goes with a file of one"):
        locate_documents(several, "other")


def test_a_file_is_read_again_and_an_unchanged_one_gives_the_same_snapshot(tmp_path: Path):
    path = write(tmp_path / "acme.yaml", account_document())
    source = open_definitions(path)
    first = source.read()
    assert source.read() is first
    write(tmp_path / "acme.yaml", account_document(metric_document(id="new")))
    assert list(source.read().accounts["acme"].metrics) == ["new"]


def test_a_file_broken_later_leaves_the_last_snapshot_in_force_visibly(tmp_path: Path):
    path = write(tmp_path / "acme.yaml", account_document())
    source = FileDefinitions(path, clock=lambda: NOON)
    first = source.read()
    assert source.stale_since is None
    Path(path).write_text("metrics: [")
    assert source.read() is first
    assert source.stale_since == NOON
    assert source.stale_reason is not None and source.stale_reason.startswith(f"{path}: line 2")
    Path(path).unlink()
    assert source.read() is first
    write(tmp_path / "acme.yaml", account_document())
    assert source.read() is first
    assert (source.stale_since, source.stale_reason) == (None, None)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UsageError) as refused:
        open_definitions("postgres://u:secret@h/db")
    assert str(refused.value) == "--definitions postgres://: write redis://HOST:PORT/DB, or a file's path"
