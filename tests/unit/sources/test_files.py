"""Files as blocks: every cut gives the same lines at the same places, whatever the form of the input."""

from __future__ import annotations

import gzip
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.errors import RunError, UsageError
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.blocks import Block
from pipeline.sources.files import STDIN, blocks, find_files, input_bytes
from tests.support.any_pace import at_any_pace

TEXT = b'{"a":1}\r\n\n{"b":"\xc3\xa4"}\nxx\n\n\n{"c":[1,2,3]}\n{"last":true}'
LONG = b"x" * (5 * EVENT_BYTES_MAX)
CUT_LINE = 4 * EVENT_BYTES_MAX  # of an overlong line, what is kept


def places(found: list[Block]) -> list[tuple[int, bytes]]:
    """(offset, line) of every line that is not empty."""
    lines = []
    for block in found:
        at = block.offset
        for line in block.read().split(b"\n"):
            if line:
                lines.append((at, line))
            at += len(line) + 1
    return lines


def expected(text: bytes) -> list[tuple[int, bytes]]:
    return places([Block("", 0, len(text), 0, data=text)])


def check_chain(found: list[Block], size: int) -> None:
    """One block begins where the one before ended, and no line is in two of them."""
    assert [b.offset for b in found] == [0, *[b.end for b in found]][: len(found)]
    assert (found[-1].end if found else 0) == size
    for block in found[:-1]:
        assert block.length > len(block.read()) or block.read().endswith(b"\n")


@pytest.mark.parametrize("block_bytes", range(1, len(TEXT) + 3))
@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_every_block_size_gives_the_same_lines_at_the_same_places(tmp_path: Path, name: str, block_bytes: int) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT) if name.endswith("gz") else TEXT)
    found = list(blocks([str(path)], {}, block_bytes))
    check_chain(found, len(TEXT))
    assert places(found) == expected(TEXT)


@at_any_pace
@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=12), st.integers(1, 40))
def test_lines_of_any_bytes_come_out_as_they_are(tmp_path_factory, lines: list[bytes], block_bytes: int) -> None:
    text = b"\n".join(lines)
    path = tmp_path_factory.mktemp("any") / "in"
    for stored in (text, gzip.compress(text)) if not text.startswith(b"\x1f\x8b") else (gzip.compress(text),):
        path.write_bytes(stored)
        found = list(blocks([str(path)], {}, block_bytes))
        check_chain(found, len(text))
        assert places(found) == expected(text)


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
@pytest.mark.parametrize("block_bytes", [1000, 100_000, EVENT_BYTES_MAX, 8 * 1024 * 1024])
def test_an_overlong_line_leaves_the_places_of_those_behind_it(tmp_path: Path, name: str, block_bytes: int) -> None:
    text = b"\n".join([b"a", LONG, b"b", LONG + LONG, b"c", b""])
    path = tmp_path / name
    path.write_bytes(gzip.compress(text, 1) if name.endswith("gz") else text)
    found = list(blocks([str(path)], {}, block_bytes))
    check_chain(found, len(text))
    assert [(at, line) for at, line in places(found) if len(line) == 1] == [
        (0, b"a"),
        (len(LONG) + 3, b"b"),
        (3 * len(LONG) + 6, b"c"),
    ]
    if block_bytes < EVENT_BYTES_MAX:
        assert [len(line) for _, line in places(found) if len(line) > 1] == [CUT_LINE, CUT_LINE]


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
@pytest.mark.parametrize("taken", [0, 5, 9, 10, 25, len(TEXT)])
def test_what_was_taken_of_a_file_is_not_needed_again(tmp_path: Path, name: str, taken: int) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT) if name.endswith("gz") else TEXT)
    whole = list(blocks([str(path)], {}, 4))
    ends = [0, *[b.end for b in whole]]
    offset = max(end for end in ends if end <= taken)
    rest = list(blocks([str(path)], {str(path): offset}, 4))
    assert places(rest) == [(at, line) for at, line in expected(TEXT) if at >= offset]


def test_an_empty_file_has_no_blocks(tmp_path: Path) -> None:
    for name, data in (("plain", b""), ("packed", gzip.compress(b""))):
        (tmp_path / name).write_bytes(data)
        assert list(blocks([str(tmp_path / name)], {})) == []


def test_a_packed_file_may_have_several_members(tmp_path: Path) -> None:
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"b\nc\n"))
    assert places(list(blocks([str(tmp_path / "in.gz")], {}))) == [(0, b"a"), (2, b"bb"), (5, b"c")]


def test_whole_lines_before_a_damage_still_come(tmp_path: Path) -> None:
    path = tmp_path / "in.gz"
    packed = gzip.compress(b"".join(os.urandom(500).hex().encode() + b"\n" for _ in range(1000)), 1)
    path.write_bytes(packed[: len(packed) // 2])
    found: list[Block] = []
    with pytest.raises(RunError, match=rf"{path}: not readable to its end .*mend it and run again"):
        for block in blocks([str(path)], {}):
            found.append(block)
    lines = places(found)
    assert 300 < len(lines) < 500
    assert all(len(line) == 1000 for _, line in lines)


def test_how_much_of_the_input_a_block_stands_for_adds_up(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzip.compress(b"".join(os.urandom(50).hex().encode() + b"\n" for _ in range(5000))))
    assert sum(b.input_bytes for b in blocks([str(plain)], {}, 7)) == input_bytes([str(plain)])
    counted = sum(b.input_bytes for b in blocks([str(packed)], {}, 70_000))
    assert 0.8 * packed.stat().st_size < counted <= packed.stat().st_size
    assert input_bytes([str(plain), STDIN]) is None


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_may_be_packed_too_and_has_a_name_for_once(monkeypatch: pytest.MonkeyPatch, pack) -> None:
    names = set()
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(TEXT)))))
        found = list(blocks([STDIN], {}, 8))
        assert places(found) == expected(TEXT)
        names |= {block.source for block in found}
    assert len(names) == 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_like_standard_input(tmp_path: Path, pack) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(pack(TEXT),))
    writer.start()
    found = list(blocks([str(pipe)], {}, 8))
    writer.join()
    assert places(found) == expected(TEXT)
    assert all(block.source != str(pipe) for block in found)


def test_a_glob_passes_over_pipes_and_folders_which_a_name_still_means(tmp_path: Path) -> None:
    """Nobody may ever write into a pipe that lies about: opening it would wait without end."""
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").mkdir()
    (tmp_path / "c.jsonl").touch()
    assert find_files([str(tmp_path / "*.jsonl")]) == [str(tmp_path / "c.jsonl")]
    assert find_files([str(tmp_path / "a.jsonl")]) == [str(tmp_path / "a.jsonl")]


def test_files_are_found_once_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.jsonl", "a.jsonl", "[odd].jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jsonl").mkdir()
    monkeypatch.chdir(tmp_path)
    found = find_files(["b.jsonl", "*.jsonl", f"{tmp_path}/a.jsonl", "[odd].jsonl"])
    assert [os.path.basename(path) for path in found] == ["b.jsonl", "[odd].jsonl", "a.jsonl"]
    assert all(os.path.isabs(path) for path in found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.jsonl", "no such file"),
        ("*.none", "no such file"),
        ("", "no such file"),
        (".", "a directory; name its files, as in ./\\*.jsonl"),
        ("s3://bucket/x", "not supported; name files, a glob, or - for stdin"),
    ],
)
def test_an_input_that_is_no_file_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"^--input {name.replace('*', '[*]')}: .*{said}"):
        find_files([name])
