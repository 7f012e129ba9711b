"""Records read whole: the same texts are JSON as on the short way, and numbers beyond the doubles are infinite."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pipeline.decode.whole import NotJson, parse_whole
from pipeline.model.event import scalar_text

HUGE = b"1e400"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":1e400}', {"a": math.inf}),
        (b'[-1e309,1,-1,18446744073709551615,"x"]', [-math.inf, 1, -1, 2**64 - 1, "x"]),
        (b"[1e400,18446744073709551616]", [math.inf, 2.0**64]),
        (b"[" + b"9" * 5_000 + b"]", [math.inf]),
        (b'{"a":1e400,"a":2}', {"a": 2}),
        (b'[1e400,"\\ud83d\\ude00\\\\ud800"]', [math.inf, "😀\\ud800"]),
    ],
)
def test_numbers_beyond_the_doubles_are_infinite(text: bytes, value: Any) -> None:
    assert parse_whole(text) == value


@pytest.mark.parametrize(
    "text", [b"NaN", b"Infinity", b"", b"\xff", b'"\\ud800"', b'"\t"', b"01", b"1 2", b"\xef\xbb\xbf1", b"[1,]", b"'a'"]
)
def test_what_is_no_json_is_none_beside_a_huge_number_either(text: bytes) -> None:
    for whole in (text, b"[1e400," + text + b"]", b'{"a":' + text + b',"a":1e400}'):
        with pytest.raises(NotJson) as refused:
            parse_whole(whole)
        assert not refused.value.deep


@pytest.mark.parametrize("start", [b"", b"1e400,"])
def test_what_is_too_deep_to_be_read_is_told_apart(start: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        parse_whole(b"[" + start + b"[" * 100_000 + b"]" * 100_001)
    assert refused.value.deep


def test_a_huge_number_has_one_text_whichever_parser_read_it() -> None:
    assert {scalar_text(number) for number in (math.inf, 10**400, 10**5_000)} == {"Infinity"}
    assert scalar_text(-(10**400)) == "-Infinity"
    assert scalar_text(int(1.7976931348623157e308)) == "17976931348623157" + "0" * 292
