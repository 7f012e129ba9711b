"""An e-mail test with known numbers, from its events through the pipeline to its results and a message about them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.daycount import command, daycount, environment_of, refusal
from tests.support.mailing import ARMS, write
from tests.support.serving import serving
from tests.support.webhook import WebhookServer, webhook_server

AT_ONCE = ("--min-hours", "0", "--looks", "1")
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("mailing")
    definitions, events = write(folder)
    named = ["--store", f"sqlite:///{folder}/numbers.db", "--definitions", definitions]
    done = daycount("run", "--input", events, "--account", "post", *named)
    assert done.returncode == 0, done.stderr
    return named


@pytest.fixture(scope="module")
def results(places: list[str]) -> dict[str, Any]:
    with serving(*places, "--no-auth") as reader:
        answer = httpx.get(f"http://127.0.0.1:{reader.port}/v1/experiments/subject/results?by=properties.plan", timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_results_have_the_known_counts_and_z(results: dict[str, Any]) -> None:
    rate, revenue = results["goals"]
    assert {v["id"]: (v["visitors"], v["total"]) for v in rate["variations"]} == ARMS
    assert [round(v["versus_control"]["fixed"]["z"], 3) for v in rate["variations"][1:]] == [7.385, 3.780]
    assert (rate["kind"], revenue["kind"]) == ("rate", "mean")
    assert all("t" in v["versus_control"]["fixed"] for v in revenue["variations"][1:])


def test_the_sample_ratio_is_fine_and_the_best_arm_is_to_be_shipped(results: dict[str, Any]) -> None:
    assert results["sample_ratio"]["ok"] and results["sample_ratio"]["p_value"] > 0.5
    assert (results["decision"]["verdict"], results["decision"]["variation"]) == ("ship", "second")
    assert results["excluded"] == {"several_variations": 0, "unknown_variation": 0, "forgotten_goal_events": 0}


def test_the_days_and_the_values_of_a_breakdown_add_up(results: dict[str, Any]) -> None:
    for number, goal in enumerate(results["goals"]):
        for place, variation in enumerate(goal["variations"]):
            assert sum(day["visitors"] for day in variation["days"]) == variation["visitors"]
            assert sum(day["total"] for day in variation["days"]) == pytest.approx(variation["total"])
            cut = [value["goals"][number]["variations"][place] for value in results["values"]]
            assert sum(part["visitors"] for part in cut) == variation["visitors"]
            assert sum(part["total"] for part in cut) == pytest.approx(variation["total"])
    assert [value["value"] for value in results["values"]] == ["pro", "free"]


@dataclass
class Watch:
    places: list[str]
    hook: WebhookServer
    state: Path

    def words(self, *more: str) -> list[str]:
        return ["watch", *self.places, "--webhook", self.hook.url, "--state", str(self.state), *more]

    def once(self, *more: str) -> subprocess.CompletedProcess[str]:
        return daycount(*self.words("--once", *more))


@pytest.fixture
def watch(places: list[str], tmp_path: Path) -> Iterator[Watch]:
    with webhook_server() as hook:
        yield Watch(places, hook, tmp_path / "state.json")


def test_the_decision_is_told_once_over_runs_of_the_command(watch: Watch) -> None:
    for _ in range(2):
        done = watch.once(*AT_ONCE)
        assert done.returncode == 0, done.stderr
    (text,) = watch.hook.texts
    assert text.startswith("subject (post, epoch 1): ship second. second is better than first in orders.visitors: +119%")
    assert "secret" not in done.stderr


def test_by_default_three_looks_and_a_day_are_waited_for(watch: Watch) -> None:
    assert [watch.once().returncode for _ in range(2)] == [0, 0] and watch.hook.texts == []
    assert watch.once().returncode == 0 and len(watch.hook.texts) == 1


def test_a_message_that_nobody_takes_ends_one_look_with_1_and_is_not_lost(watch: Watch) -> None:
    watch.hook.answers = [404]
    done = watch.once(*AT_ONCE)
    assert done.returncode == 1 and "127.0.0.1 answers 404" in done.stderr and "Traceback" not in done.stderr
    assert watch.once("--min-visitors", "1000000").returncode == 0 and len(watch.hook.texts) == 1


def test_it_goes_on_looking_until_it_is_ended_and_says_nothing_twice_when_it_is_killed(watch: Watch) -> None:
    for ending, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        words = command(*watch.words("--every", "0.1", "--min-hours", "0"))
        running = subprocess.Popen(words, env=environment_of(), stdout=subprocess.PIPE, bufsize=0)
        deadline_s = time.monotonic() + DEADLINE_S
        try:
            assert running.stdout is not None and b"Daycount is watching" in running.stdout.readline()
            while not _is_told(watch) and time.monotonic() < deadline_s:
                assert running.poll() is None
                time.sleep(0.05)
            running.send_signal(ending)
            assert running.wait(DEADLINE_S) == code
        finally:
            running.kill()
            running.communicate()
    assert len(watch.hook.texts) == 1


def _is_told(watch: Watch) -> bool:
    """The message was taken, and that is remembered."""
    return bool(watch.hook.texts) and '"outbox": []' in watch.state.read_text()


def test_what_is_wrong_about_the_words_is_said_in_one_line(watch: Watch, tmp_path: Path) -> None:
    store, definitions = watch.places[1], watch.places[3]
    wrong = {
        "--webhook is no address": ["--webhook", "hooks.slack.com", "--store", store, "--definitions", definitions],
        "--account nobody": ["--webhook", watch.hook.url, "--account", "nobody", *watch.places],
        "--state": ["--webhook", watch.hook.url, "--state", str(tmp_path / "nowhere" / "state"), *watch.places],
        "nothing.db": [
            "--webhook",
            watch.hook.url,
            "--store",
            f"sqlite:///{tmp_path}/nothing.db",
            "--definitions",
            definitions,
        ],
    }
    for named, words in wrong.items():
        assert named in refusal(daycount("watch", *words, cwd=tmp_path))
