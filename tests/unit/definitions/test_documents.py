"""Text to documents: the traps of YAML and JSON."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.definitions.documents import parse_json, read_file, to_yaml
from pipeline.model import limits
from pipeline.model.errors import UsageError


def read(tmp_path: Path, text: str | bytes, name: str = "acme.yaml") -> list[Any]:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_file(str(file))


def refusal(tmp_path: Path, text: str | bytes, name: str = "acme.yaml") -> str:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text, name)
    message = str(refused.value)
    assert message.isprintable()
    assert message.startswith(f"{tmp_path}/{name}: ")
    return message.removeprefix(f"{tmp_path}/{name}: ")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"), ("NO", "NO"), ("on", "on"), ("off", "off"), ("yes", "yes"), ("y", "y"),
        ("2026-10-01", "2026-10-01"), ("2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z"), ("12:30", "12:30"),
        ("007", "007"), ("0x10", "0x10"), ("0o17", "0o17"), ("1_000", "1_000"), (".inf", ".inf"), (".nan", ".nan"),
        ("=", "="), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("499", 499), ("-3", -3), ("+3", 3), ("0", 0), ("4.5", 4.5), (".5", 0.5), ("1e3", 1000.0), ("1.", 1.0),
        ('"true"', "true"), ("'5'", "5"), ("1.2.3", "1.2.3"), ("Order Completed", "Order Completed"),
    ],
)  # fmt: skip
def test_yaml_words_are_read_as_json_reads_them(tmp_path: Path, written: str, meant: Any):
    ((document),) = read(tmp_path, f"where: {written}\n")
    assert document == {"where": meant}
    assert type(document["where"]) is type(meant)


def test_words_like_on_are_keys_too(tmp_path: Path):
    assert read(tmp_path, "on: 1\nno: 2\n") == [{"on": 1, "no": 2}]


def test_a_file_holds_one_account_or_several(tmp_path: Path):
    several = [{"account": "a"}, {"account": "b"}]
    assert read(tmp_path, "account: a\n") == several[:1]
    assert read(tmp_path, "account: a\n---\naccount: b\n---\n") == several
    assert read(tmp_path, "- account: a\n- account: b\n") == several
    assert read(tmp_path, '[{"account": "a"}, {"account": "b"}]', "acme.json") == several
    assert read(tmp_path, '{"account": "a"}') == several[:1]


def test_a_byte_order_mark_is_no_harm(tmp_path: Path):
    assert read(tmp_path, b"\xef\xbb\xbfaccount: a\n") == [{"account": "a"}]
    assert read(tmp_path, b'\xef\xbb\xbf{"account": "a"}', "a.json") == [{"account": "a"}]


def test_an_anchor_stands_for_what_it_names(tmp_path: Path):
    assert read(tmp_path, "a: &x {b: 1}\nc: *x\n") == [{"a": {"b": 1}, "c": {"b": 1}}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", 'line 2, column 1: the key "a" is written twice; leave one out'),
        ("1: x\n", "line 1, column 1: the key 1 is not text; put it in quotes"),
        ("true: x\n", "line 1, column 1: the key true is not text; put it in quotes"),
        ("? [a]\n: x\n", "line 1, column 3: the key a list is not text; put it in quotes"),
        ("a: [\n", "line 2, column 1: did not find expected node content"),
        ("a: *x\n", "line 1, column 4: found undefined alias"),
        ("a: !!python/object/apply:os.x []\n",
         'line 1: the tag "tag:yaml.org,2002:python/object/apply:os.x" means nothing in JSON; leave it out'),
        ("a: !!int ''\n", 'line 1: the tag "tag:yaml.org,2002:int" means nothing in JSON; leave it out'),
        ("a:\n- !!bool x\n", 'line 2: the tag "tag:yaml.org,2002:bool" means nothing in JSON; leave it out'),
        ("a: !!timestamp 2026-99-99\n", 'line 1: the tag "tag:yaml.org,2002:timestamp" means nothing in JSON; leave it out'),
        ("a: !x {}\n", 'line 1: the tag "!x" means nothing in JSON; leave it out'),
        ("a: &m [*m]\n", 'line 1: the alias "m" stands for what it lies in; write it out'),
        ("a: &m 1\nb: &m {c: *m}\n", 'line 2: the alias "m" stands for what it lies in; write it out'),
        ("[" * 100_000, "line 1: nested too deep; at most 40 levels"),
        ("{a: " * 100_000, "line 1: nested too deep; at most 40 levels"),
        ("", "it holds no definitions; write account:, settings: and metrics:"),
        ("# nothing\n---\n", "it holds no definitions; write account:, settings: and metrics:"),
        (b"a: \xff\n", "not UTF-8 text at byte 3; save it as UTF-8"),
        ("a: \x07", "not YAML: "),
        (f"a: {'9' * 5000}", "line 1, column 4: too large a number; at most 64 bits"),
    ],
)  # fmt: skip
def test_yaml_is_refused_with_its_line(tmp_path: Path, text: str | bytes, said: str):
    assert refusal(tmp_path, text).startswith(said)


def test_merge_keys_are_plain_keys_for_they_multiply_without_bound(tmp_path: Path):
    assert read(tmp_path, "a: &a {b: 1}\nc: {<<: *a}\n") == [{"a": {"b": 1}, "c": {"<<": {"b": 1}}}]


def test_aliases_that_stand_for_a_huge_document_are_refused_at_the_line(tmp_path: Path):
    laughs = "".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]\n" for i in range(30))
    said = "line 7: aliases stand for more than 1,000,000 values in all; use fewer"
    assert refusal(tmp_path, f"a0: &a0 [lol]\n{laughs}") == said


@pytest.mark.parametrize("last", ["z: *a60", "? *a60\n: 1", "z: [[*a38]]"])
def test_aliases_nest_no_deeper_than_what_is_written_out(tmp_path: Path, last: str):
    chain = "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(60 if "60" in last else 38))
    assert refusal(tmp_path, f"a0: &a0 [1]\n{chain}{last}\n").endswith(": nested too deep; at most 40 levels")


def test_texts_may_say_that_they_are_texts(tmp_path: Path):
    assert read(tmp_path, "a: !!str 5\nb: !!seq [7]\n") == [{"a": "5", "b": [7]}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": NaN}', "NaN is not a number in JSON; leave it out"),
        ('{"a": -Infinity}', "-Infinity is not a number in JSON; leave it out"),
        ('{"a": 1, "b": {"c": 1, "c": 1}}', 'the key "c" is written twice; leave one out'),
        ("{", "not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ("a: 1", "not JSON: Expecting value (line 1, column 1)"),
        ("[" * 100_000, "nested too deep"),
        ("null", "it holds no definitions; write account:, settings: and metrics:"),
        (f'{{"a": {"9" * 5_000}}}', "too large a number; at most 64 bits"),
        ("{" + ",".join(f'"{n % 99_999}":1' for n in range(100_000)) + "}", 'the key "0" is written twice; leave one out'),
    ],
)
def test_json_is_refused(tmp_path: Path, text: str, said: str):
    assert refusal(tmp_path, text, "acme.json") == said


def test_a_file_that_is_not_there_or_not_a_file_is_refused(tmp_path: Path):
    for path, said in [
        (str(tmp_path / "none.yaml"), "there is no such file; name one that holds definitions"),
        (str(tmp_path), "it cannot be read: Is a directory"),
        ("a\0b", "it cannot be read: embedded null byte"),
    ]:
        with pytest.raises(UsageError) as refused:
            read_file(path)
        assert str(refused.value) == f"{path}: {said}"


def test_a_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.definitions.documents.DEFINITIONS_FILE_BYTES_MAX", 10)
    assert limits.DEFINITIONS_FILE_BYTES_MAX > 10
    assert refusal(tmp_path, "account: acme\n") == "too large; at most 10 bytes, so split it by account"


@given(st.binary() | st.text())
def test_json_of_any_bytes_is_a_document_or_a_value_error(text: bytes | str):
    with contextlib.suppress(ValueError):
        parse_json(text)


WORDS = st.text() | st.sampled_from(
    ["no", "1e3", "2026-10-01", "007", "true", "~", "", ".5", "=", "<<", "- a", "a: b", "+1"]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(WORDS, DOCUMENTS, min_size=1, max_size=4))
def test_what_is_written_as_yaml_reads_back_the_same(tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]):
    assert read(tmp_path_factory.mktemp("yaml"), to_yaml(document)) == [document]
