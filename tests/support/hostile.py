"""Lines as an enemy writes them: JSON in forms that no encoder gives, keys written twice, bytes that are no text.

Texts are made of tokens, so that numbers, escapes and duplicates reach the parsers as they are.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

AT = "2026-09-01T12:00:00.000Z"
NUMBERS = [
    *b"0 -0 -0.0 1 1.0 10e-1 2.5 0.0000005 1e12 1000000000001 9007199254740993 9223372036854775808".split(),
    *b"18446744073709551616 -9223372036854775809 1e309 -1e400 1e999999999999999999999 5e-324 1e-400".split(),
    b"1" * 30,
    b"-" + b"9" * 309,
    b"7" * 400,
    b"7" * 5_000,
    b"1" + b"0" * 400 + b"e-390",
    b"1.5" + b"0" * 400,
    b"17976931348623157" + b"0" * 292,  # the largest double
    b"17976931348623159" + b"0" * 292,
]
TEXTS = [
    *rb'''"" "A" "\u0041" "v1" "7" "shop" "\u0073hop" "other" "nobody" "Infinity" "IN" "$gt" "m1" "(none)"'''.split(),
    *rb'''"\u0000" "a\nb" "\u2028" "\ud83d\ude00" "\/" "\"" "\\"'''.split(),
    b'" "',
    b'"\xe2\x80\xa8"',
    b'"\xf0\x9f\x98\x80"',
    b'"' + b"x" * 300 + b'"',
    b'"' + "é".encode() * 130 + b'"',
]
_TIMES = """
2026-09-01T12:00:00.000Z
2026-09-01T12:00:00Z
2026-09-01t12:00:00.123456789+05:30
2026-09-01 12:00:00z
2026-06-30T23:59:60Z
2026-09-01T24:00:00Z
2026-09-01
2026-09-01T12:00:00.000Z\\n
２026-09-01T12:00:00.000Z
2026-09-0１T12:00:00.000Z
0000-00-00T00:00:00.000Z
2023-02-29T12:00:00.000Z
1677-09-23T00:12:43Z
1678-01-01T00:00:00.000Z
1700-01-01T00:00:00+23:59
2226-01-01T00:00:00Z
2261-12-31T23:59:59.999Z
2262-04-09T00:00:00Z
9999-12-31T23:59:59Z
2026-09-01T12:00:00+24:00
2026-09-01T12:00:00.Z
2026-09-01T12:06:00Z
2026-09-01T12:05:00.000000001Z
"""
TIMES = [f'"{text}"'.encode() for text in (*_TIMES.strip().splitlines(), "", " " + AT, f"{AT[:-1]}{'9' * 200}Z")]
BROKEN = [
    *rb"NaN Infinity -Infinity 01 - 1. .5 +1 0x1 1e tru nul True 'a' [1,] [ ] { } /**/1".split(),
    *rb'''{"a":1,} {"a"} " "\q" "\u12" "\ud800" "\udc00\ud800" "\ud800,\udc00"'''.split(),
    b'"\x01"',
    b'"\x00"',
    b'"\t"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b'"\xc0\xaf"',
    b"1 2",
    b"\x00",
    b"\xef\xbb\xbf1",
    b"\xc2\xa01",
]
_ENVELOPE = ["messageId", "event", "type", "account", "timestamp", "sentAt", "receivedAt"]
KEYS = [*_ENVELOPE, "anonymousId", "userId", "properties", "context", "email", "items"]
INNER = [
    "total",
    "country",
    "device",
    "os",
    "products",
    "quantity",
    "list",
    "0",
    "1",
    "k",
    "",
    "a.b",
    "$gt",
    "__proto__",
    "f0",
    "x",
]

_doubles = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: repr(number).encode())
_numbers = st.sampled_from(NUMBERS) | st.integers().map(lambda number: b"%d" % number) | _doubles
_texts = st.sampled_from(TEXTS) | st.text(max_size=4).map(lambda text: json.dumps(text).encode())
_scalars = _numbers | _texts | st.sampled_from([b"null", b"true", b"false", b"{}", b"[]", *TIMES])
_space = st.sampled_from([b"", b"", b"", b" ", b"\t", b"\r", b" \r "])


def _key(name: str) -> st.SearchStrategy[bytes]:
    """A key as it is, or with its first character escaped."""
    plain = json.dumps(name).encode()
    escaped = b'"\\u%04x%s' % (ord(name[0]), json.dumps(name[1:])[1:].encode()) if name and name.isascii() else plain
    return st.sampled_from([plain, plain, plain, escaped])


def _object(keys: list[str], values: st.SearchStrategy[bytes], max_size: int) -> st.SearchStrategy[bytes]:
    pair = st.tuples(st.sampled_from(keys).flatmap(_key), _space, values, _space).map(
        lambda p: p[0] + p[1] + b":" + p[2] + p[3]
    )
    return st.lists(pair, max_size=max_size).map(lambda pairs: b"{" + b",".join(pairs) + b"}")


def _containers(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return _object(INNER, inner, 4) | st.lists(inner, max_size=3).map(lambda parts: b"[" + b",".join(parts) + b"]")


VALUES = st.recursive(_scalars, _containers, max_leaves=10)
"""JSON values as text."""


def _of_key(name: str) -> st.SearchStrategy[bytes]:
    usual = {
        "account": st.sampled_from([b'"shop"', b'"shop"', b'"\\u0073hop"', b'"other"', b"null"]),
        **dict.fromkeys(("timestamp", "sentAt", "receivedAt"), st.sampled_from(TIMES)),
        **dict.fromkeys(("properties", "context", "items"), _containers(VALUES)),
        "event": st.sampled_from([b'"A"', b'"B"', b'"\\u0041"', b"null", b"5"]),
    }
    return usual.get(name, _scalars) | VALUES


_pairs = st.sampled_from(KEYS).flatmap(lambda name: st.tuples(_key(name), _of_key(name))).map(lambda pair: b":".join(pair))
_first = b'"timestamp":"%s"' % AT.encode()
EVENTS = st.lists(_pairs, max_size=9).map(lambda pairs: b"{" + b",".join([_first, *pairs]) + b"}")
"""Events as text; keys may be there twice."""

_members = st.lists(EVENTS | VALUES, max_size=4).map(lambda events: b"[" + b",".join(events) + b"]")
_batch_pairs = st.tuples(_members | VALUES, st.lists(_pairs, max_size=4)).map(lambda two: [b'"batch":' + two[0], *two[1]])
BATCHES = _batch_pairs.flatmap(st.permutations).map(lambda pairs: b"{" + b",".join(pairs) + b"}")


@st.composite
def _spoiled(draw: Any, lines: st.SearchStrategy[bytes]) -> bytes:
    """A line with something in it replaced, left out or put in."""
    line = draw(lines)
    at = draw(st.integers(0, len(line)))
    until = at + draw(st.integers(0, 3))
    return line[:at] + draw(st.sampled_from([b"", b",", b":", b'"', b"\\", *BROKEN]) | st.binary(max_size=3)) + line[until:]


_sound = EVENTS | BATCHES
_junk = st.sampled_from([b"", b" ", b"\r", b"\x0b", b"\xef\xbb\xbf", b"\x00", *BROKEN])
_plain = (_sound | _spoiled(_sound) | _junk | VALUES).map(lambda line: line.replace(b"\n", b" "))


def _as_reject(raw: bytes, account: object, arrived: object, source: object, packed: bool) -> bytes:
    kept = {"stage": "decode", "reason": "not_json", "source": source, "account": account, "arrived": arrived}
    held = {"raw_base64": base64.b64encode(raw).decode()} if packed else {"raw": raw.decode("utf-8", "replace")}
    return json.dumps({name: value for name, value in {**kept, **held}.items() if value is not ...}).encode()


_kept = st.builds(
    _as_reject,
    _plain,
    st.sampled_from([..., None, "shop", "other", "nobody", "No Name", "", 5]),
    st.sampled_from([..., None, "2026-08-01T12:00:00Z", "soon", "", 5, "9" * 200]),
    st.sampled_from(["in@7", "", "x" * 2_001, None, ...]),
    st.booleans(),
)
LINES = _plain | _kept | _spoiled(_kept).map(lambda line: line.replace(b"\n", b" "))
"""One line each, without its end. Some are rejects records, as they are kept or forged."""
