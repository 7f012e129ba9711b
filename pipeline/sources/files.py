"""Files as blocks: paths and globs, plain, gzip, or standard input. Memory is bounded by a block, whatever the size.

A line far longer than the bound of a record is cut short where its file is read here, so that it becomes one reject and
is never held whole.
"""

from __future__ import annotations

import glob
import gzip
import os
import stat
import sys
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import IO, Protocol

from pipeline.model.errors import RunError, UsageError
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.source import Progress, Source

STDIN = "-"
_STEP = 1024 * 1024
_FAILING_STEP = 64 * 1024  # so much may be lost before the place where reading fails
_GZIP_MAGIC = b"\x1f\x8b"
_LINE_MAX = 4 * EVENT_BYTES_MAX  # of a line, what is read at most: enough to see that it is too large


def find_files(inputs: Sequence[str]) -> list[str]:
    """The files that paths and globs name, each once, in the order given (a glob's in the order of names)."""
    found: dict[str, None] = {}
    for name in inputs:
        if "://" in name:
            raise UsageError(f"--input {name}: this kind of input is not supported; name files, a glob, or - for stdin")
        if name == STDIN:
            found[STDIN] = None
            continue
        names = [name] if os.path.exists(name) else sorted(glob.glob(name, recursive=True))
        if not names:
            raise UsageError(f"--input {name}: no such file")
        for path in names:
            if os.path.isdir(path):
                if path == name:
                    raise UsageError(f"--input {name}: a directory; name its files, as in {os.path.join(name, '*.jsonl')}")
                continue
            if not os.access(path, os.R_OK):
                raise UsageError(f"--input {path}: not readable; check its permissions")
            if path != name and not os.path.isfile(path):
                continue  # a pipe that a glob happens to match would be waited for without end
            found[os.path.abspath(path)] = None
    if not found:
        raise UsageError("--input names no file")
    return list(found)


def input_bytes(paths: Sequence[str]) -> int | None:
    """The size of all files, None with standard input among them."""
    return None if STDIN in paths else sum(os.path.getsize(p) for p in paths)


class Files(Source):
    """Files from front to back. paths: as `find_files` gives them."""

    def __init__(self, paths: Sequence[str], progress: Progress) -> None:
        self._paths = paths
        self._progress = progress
        self.resumed = progress.resumed

    def blocks(self) -> Iterator[Block | None]:
        yield from blocks(self._paths, self._progress.taken)

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        self._progress.taken.update({block.source: block.end for block in blocks})
        self._progress.save()

    def finish(self) -> None:
        self._progress.finish()


def blocks(paths: Sequence[str], taken: Mapping[str, int], block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The files' blocks one after the other. taken: the (uncompressed) offset behind what was taken of a file before.

    Raises RunError where a file can't be read to its end; the blocks before that are good.
    """
    for path in paths:
        offset = taken.get(path, 0)
        yield from (b for b in _file_blocks(path, offset, block_bytes) if b.end > offset)


def _file_blocks(path: str, offset: int, block_bytes: int) -> Iterator[Block]:
    shown = "standard input" if path == STDIN else path
    try:
        with nullcontext(sys.stdin.buffer) if path == STDIN else open(path, "rb") as f:
            lasting = path != STDIN and stat.S_ISREG(os.fstat(f.fileno()).st_mode)
            # Standard input and pipes have no lasting identity: a name of their own for each run.
            name, tell = (path, f.tell) if lasting else (f"{shown}:{uuid.uuid4()}", _nothing)
            if is_gzip(f):
                with gzip.GzipFile(fileobj=f) as unpacked:
                    yield from _stream_blocks(unpacked, name, tell, block_bytes)
            elif lasting:
                yield from _plain_blocks(f, path, offset, block_bytes)
            else:
                yield from _stream_blocks(f, name, tell, block_bytes)
    except (OSError, EOFError, zlib.error) as e:
        cure = "what stood before is counted, mend it and run again"
        raise RunError(f"{shown}: not readable to its end ({e}); {cure}") from e


def unpacked_blocks(path: str, name: str, offset: int, block_bytes: int) -> Iterator[Block]:
    """A gzip file's blocks behind an (uncompressed) offset, known by `name`. Raises RunError where it breaks off."""
    for block in _file_blocks(path, 0, block_bytes):
        if block.end > offset:
            yield replace(block, source=name)


def is_gzip(file: IO[bytes]) -> bool:
    """Whether a file, at its beginning, is packed."""
    return file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)  # type: ignore[attr-defined, no-any-return]


