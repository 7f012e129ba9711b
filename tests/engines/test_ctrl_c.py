"""Ctrl-C at a terminal, which goes to all processes of the command at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

from tests.support.daycount import command, daycount, environment_of, line_of, write_definitions
from tests.support.engine_jobs import as_words
from tests.support.prism import local_prism_options
from tests.support.records import ORDERS, order
from tests.support.redis_feed import STREAM, RedisFeed

PATIENCE_S = 120.0
POLL_S = 0.1


def test_ctrl_c_ends_a_job_on_prism_with_its_summary_and_nothing_else(redis_url: str, tmp_path: Path) -> None:
    places = ("--store", f"sqlite:///{tmp_path}/numbers.db", "--definitions", redis_url)
    pushed = daycount("define", "push", write_definitions(tmp_path / "d.yaml", ORDERS), "--definitions", redis_url)
    assert pushed.returncode == 0, pushed.stderr
    with closing(RedisFeed(redis_url)) as feed:
        words = ["run", "--follow", "--input", feed.url, *places, "--rejects", f"{tmp_path}/rejects.jsonl", "--json"]
        run = subprocess.Popen(
            command(*words, *as_words(local_prism_options())),
            env=environment_of(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            feed.send(line_of(order()), account="shop")
            until = time.monotonic() + PATIENCE_S
            while not is_counted(feed):
                assert run.poll() is None and time.monotonic() < until
                time.sleep(POLL_S)
            os.killpg(run.pid, signal.SIGINT)
            said, complained = run.communicate(timeout=PATIENCE_S)
        finally:
            run.kill()
            run.communicate()
    assert (run.returncode, complained.decode()) == (0, "")
    summary = json.loads(said)
    assert summary["interrupted"] and summary["events"] == 1


def is_counted(feed: RedisFeed) -> bool:
    if not feed.client.exists(STREAM):
        return False
    groups = feed.client.xinfo_groups(STREAM)
    return any(group["entries-read"] == 1 and group["pending"] == 0 for group in groups)
