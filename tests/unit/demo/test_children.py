"""The demo's programs: none is left behind, and one that dies is reported with its last words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.demo.children import Children
from pipeline.model.errors import RunError

WAIT = "import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(3)); print('up', flush=True); signal.pause()"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def wait_for(children: Children) -> None:
    for child in children._children:
        child.process.wait()


def test_one_that_dies_is_reported_with_its_last_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunError, match=r"the clock ended by itself \(exit code 7\)"), Children(tmp_path) as children:
        children.start("clock", python("import sys; print('a', flush=True); print('out of time', file=sys.stderr); exit(7)"))
        wait_for(children)
        children.check()
    assert capsys.readouterr().err == "  clock: a\n  clock: out of time\n"


def test_running_ones_are_well_and_end_when_told_to(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("one", python(WAIT))
        children.check()
        children.stop()
        children.check()


def test_one_that_ends_badly_is_reported_and_the_others_are_ended(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the first did not end well"), Children(tmp_path) as children:
        children.start("first", python(STUBBORN))
        children.start("second", python(WAIT))
        processes = [child.process for child in children._children]
        while not (tmp_path / "first.log").read_text():
            children.check()
        children.stop()
    assert all(process.poll() is not None for process in processes)


def test_whatever_happens_none_outlives_the_block(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Children(tmp_path) as children:
        children.start("one", python(WAIT))
        processes = [child.process for child in children._children]
        raise KeyError
    assert all(process.poll() is not None for process in processes)
