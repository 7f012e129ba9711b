"""Rows out of chunks, as the ReadRows protocol allows a server to cut them."""

from __future__ import annotations

from typing import Any

from google.cloud.bigtable_v2.types import bigtable

from pipeline.store.bigtable.chunks import Cells, RowAssembler

Response = bigtable.ReadRowsResponse.pb()


def chunk(value: bytes = b"", *, row: bytes = b"", qualifier: bytes | None = None, **rest: Any) -> dict[str, Any]:
    named = {} if qualifier is None else {"qualifier": {"value": qualifier}, "family_name": {"value": "c"}}
    return {"row_key": row, "value": value, **named, **rest}


def assembled(*responses: list[dict[str, Any]], assembler: RowAssembler | None = None) -> list[tuple[bytes, Cells]]:
    assembler = assembler or RowAssembler()
    return [row for chunks in responses for row in assembler.rows(Response(chunks=chunks))]


def test_a_row_in_one_chunk() -> None:
    assert assembled([chunk(b"v", row=b"r", qualifier=b"q", commit_row=True)]) == [(b"r", [(b"q", b"v")])]


def test_several_rows_and_cells_over_several_responses() -> None:
    assert assembled(
        [chunk(b"1", row=b"r", qualifier=b"a")],
        [chunk(b"2", qualifier=b"b", commit_row=True), chunk(b"3", row=b"s", qualifier=b"a")],
        [chunk(b"", qualifier=b"b", commit_row=True)],
    ) == [(b"r", [(b"a", b"1"), (b"b", b"2")]), (b"s", [(b"a", b"3"), (b"b", b"")])]


def test_a_value_cut_over_chunks_and_responses() -> None:
    assert assembled(
        [chunk(b"ab", row=b"r", qualifier=b"q", value_size=6), chunk(b"cd", value_size=6)],
        [chunk(b"ef"), chunk(b"x", qualifier=b"z", commit_row=True)],
    ) == [(b"r", [(b"q", b"abcdef"), (b"z", b"x")])]


def test_an_empty_qualifier_is_a_qualifier() -> None:
    chunks = [chunk(b"1", row=b"r", qualifier=b"a"), chunk(b"2", qualifier=b"", commit_row=True)]
    assert assembled(chunks) == [(b"r", [(b"a", b"1"), (b"", b"2")])]


def test_a_reset_takes_back_what_came_of_the_row() -> None:
    assert assembled(
        [chunk(b"ab", row=b"r", qualifier=b"q", value_size=6), chunk(reset_row=True)],
        [chunk(b"new", row=b"r", qualifier=b"q", commit_row=True)],
    ) == [(b"r", [(b"q", b"new")])]


def test_a_broken_stream_leaves_nothing_of_its_unfinished_row() -> None:
    assembler = RowAssembler()
    done = assembled([chunk(b"1", row=b"a", qualifier=b"q", commit_row=True)], assembler=assembler)
    assembled([chunk(b"half", row=b"b", qualifier=b"q", value_size=9)], assembler=assembler)
    assert assembler.last_row == b"a"
    assembler.restart()
    done += assembled([chunk(b"whole", row=b"b", qualifier=b"q", commit_row=True)], assembler=assembler)
    assert done == [(b"a", [(b"q", b"1")]), (b"b", [(b"q", b"whole")])]


def test_rows_the_filter_left_empty_count_as_done_with() -> None:
    assembler = RowAssembler()
    assert list(assembler.rows(Response(last_scanned_row_key=b"k"))) == []
    assert assembler.last_row == b"k"