def _nothing() -> int:
    return 0


def _plain_blocks(f: IO[bytes], path: str, offset: int, block_bytes: int) -> Iterator[Block]:
    """Line-aligned spans of a file that can be read by whoever gets them."""
    size = os.fstat(f.fileno()).st_size
    while offset < size:
        end = _line_end(f, min(offset + block_bytes, size), size)
        if end - offset <= 2 * block_bytes:
            yield Block(path, offset, end - offset, end - offset, path=path)
        else:  # a line of many blocks: read here, cut short
            f.seek(offset)
            yield from _stream_blocks(_Limited(f, end - offset), path, f.tell, block_bytes, offset)
        offset = end


def _line_end(f: IO[bytes], at: int, size: int) -> int:
    """The offset behind the first line end at or after `at` - 1."""
    if at >= size:
        return size
    at -= 1
    f.seek(at)
    while step := f.read(_STEP):
        found = step.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(step)
    return size


class Readable(Protocol):
    """A stream of bytes; nothing is read at its end only."""

    def read(self, size: int, /) -> bytes: ...


class _Limited:
    """The next `left` bytes of a file."""

    def __init__(self, f: IO[bytes], left: int) -> None:
        self._f = f
        self._left = left

    def read(self, size: int) -> bytes:
        data = self._f.read(min(size, self._left))
        self._left -= len(data)
        return data


def _stream_blocks(
    stream: Readable, name: str, tell: Callable[[], int], block_bytes: int, offset: int = 0
) -> Iterator[Block]:
    """Blocks of what can only be read once, from front to back. tell: how much of the input has been read.

    Where reading fails, the whole lines before that still come.
    """
    pending, told = b"", tell()
    while True:
        data, failure = _read_up_to(stream, block_bytes)
        pending += data
        cut = len(pending) if len(data) < block_bytes and failure is None else pending.rfind(b"\n") + 1
        lines, pending = pending[:cut], pending[cut:]
        left_out = 0
        if len(pending) > _LINE_MAX and failure is None:  # it ends the block, so that what follows keeps its place
            lines, pending, left_out = lines + pending[:_LINE_MAX], *_rest_of_line(stream, pending[_LINE_MAX:])
        if lines:
            now, length = tell(), len(lines) + left_out
            yield Block(name, offset, length, max(0, now - told), data=lines)
            offset, told = offset + length, now
        if failure is not None:
            raise failure
        if len(data) < block_bytes and not pending:
            return


def _read_up_to(stream: Readable, size: int) -> tuple[bytes, Exception | None]:
    """The next bytes, fewer than `size` only at the end or before a failure, which is given beside them."""
    parts: list[bytes] = []
    while size > 0:
        try:
            part = stream.read(min(size, _FAILING_STEP))
        except (OSError, EOFError, zlib.error) as e:
            return b"".join(parts), e
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts), None


def _rest_of_line(stream: Readable, begun: bytes) -> tuple[bytes, int]:
    """Read on to the end of a line: (what was read behind it, how many bytes of it were left out)."""
    left_out = 0
    while begun:
        found = begun.find(b"\n")
        if found >= 0:
            return begun[found + 1 :], left_out + found + 1
        left_out += len(begun)
        begun = stream.read(_STEP)
    return b"", left_out
