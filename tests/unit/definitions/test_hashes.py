"""Hashes in Redis that anybody may have written."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.definitions.hashes import account_of_key, fields_digest, read_hash
from pipeline.model import limits
from tests.support.definitions import metric_document


def fields(**values: Any) -> dict[bytes, bytes]:
    return {name.replace("__", ":").encode(): json.dumps(value).encode() for name, value in values.items()}


def test_a_hash_of_settings_and_metrics_is_read():
    account = read_hash("acme", fields(settings={"timezone": "Asia/Tokyo"}, metric__orders=metric_document()))
    assert account.settings.timezone == "Asia/Tokyo"
    assert list(account.metrics) == ["orders"]
    assert account.problems == ()


def test_the_id_may_be_left_to_the_field_but_not_contradict_it():
    account = read_hash("acme", fields(metric__a=metric_document(id=None), metric__b=metric_document(id="c")))
    assert list(account.metrics) == ["a"]
    assert account.problems == ('metric:b: id: "c", but it is kept under b; make them the same, or leave this one out',)


def test_whatever_is_not_a_definition_is_a_line_and_the_others_go_on():
    account = read_hash(
        "acme",
        {
            **fields(metric__orders=metric_document(), metric__no_where=metric_document(where=None)),
            b"metric:bytes": b"\xff\xfe",
            b"metric:nan": b'{"where": {"a": NaN}}',
            b"metric:null": b"null",
            b"metric:text": b"{",
            b"metric:twice": b'{"id": "twice", "id": "twice"}',
            b"metric:\xff": json.dumps(metric_document(id=None)).encode(),
            b"experiment:hero": b"garbage",
            b"layer:home": b"{}",
        },
    )
    assert list(account.metrics) == ["orders"]
    assert {problem.partition(": ")[0]: problem.partition(": ")[2] for problem in account.problems} == {
        "experiment:hero": "not JSON: Expecting value (line 1, column 1); push it again",
        "layer:home": "buckets: missing; write a power of two of at most 1,048,576, such as 1024",
        "metric:bytes": "not JSON: it is not UTF-8 text; push it again",
        "metric:nan": "NaN is not a number in JSON; leave it out; push it again",
        "metric:no_where": "where: missing; write a condition such as {event: Order Completed}, or {} for every event",
        "metric:null": "null; push it again, or delete the field",
        "metric:text": "not JSON: Expecting property name enclosed in double quotes (line 1, column 2); push it again",
        "metric:twice": 'the key "id" is written twice; leave one out; push it again',
        "metric:\\xff": 'id: "�" is not an id; 1 to 64 of a-z, 0-9 and _',
    }


def test_settings_that_are_not_json_stop_the_account_instead_of_counting_wrong_days():
    account = read_hash("acme", {**fields(metric__orders=metric_document()), b"settings": b"{timezone: Asia/Tokyo"})
    assert account.metrics == {}
    assert [problem.partition(":")[0] for problem in account.problems] == ["settings", "settings"]


def test_fields_that_mean_nothing_are_told():
    account = read_hash("acme", {**fields(metric__orders=metric_document()), b"metrics:a": b"{}", b"x": b""})
    assert list(account.metrics) == ["orders"]
    assert account.problems == (
        "2 fields that mean nothing here, such as metrics:a; metrics are in metric:ID, settings in settings",
    )


def test_metrics_beyond_the_bound_are_left_out_in_a_fixed_order():
    many = {f"metric:m{i:05}".encode(): b"3" for i in range(limits.METRICS_PER_ACCOUNT_MAX + 1)}
    problems = read_hash("acme", many).problems
    assert problems[0] == "2,001 metrics; the first 2,000 by id are counted"
    assert len(problems) == limits.METRICS_PER_ACCOUNT_MAX + 1


def test_the_digest_of_a_hash_is_of_its_definitions_only():
    base = fields(settings={}, metric__a=metric_document())
    assert fields_digest(dict(reversed(base.items()))) == fields_digest(base)
    assert fields_digest({**base, b"epochs:e": b"{}"}) == fields_digest(base)
    assert fields_digest({**base, b"experiment:e": b"{}"}) != fields_digest(base)
    assert fields_digest({**base, b"metric:b": b"{}"}) != fields_digest(base)
    assert fields_digest({b"ab": b"c"}) != fields_digest({b"a": b"bc"})


def test_keys_that_name_no_account_are_known():
    assert account_of_key(b"definitions:acme-2") == "acme-2"
    for key in (b"definitions:", b"definitions:A", b"definitions:\xff", b"definitions:a:b", b"definitions:a\n"):
        assert account_of_key(key) is None


NAMES = st.binary(max_size=6).map(b"metric:".__add__) | st.binary(max_size=12) | st.just(b"settings")


@given(st.dictionaries(NAMES, st.binary() | st.sampled_from([b"{}", b"[]", b"3", b'"x"', b'{"timezone": 3}']), max_size=5))
def test_no_bytes_make_reading_fail(garbage: dict[bytes, bytes]):
    account = read_hash("acme", {**garbage, **fields(metric__orders=metric_document())})
    assert "orders" in account.metrics or b"settings" in garbage
    assert all(line.isprintable() for line in account.problems)
