"""When a change of decision is told, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from readers.watch.judgement import OUTBOX_MAX, SAMPLE_RATIO, Look, Manners, Memory, judge

MANNERS = Manners(min_hours=24, min_visitors=1000, looks=3)
SHIP, WAIT, BROKEN = ("ship", "friendly"), ("keep_running", None), (SAMPLE_RATIO, None)
LOOK = Look("acme", "hero_cta", 1, "r1", SHIP, "It is better.", 30.0, 5000)


def told(*findings: Any, memory: Memory | None = None, **changed: Any) -> list[str]:
    """The messages after one look a finding."""
    now = memory or Memory()
    for finding in findings:
        now = judge(now, replace(LOOK, finding=finding, **changed), MANNERS)
    return [message.text for message in now.outbox]


def test_a_decision_that_holds_is_told_once() -> None:
    assert told(SHIP, SHIP) == []
    assert told(*[SHIP] * 10) == ["hero_cta (acme, epoch 1): ship friendly. It is better."]


def test_a_decision_that_comes_and_goes_is_not_told() -> None:
    assert told(*[SHIP, SHIP, WAIT] * 5) == []


def test_keeping_on_is_no_change() -> None:
    assert told(*[WAIT] * 10) == []


def test_a_decision_that_no_longer_holds_is_taken_back_once() -> None:
    texts = told(*[SHIP] * 3, *[WAIT] * 9)
    assert len(texts) == 2
    assert texts[1].startswith("hero_cta (acme, epoch 1): RETRACTED: ship friendly no longer holds; now: keep running.")


def test_one_that_flips_is_taken_back_with_what_holds_now() -> None:
    texts = told(*[SHIP] * 3, *[("rollback", "friendly")] * 3)
    assert "RETRACTED: ship friendly no longer holds; now: roll back friendly." in texts[1]


def test_nothing_is_told_before_the_least_time_and_visitors() -> None:
    assert told(*[SHIP] * 9, hours=23.9) == [] == told(*[SHIP] * 9, visitors=999)
    early = Memory(1, "r1", held=SHIP, looks=2)
    assert told(SHIP, memory=early, visitors=999) == [] and len(told(SHIP, memory=early)) == 1


def test_a_broken_sample_ratio_is_said_once_and_silences_the_rest() -> None:
    texts = told(*[SHIP] * 3, *[BROKEN] * 20, *[SHIP] * 3)
    assert len(texts) == 3
    assert "the sample ratio is broken; no decision until it is right" in texts[1]
    assert "the sample ratio is right again; ship friendly" in texts[2]


def test_a_new_epoch_begins_anew_without_a_retraction() -> None:
    before = judge(Memory(), LOOK, replace(MANNERS, looks=1))
    after = judge(before, replace(LOOK, epoch=2, finding=WAIT), replace(MANNERS, looks=1))
    assert after.outbox == before.outbox and after.told == WAIT
    again = judge(after, replace(LOOK, epoch=2), replace(MANNERS, looks=1))
    assert len({message.id for message in again.outbox}) == 2


def test_who_has_lost_all_memory_writes_the_same_id() -> None:
    one, other = (judge(Memory(), replace(LOOK, reason=reason), replace(MANNERS, looks=1)) for reason in ("a", "b"))
    assert one.outbox[0].id == other.outbox[0].id


def test_messages_that_nobody_takes_are_bounded() -> None:
    memory = Memory()
    for number in range(3 * OUTBOX_MAX):
        memory = judge(memory, replace(LOOK, finding=("ship", str(number))), replace(MANNERS, looks=1))
    assert len(memory.outbox) == OUTBOX_MAX
