"""Files as blocks: paths and globs, plain, gzip, or standard input. Memory is bounded by a block, whatever the size.

A line longer than the bound of a record is cut short with a mark behind it, so that it becomes one reject and is never
held whole.
"""

from __future__ import annotations

import glob
import gzip
import os
import sys
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from pipeline.model.errors import RunError, UsageError
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.blocks import BLOCK_BYTES, Block

STDIN = "-"
_STEP = 1024 * 1024
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
            found[os.path.abspath(path)] = None
    if not found:
        raise UsageError("--input names no file")
    return list(found)


def input_bytes(paths: Sequence[str]) -> int | None:
    """The size of all files, None with standard input among them."""
    return None if STDIN in paths else sum(os.path.getsize(p) for p in paths)


def blocks(paths: Sequence[str], taken: Mapping[str, int], block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The files' blocks one after the other. taken: the (uncompressed) offset behind what was taken of a file before.

    Raises RunError where a file can't be read to its end; the blocks before that are good.
    """
    for path in paths:
        offset = taken.get(path, 0)
        yield from (b for b in _file_blocks(path, offset, block_bytes) if b.offset >= offset)


def _file_blocks(path: str, offset: int, block_bytes: int) -> Iterator[Block]:
    if path == STDIN:
        # Standard input has no lasting identity: a name of its own for each run.
        yield from _stream_blocks(sys.stdin.buffer, f"stdin:{uuid.uuid4()}", lambda: 0, block_bytes)
        return
    try:
        with open(path, "rb") as f:
            compressed = f.read(2) == _GZIP_MAGIC
            f.seek(0)
            if not compressed:
                yield from _plain_blocks(f, path, offset, block_bytes)
                return
            with gzip.GzipFile(fileobj=f) as unpacked:
                yield from _stream_blocks(unpacked, path, f.tell, block_bytes)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error) as e:
        raise RunError(f"{path}: not readable to its end ({e}); what stood before is counted, mend it and run again") from e


def _plain_blocks(f: IO[bytes], path: str, offset: int, block_bytes: int) -> Iterator[Block]:
    """Line-aligned spans of a file that can be read by whoever gets them."""
    size = os.fstat(f.fileno()).st_size
    while offset < size:
        end = _line_end(f, min(offset + block_bytes, size), size)
        if end - offset <= 2 * block_bytes:
            yield Block(path, offset, end - offset, end - offset, path=path)
        else:  # a line of many blocks: read here, cut short
            f.seek(offset)
            yield from _stream_blocks(_Limited(f, end - offset), path, lambda: 0, block_bytes, offset)
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


class _Limited:
    """The next `left` bytes of a file."""

    def __init__(self, f: IO[bytes], left: int) -> None:
        self._f = f
        self._left = left

    def read(self, size: int) -> bytes:
        data = self._f.read(min(size, self._left))
        self._left -= len(data)
        return data


def _stream_blocks(stream: IO[bytes] | _Limited, name: str, tell, block_bytes: int, offset: int = 0) -> Iterator[Block]:  # type: ignore[no-untyped-def]
    """Blocks of what can only be read once, from front to back. tell: how much of the input has been read."""
    pending, told = b"", tell()
    cutting = 0  # bytes of an overlong line that were left out so far
    while True:
        data = stream.read(block_bytes)
        if cutting:
            found = data.find(b"\n")
            cutting += len(data) if found < 0 else found
            if found < 0 and data:
                continue
            data = data[max(found, 0) :]
        pending += data
        cut = len(pending) if not data else pending.rfind(b"\n") + 1
        if not data and not pending:
            return
        lines, pending = pending[:cut], pending[cut:]
        left_out, cutting = cutting, 0
        if len(pending) > _LINE_MAX:
            cutting, pending = len(pending) - _LINE_MAX, pending[:_LINE_MAX]
        if lines:
            now = tell()
            yield Block(name, offset, len(lines) + left_out, max(0, now - told), data=lines)
            offset, told = offset + len(lines) + left_out, now
        if not data:
            return
