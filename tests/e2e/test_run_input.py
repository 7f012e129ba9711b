"""Files as they come: line ends, byte order marks, nothing at all, far too much, and damage."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from tests.support.daycount import Shop, daycount, line_of, refusal, write_definitions, write_lines
from tests.support.records import ORDERS, order, orders
from tests.support.small_runs import SmallRun

DAY = {"from_": "2026-10-01", "to": "2026-10-01"}
BOM = b"\xef\xbb\xbf"
A, B, C = (line_of(event) for event, _ in zip(orders(), range(3), strict=False))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS))


@pytest.fixture
def run(shop: Shop) -> SmallRun:
    return SmallRun(shop.store, shop.definitions)


def counted(run: SmallRun) -> int:
    n: int = run.query("orders.n", **DAY)["results"][0]["metrics"][0]
    return n


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"", 0),
        (b"\n", 0),
        (b"\r\n \n\t\n\n", 0),
        (A, 1),
        (A + b"\n" + B, 2),
        (b"\r\n".join([A, B, C, b""]), 3),
        (b"\n\n\r\n" + A + b"\n\n" + B + b"\n\n", 2),
        (b"  " + A + b" \t\r\n" + B + b"   ", 2),
        (BOM + A + b"\n" + B + b"\n", 2),
        (BOM + A + b"\r\n" + BOM + B, 2),  # files put together
        (BOM, 0),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_of_lines(run: SmallRun, tmp_path: Path, text: bytes, events: int, pack) -> None:
    (tmp_path / "in").write_bytes(pack(text))
    tally = run.run(tmp_path / "in")
    assert (tally["events"], counted(run), run.rejects) == (events, events, [])


def test_an_empty_file_is_a_run_that_ends_well(tmp_path: Path, shop: Shop) -> None:
    (tmp_path / "in").touch()
    summary = shop.run(tmp_path / "in")
    assert (summary["events"], summary["rejects"], summary["resumed"]) == (0, {}, False)
    assert shop.query("orders.n", "--from", "2026-10-01", "--to", "2026-10-01")["results"][0]["metrics"] == [0]
    assert daycount("run", "--input", str(tmp_path / "in"), *shop.places).returncode == 0


def test_one_line_of_50_megabytes_is_one_reject(tmp_path: Path, shop: Shop) -> None:
    huge = b'{"event":"Order Completed","x":"' + b"x" * 50_000_000 + b'"}'
    write_lines(tmp_path / "in.jsonl", [A, huge, B])
    summary = shop.run(tmp_path / "in.jsonl")
    assert (summary["events"], summary["rejects"]) == (2, {"too_large": 1})
    packed = tmp_path / "in.jsonl.gz"
    packed.write_bytes(gzip.compress(b"\n".join([A, huge, C]), 1))
    summary = shop.run(packed)
    assert (summary["events"], summary["rejects"]) == (2, {"too_large": 1})
    assert counted(SmallRun(shop.store, shop.definitions)) == 3


def test_a_small_file_that_unpacks_to_much_is_read_in_bounded_memory(tmp_path: Path, shop: Shop) -> None:
    from tests.support.memory import peak_of

    blank, lines = b" " * 1_000_000 + b"\n", 200
    with gzip.open(tmp_path / "in.gz", "wb", 1) as f:
        f.write(A + b"\n")
        for _ in range(lines):
            f.write(blank)
        f.write(B + b"\n")
    done, peak_bytes = peak_of(shop.run_words(tmp_path / "in.gz"))
    assert done.returncode == 0, done.stderr
    assert peak_bytes < 600_000_000
    assert counted(SmallRun(shop.store, shop.definitions)) == 2


def test_a_packed_file_cut_short_counts_what_stands_before_and_ends_with_1(tmp_path: Path, shop: Shop) -> None:
    stream = orders()
    text = b"".join(line_of(next(stream)) + b"\n" for _ in range(20_000))
    write_lines(tmp_path / "a.jsonl", [line_of(order(messageId="first"))])
    packed = gzip.compress(text)
    (tmp_path / "b.jsonl.gz").write_bytes(packed[:-20_000])
    inputs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    said = refusal(daycount(*shop.run_words(*inputs)), code=1)
    assert said.startswith(f"{tmp_path}/b.jsonl.gz: not readable to its end (") and "mend it" in said
    run = SmallRun(shop.store, shop.definitions)
    assert 2_000 < counted(run) < 20_000
    (tmp_path / "b.jsonl.gz").write_bytes(packed)
    shop.run(*inputs)
    assert counted(run) == 20_001


def test_what_only_looks_packed_or_is_damaged_inside_ends_with_1(tmp_path: Path, shop: Shop) -> None:
    buffer = io.BytesIO(gzip.compress(A + b"\n" + B + b"\n"))
    damaged = bytearray(buffer.getvalue())
    damaged[-8] ^= 0xFF  # the checksum
    for data in (b"\x1f\x8bnot packed", bytes(damaged), gzip.compress(A) + b"tail"):
        (tmp_path / "in.gz").write_bytes(data)
        said = refusal(daycount(*shop.run_words(tmp_path / "in.gz")), code=1)
        assert said.startswith(f"{tmp_path}/in.gz: not readable to its end (")


def test_a_pipe_of_the_shell_is_an_input(tmp_path: Path, shop: Shop) -> None:
    import subprocess

    from tests.support.daycount import command, environment_of

    write_lines(tmp_path / "in.jsonl", [A, B, B])
    words = " ".join(command(*shop.run_words("PIPE")))
    for pack in ("cat", "gzip -c"):
        line = words.replace("PIPE", f"<({pack} {tmp_path}/in.jsonl)")
        done = subprocess.run(["bash", "-c", line], capture_output=True, env=environment_of(), timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
    assert counted(SmallRun(shop.store, shop.definitions)) == 2
