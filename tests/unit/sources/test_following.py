"""Files that grow: whole lines only, each once, and new files of a glob as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.model.errors import UsageError
from pipeline.sources.blocks import Block
from pipeline.sources.following import follow_blocks
from tests.unit.sources.test_files import places


def new(blocks: Iterator[Block | None]) -> list[tuple[int, bytes]]:
    """The lines until there is nothing new."""
    found = []
    while (block := next(blocks)) is not None:
        found.append(block)
    return places(found)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as f:
        f.write(data)


@pytest.mark.parametrize("block_bytes", [13, 14, 21, 1000])
def test_what_is_appended_comes_once_and_in_whole_lines(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "log.jsonl"
    blocks = follow_blocks([str(path)], {}, block_bytes)
    assert new(blocks) == []
    append(path, b"one\ntwo")
    assert new(blocks) == [(0, b"one")]
    assert new(blocks) == []
    append(path, b" and more")
    assert new(blocks) == []
    append(path, b"\n\nthree\n")
    assert new(blocks) == [(4, b"two and more"), (18, b"three")]
    assert new(blocks) == []


def test_a_line_longer_than_a_block_does_not_stop_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    blocks = follow_blocks([str(path)], {}, 1000)
    append(path, b"x" * 2_500_000)
    assert new(blocks) == []
    append(path, b"x\nnext\n")
    assert new(blocks) == [(0, b"x" * 1000), (2_500_002, b"next")]


def test_new_files_of_a_glob_are_found_and_what_was_taken_is_not_taken_again(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"one\ntwo\n")
    blocks = follow_blocks([str(tmp_path / "*.jsonl")], {str(tmp_path / "a.jsonl"): 4})
    assert new(blocks) == [(4, b"two")]
    (tmp_path / "b.jsonl").write_bytes(b"three\n")
    assert new(blocks) == [(0, b"three")]
    (tmp_path / "a.jsonl").unlink()
    assert new(blocks) == []


def test_a_file_that_became_shorter_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"one\ntwo\n")
    blocks = follow_blocks([str(path)], {})
    assert len(new(blocks)) == 2
    path.write_bytes(b"new\n")
    assert new(blocks) == [(0, b"new")]


@pytest.mark.parametrize("name", ["-", "in.jsonl.gz", "s3://bucket/x"])
def test_what_cannot_grow_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--follow takes plain files"):
        next(follow_blocks([name], {}))
