"""`daycount demo` as a user sees it: it ends by itself with a verdict, or when told to, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.daycount import command, daycount, environment_of, refusal
from tests.support.ports import free_port

# A terminal of its own, so that Ctrl-C is a key that is pressed there.
IN_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
LAST_LINE_OF_INTRODUCTION = "All of it is in"


@contextmanager
def demo(*words: str, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that runs, its temporary files in a folder of ours."""
    environment = environment_of({"TMPDIR": str(temporary)})
    process = subprocess.Popen(
        command("demo", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], said: str) -> list[str]:
    """The lines up to one that says so."""
    assert process.stdout is not None and process.stderr is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if said in line:
            return lines
    raise AssertionError(f"{said!r} was never said: {lines} {process.stderr.read()}")


def children_of(process: subprocess.Popen[str]) -> dict[int, str]:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(row[0]): row[2] for row in rows if len(row) == 3 and int(row[1]) == process.pid}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def commands_of(lines: list[str]) -> list[str]:
    """What is shown to be pasted: indented, and no comment."""
    after = lines[lines.index("Try next, in another terminal:") + 1 :]
    return [line.strip() for line in after if line.startswith("  ") and not line.lstrip().startswith("#")]


def pasted(line: str, tmp_path: Path) -> str:
    """What a command of the demo says, run in a shell somewhere else."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=tmp_path, env=environment_of(), timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), f"{line}: {done.stderr}"
    return done.stdout


def test_with_a_time_limit_it_ends_by_itself_and_every_number_is_what_was_sent(tmp_path: Path) -> None:
    done = daycount("demo", "--seconds", "3", "--port", str(free_port()), environment={"TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "Dashboard:  http://127.0.0.1:" in done.stdout
    assert "Exact: all" in done.stdout and "differ" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_it_says_to_try_next_can_be_pasted_and_an_interrupt_ends_it_well(tmp_path: Path) -> None:
    kept = tmp_path / "kept here"
    with demo("--dir", str(kept), "--port", str(free_port()), temporary=tmp_path) as process:
        lines = read_until(process, LAST_LINE_OF_INTRODUCTION)
        curl, test, hours, results, assigned, push, big_orders, rejects = commands_of(lines)
        assert "orders.revenue" in json.loads(pasted(curl, tmp_path))[0]
        assert "friendly" in pasted(test, tmp_path)
        assert "orders.orders" in pasted(hours, tmp_path)
        decision = json.loads(pasted(results, tmp_path))["decision"]
        assert (decision["verdict"], decision["variation"]) == ("ship", "friendly")  # the truth of the simulated shop
        assert json.loads(pasted(assigned, tmp_path))["experiments"]["hero_cta"]["reason"] == "assigned"
        assert "big_orders: pushed" in pasted(push, tmp_path)
        assert "big_orders.revenue" in pasted(big_orders, tmp_path)
        assert {"reason", "raw"} <= json.loads(pasted(rejects, tmp_path).splitlines()[-1]).keys()
        children = children_of(process)
        assert len(children) == 3, children
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), out + err
    assert not any(alive(pid) for pid in children)
    assert f"kept in {kept}" in out
    assert (kept / "numbers.db").exists() and (kept / "events" / "history.jsonl").exists()


@pytest.mark.parametrize("said", ["A shop's events", "Dashboard", LAST_LINE_OF_INTRODUCTION])
def test_it_can_be_told_to_end_at_any_time(tmp_path: Path, said: str) -> None:
    with demo("--port", str(free_port()), temporary=tmp_path) as process:
        read_until(process, said)
        children = children_of(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), out + err
    assert not any(alive(pid) for pid in children)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_dies_is_reported_and_the_rest_is_ended(tmp_path: Path) -> None:
    with demo("--port", str(free_port()), temporary=tmp_path) as process:
        read_until(process, LAST_LINE_OF_INTRODUCTION)
        children = children_of(process)
        os.kill(next(pid for pid, words in children.items() if " run " in words), signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "daycount: the pipeline ended by itself (SIGKILL); " in err
    assert not any(alive(pid) for pid in children)
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_not_what_was_sent_is_found_and_named(tmp_path: Path) -> None:
    """The canary: one order more than the shop has sent."""
    kept = tmp_path / "kept"
    with demo("--dir", str(kept), "--seconds", "4", "--port", str(free_port()), temporary=tmp_path) as process:
        read_until(process, "Dashboard:")  # all of its history is still to be counted
        forged = {
            "messageId": "forged", "type": "track", "event": "Order Completed",
            "timestamp": (datetime.now(UTC) - timedelta(days=3)).isoformat(),
            "properties": {"total": 0.5}, "context": {"location": {"country": "GB"}},
        }  # fmt: skip
        (kept / "events" / "forged.jsonl").write_text(json.dumps(forged) + "\n")
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, ""), out + err
    assert "WRONG: of" in out and "orders.orders of GB on" in out


def test_in_a_terminal_the_numbers_are_redrawn_until_ctrl_c_is_pressed(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    words = command("demo", "--port", str(free_port()))
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment_of({"TMPDIR": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "60"}),
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while shown.count(b"Ctrl-C ends the demo") < 2:
        shown += os.read(ours, 65_536)
    os.write(ours, b"\x03")
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # the terminal's last user is gone
            break
    os.close(ours)
    assert process.wait(60) == 0, shown.decode()
    assert b"Traceback" not in shown and b"friendly" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("")
    assert "there is something in it already" in refusal(daycount("demo", "--dir", str(tmp_path)))
    assert "name a directory that can be made" in refusal(daycount("demo", "--dir", str(tmp_path / "diary.txt" / "x")))
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
