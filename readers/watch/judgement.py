"""Owns when a change of decision is told: after a minimum of time and visitors, once it has held over several looks.

Pure: what is known of an experiment and one more look at it come to what is known then, with the message to send in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from readers.experiments.decision import KEEP_RUNNING, NO_DIFFERENCE, ROLLBACK, SHIP

SAMPLE_RATIO = "sample_ratio"  # beside the verdicts: nothing else is said while it fails
OUTBOX_MAX = 50  # messages of one experiment that wait for a webhook; then the oldest goes
ID_BYTES = 8

Finding = tuple[str, str | None]  # a verdict or SAMPLE_RATIO, and the variation
NOTHING: Finding = (KEEP_RUNNING, None)


@dataclass(frozen=True, slots=True)
class Manners:
    """How long it is waited. looks: in a row that a finding must hold."""

    min_hours: float
    min_visitors: int
    looks: int


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found. hours: since the epoch began; visitors: of all variations."""

    account: str
    experiment: str
    epoch: int
    revision: str
    finding: Finding
    reason: str
    hours: float
    visitors: int


@dataclass(frozen=True, slots=True)
class Message:
    """id: the same whenever this message is sent again."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of one experiment. told: the last finding that was put into a message; held: what the last looks have
    found, so many in a row; written: messages so far; outbox: those that no webhook has taken yet, oldest first.
    """

    epoch: int = 0
    revision: str = ""
    told: Finding = NOTHING
    held: Finding = NOTHING
    looks: int = 0
    written: int = 0
    outbox: tuple[Message, ...] = ()

    def without(self, message: Message) -> Memory:
        """After the message has been taken."""
        return replace(self, outbox=tuple(other for other in self.outbox if other.id != message.id))


def judge(memory: Memory, look: Look, manners: Manners) -> Memory:
    """One more look. **Retry:** not harmless: it is another look."""
    if (memory.epoch, memory.revision) != (look.epoch, look.revision):  # its numbers began anew: nothing to take back
        memory = Memory(look.epoch, look.revision, written=memory.written, outbox=memory.outbox)
    if look.hours < manners.min_hours or look.visitors < manners.min_visitors:
        return memory
    looks = memory.looks + 1 if memory.held == look.finding else 1
    memory = replace(memory, held=look.finding, looks=min(looks, manners.looks))
    if memory.looks < manners.looks or look.finding == memory.told:
        return memory
    message = Message(_id(memory, look), text_of(memory.told, look))
    outbox = (*memory.outbox, message)[-OUTBOX_MAX:]
    return replace(memory, told=look.finding, written=memory.written + 1, outbox=outbox)


def text_of(before: Finding, look: Look) -> str:
    """What people are told. before: what they were told last."""
    name = f"{look.experiment} ({look.account}, epoch {look.epoch})"
    verdict, variation = look.finding
    words = {
        SHIP: f"ship {variation}",
        ROLLBACK: f"roll back {variation}",
        NO_DIFFERENCE: "no difference",
        KEEP_RUNNING: "keep running",
        SAMPLE_RATIO: "the sample ratio is broken; no decision until it is right",
    }
    return f"{name}: {_opening(before, look.finding)}{words[verdict]}. {look.reason}"


def _opening(before: Finding, now: Finding) -> str:
    if SAMPLE_RATIO in (before[0], now[0]):
        return "" if now[0] == SAMPLE_RATIO else "the sample ratio is right again; "
    if before == NOTHING:
        return ""
    verdict = before[0].replace("_", " ")
    return f"RETRACTED: {' '.join(part for part in (verdict, before[1]) if part)} no longer holds; now: "


def _id(memory: Memory, look: Look) -> str:
    """Of what is said and how many were said before: who lost all memory of it writes the same."""
    parts = (look.account, look.experiment, look.revision, look.epoch, memory.written, look.finding)
    return hashlib.blake2b(repr(parts).encode(), digest_size=ID_BYTES).hexdigest()
