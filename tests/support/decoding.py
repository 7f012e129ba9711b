"""What the pipeline's decoding makes of records: the names of the events it takes, and the rejects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.decode.block import BlockDecoder
from pipeline.decode.odd import Span
from pipeline.decode.shape import Shape
from pipeline.model.rejects import Reject, RejectReason

NOW_NS = 1_790_000_000_000_000_000


@dataclass
class Taken:
    """The matcher of all accounts: it writes down the names of events."""

    names: list[Any] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    known: dict[str | None, Any] = field(default_factory=dict)

    def learn(self, name: Any) -> Any:
        return lambda event, row, _: self.names.append(name)


def decode_records(records: Sequence[bytes], accounts: Collection[str], trusted: str | None) -> Taken:
    """The records of a source that is trusted to be of one account, or of none."""
    taken = Taken()

    def judge(said: Any) -> Any:
        if trusted is not None and said not in (None, trusted):
            return RejectReason.WRONG_ACCOUNT
        account = said or trusted
        return taken if account in accounts else RejectReason.UNKNOWN_ACCOUNT if account else RejectReason.NO_ACCOUNT

    decoder = BlockDecoder(Shape([]), judge)
    taken.rejects = decoder.decode(b"\n".join(records), Span("source", 0, trusted), NOW_NS).rejects
    return taken
