"""Growing and new files as blocks: what a run with `--follow` reads. Only whole lines are taken.

A file that is rotated away is read to its end, under whatever name it has then; one that was cut to nothing and begun
anew is another file. gzip files are read once they no longer grow.
"""

from __future__ import annotations

import glob
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.files import STDIN, is_gzip, unpacked_blocks
from pipeline.sources.source import Backlog, Progress, Source
from pipeline.sources.tailed import Tailed, mark_of, open_regular, settled_mark_of

NAMES = ("*.jsonl", "*.jsonl.gz")  # what is read of a directory
LEAVING_S = 5.0  # for so long a file that was moved away is still looked at
OPEN_MAX = 256
NOTES_MAX = 10_000  # files remembered; the oldest are forgotten


class FollowedFiles(Source):
    """Files, globs and directories. excluded: paths never to be read, such as where rejects are written."""

    def __init__(
        self,
        inputs: Sequence[str],
        progress: Progress,
        *,
        excluded: Sequence[str] = (),
        block_bytes: int = BLOCK_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if STDIN in inputs:
            raise UsageError("--follow takes files, globs and directories, or a stream; - is standard input")
        self._patterns = [p for name in inputs for p in _patterns(name)]
        self._excluded = {os.path.realpath(path) for path in excluded}
        self._progress = progress
        self._block_bytes = block_bytes
        self._clock = clock
        self.resumed = progress.resumed
        noted = (Tailed.from_note(name, note) for name, note in progress.taken.items())
        self._files = {file.name: file for file in noted if file is not None}
        self._at: dict[str, Tailed] = {}  # by path
        self._leaving: list[tuple[Tailed, float]] = []  # moved away, and since when
        self._packed_sizes: dict[str, int] = {}
        self._under_way: dict[tuple[str, int], Tailed] = {}
        for path in (p for p in self._paths() if not os.access(p, os.R_OK)):
            raise UsageError(f"--input {path}: not readable; check its permissions")

    def blocks(self) -> Iterator[Block | None]:
        while True:
            for block in self._look():
                self._under_way[block.source, block.offset] = self._files[block.source]
                yield block
            yield None  # also where there was something: all that stood there when the look began is taken

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        if not blocks:
            return
        for block in blocks:
            file = self._under_way[block.source, block.offset]
            self._progress.taken.pop(block.source, None)  # the one taken last stands last
            self._progress.taken[block.source] = file.note(block.end)
        while len(self._progress.taken) > NOTES_MAX:
            self._progress.taken.pop(next(iter(self._progress.taken)))
        self._progress.save()
        for block in blocks:
            del self._under_way[block.source, block.offset]

    def backlog(self) -> Backlog:
        return Backlog(sum(max(0, file.size - file.offset) for file in self._at.values()), "bytes")

    def close(self) -> None:
        for file in (*self._files.values(), *(file for file, _ in self._leaving)):
            file.close()

    def _paths(self) -> list[str]:
        found = {os.path.abspath(p) for pattern in self._patterns for p in glob.iglob(pattern, recursive=True)}
        return sorted(path for path in found if os.path.realpath(path) not in self._excluded)

    def _look(self) -> Iterator[Block]:
        paths = self._paths()
        for path in paths:
            yield from self._look_at(path)
        for path in self._at.keys() - set(paths):
            self._leave(self._at.pop(path))
        yield from self._look_at_leaving()
        self._close_some()

    def _look_at(self, path: str) -> Iterator[Block]:
        known = self._at.get(path)
        if known is not None and _is_unchanged(path, known):
            return
        file = open_regular(path)
        if file is None:
            return
        with ExitStack() as kept:
            kept.enter_context(file)
            stat = os.fstat(file.fileno())
            if is_gzip(file):
                yield from self._unpacked(path, stat, settled_mark_of(file))
                return
            mark = mark_of(file)
            if not mark:
                return  # not one whole line yet
            tailed = self._identify(path, stat.st_ino, mark, stat.st_size)
            if tailed.file is None:
                tailed.file = file
                kept.pop_all()
        yield from tailed.new_lines(self._block_bytes)

    def _identify(self, path: str, inode: int, mark: str, size: int | None) -> Tailed:
        """The file at a path now, as a known one where it is the same. size: None where offsets aren't the file's own."""
        known = self._at.get(path)
        for file in (f for f in (known, *self._files.values()) if f is not None):
            if (file.inode, file.mark) == (inode, mark) and (size is None or size >= file.offset):
                break
        else:
            file = Tailed(self._new_name(path, mark), path, inode, mark)
        if known is not None and known is not file:
            if known.inode == inode:
                known.offset = sys.maxsize  # cut to nothing: there is no end of it left to read
            self._leave(known)
        file.path = path
        self._files[file.name] = self._at[path] = file
        return file

    def _new_name(self, path: str, mark: str) -> str:
        """The path, unless another file's records are known by it. The same lines from the start are no other file."""
        namesake = self._files.get(path)
        return path if namesake is None or namesake.mark == mark else f"{path}#{mark}"

    def _leave(self, file: Tailed) -> None:
        if file.file is not None and file not in (left for left, _ in self._leaving):
            self._leaving.append((file, self._clock()))

    def _look_at_leaving(self) -> Iterator[Block]:
        for file, since in list(self._leaving):
            final = self._clock() - since > LEAVING_S
            if self._at.get(file.path) is not file:  # else it was found again, under another name
                yield from file.new_lines(self._block_bytes, final)
                if not final or file in self._under_way.values():
                    continue
                file.close()
            self._leaving.remove((file, since))

    def _close_some(self) -> None:
        """Files that have not changed for longest are opened again when they do."""
        held = [file for file in self._at.values() if file.file is not None]
        for file in held[:-OPEN_MAX]:
            if file.offset == file.size and file not in self._under_way.values():
                file.close()

    def _unpacked(self, path: str, stat: os.stat_result, mark: str) -> Iterator[Block]:
        if self._packed_sizes.get(path) != stat.st_size:
            self._packed_sizes[path] = stat.st_size
            return  # it may still be growing: next time
        tailed = self._identify(path, stat.st_ino, mark, None)
        tailed.size = stat.st_size
        yield from self._unpacked_lines(tailed)

    def _unpacked_lines(self, tailed: Tailed) -> Iterator[Block]:
        try:
            for block in unpacked_blocks(tailed.path, tailed.name, tailed.offset, self._block_bytes):
                tailed.offset = block.end
                yield block
        except RunError:
            pass  # cut short: what is whole is taken, the rest when it has grown


def _patterns(name: str) -> list[str]:
    return [os.path.join(glob.escape(name), kind) for kind in NAMES] if os.path.isdir(name) else [name]


def _is_unchanged(path: str, known: Tailed) -> bool:
    try:
        stat = os.stat(path)
    except OSError:
        return False
    return (stat.st_ino, stat.st_size) == (known.inode, known.size)
