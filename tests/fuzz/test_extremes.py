"""Records past every measure: huge, deep, many, all different. Each has its outcome, in bounded time and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from pipeline.decode.origin import Span
from pipeline.model.limits import EVENT_BYTES_MAX
from tests.fuzz.test_records import ACCOUNTS, KEY, NOW_NS, matcher
from tests.support.bounded import in_bounds
from tests.support.hostile import AT
from tests.support.reading import Reader, outcome_of

START = b'{"account":"shop","event":"A","timestamp":"%s",' % AT.encode()
ROOM = EVENT_BYTES_MAX - len(START)


def lines() -> Iterator[bytes]:
    """One record each."""
    for levels in (126, 127, 128, 129, 500, 1_500, 50_000, 1_000_000):
        yield START + b'"x":' + b"[" * levels + b"]" * levels + b"}"
        yield START + b'"x":' + b'{"":' * levels + b"1" + b"}" * levels + b"}"
        yield START + b'"properties":' + b'[{"total":' * (levels // 2) + b"1" + b"}]" * (levels // 2) + b"}"
        if levels != 1_500:  # where one parser sees that it is cut short, and another that it is deep
            yield START + b'"x":' + b"[" * levels
        yield b'{"batch":' * levels + b"[]" + b"}" * levels
    for text in (b"x" * (ROOM - 20), b"x" * 10_000_000, "é".encode() * 100_000, b"\\u0000" * 40_000, b"\\\\" * 120_000):
        yield START + b'"x":"' + text + b'"}'
        yield START + b'"email":"' + text + b'"}'
        yield START + b'"messageId":"' + text + b'","anonymousId":"' + text[:100_000] + b'"}'
        yield START + b'"' + text + b'":1}'
        yield START + b'"properties":{"list":[{"k":"' + text + b'"}]}}'
        yield b'{"account":"' + text + b'"}'
    for number in (
        b"1" * 200_000,
        b"-" + b"9" * 200_000,
        b"0." + b"3" * 200_000,
        b"1" * 150_000 + b"e-149990",
        b"1e" + b"9" * 200_000,
    ):
        for name in (b"x", b"email", b"messageId", b"anonymousId", b"timestamp"):
            yield START + b'"%s":%s}' % (name, number)
        yield START + b'"properties":{"total":%s}}' % number
    yield START + b'"items":[' + b"1," * 120_000 + b"1]}"
    yield START + b'"items":[' + b'{"k":1},' * 30_000 + b"1]}"
    yield START + b'"properties":{"products":[' + b'{"quantity":0.1},' * 14_000 + b"1]}}"
    yield START + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}"
    yield START + b'"email":"a",' * 20_000 + b'"email":"b"}'
    yield START + b'"batch":[' + b"{}," * 80_000 + b"{}]}"
    yield START + b'"batch":[' + b"0," * 100_000 + b"0]}"
    yield START + b'"batch":[' + b'{"messageId":null,"event":null},' * 7_000 + b"null]}"
    yield START + b'"batch":[' + b'{"batch":[{}]},' * 15_000 + b"[]]}"


def judge_lines() -> None:
    by, reader = matcher(), Reader(ACCOUNTS, KEY, None, NOW_NS)
    for line in lines():
        matched = by.match(line, Span("file", 0), NOW_NS)
        assert Counter(outcome_of(matched, ACCOUNTS)) == Counter(reader.read(line, "file@0")), (line[:90], len(line))


def many(of: Callable[[int], bytes]) -> None:
    """A hundred thousand records, in blocks."""
    by, records = matcher(), 0
    for begin in range(0, 100_000, 20_000):
        data = b"\n".join(of(n) for n in range(begin, begin + 20_000))
        matched = by.match(data, Span("file", begin), NOW_NS)
        records += matched.tally["events"] + len(matched.rejects)
    assert records == 100_000


def judge_many_names() -> None:
    many(lambda n: b'{"account":"shop","event":"name %d"}' % n)


def judge_many_odd_names() -> None:
    many(lambda n: b'{"account":"shop","event":{"name":%d}}' % n)


def judge_many_values() -> None:
    many(lambda n: b'{"account":"shop","email":"%d","context":{"country":%d},"anonymousId":"%d"}' % (n, n, n))


def judge_many_long_values() -> None:
    many(lambda n: b'{"account":"shop","email":"%d","type":"%d"}' % (10**300 + n, 10**600 + n))


def judge_many_accounts() -> None:
    many(lambda n: b'{"account":"account-%d"}' % n)


TRIALS = {
    judge_lines: 1_200,
    judge_many_names: 300,
    judge_many_odd_names: 300,
    judge_many_values: 400,
    judge_many_long_values: 500,
    judge_many_accounts: 300,
}


@pytest.mark.parametrize("trial", TRIALS)
def test_records_past_every_measure_cost_bounded_time_and_memory(trial: Callable[[], None]) -> None:
    in_bounds(trial, TRIALS[trial])
