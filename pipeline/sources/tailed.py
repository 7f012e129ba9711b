"""One file that grows: what it is known by, and its new whole lines. Which files there are is `following`'s.

A file is told by its inode and its first line together, so that it is the same one under another name, and another one
where a log was rotated or cut to nothing and begun anew under the same name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from pipeline.sources.blocks import Block

_STEP = 1024 * 1024
_NEAR = 64 * 1024  # of the end of a block, where a line end is looked for
_MARK_BYTES = 4096  # of a first line, what is compared


@dataclass(slots=True, eq=False)
class Tailed:
    """A file as far as it was handed on. `name`: what its records' places begin with; `path`: where it was last seen."""

    name: str
    path: str
    inode: int
    mark: str
    offset: int = 0
    size: int = -1  # when it was last looked at
    file: IO[bytes] | None = None  # open while it may grow, so that its end is read even when it is moved away

    def note(self, offset: int) -> list[Any]:
        """What is kept of it once it is taken up to here; see `from_note`."""
        return [offset, self.inode, self.mark, self.path]

    @classmethod
    def from_note(cls, name: str, note: Any) -> Tailed | None:
        """From what was kept; None for what this program did not write."""
        match note:
            case [int(offset), int(inode), str(mark), str(path)]:
                return cls(name, path, inode, mark, offset)
        return None

    def new_lines(self, block_bytes: int, final: bool = False) -> Iterator[Block]:
        """Whole lines behind what was handed on. final: the file is finished, and so is its last line."""
        assert self.file is not None
        self.size = os.fstat(self.file.fileno()).st_size
        while self.offset + block_bytes < self.size and (length := self._lines_length(block_bytes)):
            at, self.offset = self.offset, self.offset + length
            yield Block(self.name, at, length, length, fetch=partial(os.pread, self.file.fileno(), length, at))
        while self.offset < self.size:
            self.file.seek(self.offset)
            data = self.file.read(min(block_bytes, self.size - self.offset))
            cut = data.rfind(b"\n") + 1
            length = cut or self._line_length(self.offset + len(data), len(data))
            if length == 0 and final:
                length = self.size - self.offset
            if length == 0 or not data:
                return  # a line still being written
            at, self.offset = self.offset, self.offset + length
            yield Block(self.name, at, length, length, data=data[: cut or len(data)])

    def _lines_length(self, most: int) -> int:
        """The length of the next whole lines, `most` at the most, without reading them; 0: no line ends near there."""
        assert self.file is not None
        near = min(most, _NEAR)
        self.file.seek(self.offset + most - near)
        cut = self.file.read(near).rfind(b"\n") + 1
        return most - near + cut if cut else 0

    def _line_length(self, at: int, length: int) -> int:
        """How long the line is that is longer than what was read and goes on at `at`; 0 while it has no end."""
        assert self.file is not None
        while at < self.size:
            step = self.file.read(min(_STEP, self.size - at))
            found = step.find(b"\n")
            if found >= 0:
                return length + found + 1
            if not step:
                break
            at, length = at + len(step), length + len(step)
        return 0

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()
            self.file = None


def mark_of(file: IO[bytes]) -> str:
    """What tells a file's first line; empty while it has no whole one."""
    file.seek(0)
    head = file.read(_MARK_BYTES)
    end = head.find(b"\n") + 1
    whole = head[:end] if end else head if len(head) == _MARK_BYTES else b""
    return hashlib.blake2b(whole, digest_size=8).hexdigest() if whole else ""


def settled_mark_of(file: IO[bytes]) -> str:
    """The same of a file that isn't made of lines and won't change any more."""
    file.seek(0)
    return hashlib.blake2b(file.read(_MARK_BYTES), digest_size=8).hexdigest()


def open_regular(path: str, opener: Callable[..., IO[bytes]] = open) -> IO[bytes] | None:
    """A file to read, None if it is none (any more). Never waits, as opening a pipe would."""
    try:
        if not os.path.isfile(path):
            return None
        return opener(path, "rb")
    except OSError:
        return None  # moved away since it was listed, or not ours to read
