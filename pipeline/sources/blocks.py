"""A block: a bounded piece of input that begins and ends at line ends, the unit of work of decode and match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

BLOCK_BYTES = 16 * 1024 * 1024  # large enough to work in arrays, small enough for two workers to share a chunk


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a source. `data` holds them, or they are read from `path` by the worker that gets the block, or
    only this process can read them: by `fetch`, when their turn comes.

    `source` and `offset` (uncompressed) name the place of its first byte. `input_bytes` is how much of the input it
    stands for, compressed where the input is. Of a stream, `places` names each line's record by the stream's own id,
    and `account` is the one that the stream vouches for, for all of them.
    """

    source: str
    offset: int
    length: int
    input_bytes: int
    path: str | None = None
    data: bytes | None = None
    account: str | None = None
    places: Sequence[str] | None = None
    fetch: Callable[[], bytes] | None = None

    @property
    def end(self) -> int:
        """The uncompressed offset behind its last byte."""
        return self.offset + self.length

    def loaded(self) -> Block:
        """The same, fit to go to another process. Raises OSError. **Retry:** harmless."""
        return self if self.fetch is None else replace(self, data=self.fetch(), fetch=None)

    def read(self) -> bytes:
        """The lines. Raises OSError. **Retry:** harmless."""
        if self.data is not None:
            return self.data
        assert self.path is not None, "a block that only its own process can read has to be loaded there"
        with open(self.path, "rb") as f:
            f.seek(self.offset)
            data = f.read(self.length)
        if len(data) < self.length:
            raise OSError(f"{self.path} has become shorter since the run began")
        return data


def block_of_records(
    source: str, number: int, records: Sequence[bytes], places: Sequence[str], account: str | None = None
) -> Block:
    """A stream's records as a block, a line each. number: tells the source's blocks apart.

    A line end within a record can only be white space between JSON's tokens, and becomes a blank.
    """
    data = b"\n".join([*records, b""])
    if data.count(b"\n") > len(records):
        data = b"".join(record.replace(b"\n", b" ") + b"\n" for record in records)
    return Block(source, number, len(data), len(data), data=data, account=account, places=places)
