"""Chunks of a source, and up to when they say that everything is in them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline import local
from pipeline.sources.blocks import Block

BLOCK = Block("in", 0, 2, 2, data=b"{}")


def test_what_comes_during_a_look_is_not_said_to_be_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "CHUNK_BLOCKS", 1)  # a chunk ends in the middle of a look
    began: list[datetime] = []

    def looks() -> Iterator[Block | None]:
        for _ in range(3):
            began.append(datetime.now(UTC))
            for _ in range(2):
                yield BLOCK
                time.sleep(0.002)
            yield None

    chunks = list(local.chunks(looks(), live=True))
    ended = [chunk for chunk in chunks if not chunk.more]
    assert [len(chunk.blocks) for chunk in chunks] == [1, 1, 0] * 3
    assert all(chunk.looked <= look for chunk, look in zip(ended, began, strict=True))
    assert all(chunk.looked >= look for chunk, look in zip(ended[1:], began, strict=False))


def test_a_look_that_goes_on_for_long_moves_it_all_the_same() -> None:
    def looks() -> Iterator[Block | None]:
        for _ in range(3):
            yield BLOCK
            yield None

    looked = [chunk.looked for chunk in local.chunks(looks(), live=True)]
    assert looked == sorted(looked)


def test_chunks_are_larger_where_there_are_many_accounts() -> None:
    sizes = [local.chunk_bytes(accounts) for accounts in (0, 1, 7_000, 10_000, 1_000_000)]
    assert sizes == sorted(sizes)
    assert sizes[:2] == [local.CHUNK_BYTES] * 2
    assert local.CHUNK_BYTES < sizes[2] < sizes[3] <= sizes[4] == local.CHUNK_BYTES_MAX
