"""Growing and new files as blocks: what a run with `--follow` reads. Only whole lines are taken."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from pipeline.model.errors import UsageError
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.files import STDIN

_STEP = 1024 * 1024


def follow_blocks(inputs: Sequence[str], taken: Mapping[str, int], block_bytes: int = BLOCK_BYTES) -> Iterator[Block | None]:
    """What the paths and globs come to hold, without end; None whenever there is nothing new at the moment.

    taken: the offset behind what was taken of a file before. A file that has become shorter is read from its start.
    """
    if any(name == STDIN or "://" in name or name.endswith(".gz") for name in inputs):
        raise UsageError("--follow takes plain files and globs of them")
    offsets = dict(taken)
    while True:
        found = False
        for path in sorted({os.path.abspath(p) for name in inputs for p in glob.glob(name, recursive=True)}):
            for block in _new_lines(path, offsets.get(path, 0), block_bytes):
                found = True
                offsets[path] = block.end
                yield block
        if not found:
            yield None


def _new_lines(path: str, offset: int, block_bytes: int) -> Iterator[Block]:
    try:
        with open(path, "rb") as f:
            size = os.fstat(f.fileno()).st_size
            if size < offset:
                offset = 0
            f.seek(offset)
            while offset < size:
                data = f.read(min(block_bytes, size - offset))
                cut = data.rfind(b"\n") + 1
                length = cut or _line_length(f, offset + len(data), size, len(data))
                if length == 0:
                    return  # a line still being written
                f.seek(offset + length)
                yield Block(path, offset, length, length, data=data[: cut or len(data)])
                offset += length
    except (FileNotFoundError, IsADirectoryError):
        return  # moved away since it was listed


def _line_length(f: IO[bytes], at: int, size: int, length: int) -> int:
    """How long the line is that is longer than a block and goes on at `at`; 0 while it has no end."""
    while at < size:
        step = f.read(min(_STEP, size - at))
        found = step.find(b"\n")
        if found >= 0:
            return length + found + 1
        at, length = at + len(step), length + len(step)
    return 0
