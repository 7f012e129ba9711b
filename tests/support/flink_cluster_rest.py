"""Owns how tests talk to a Flink cluster: its REST interface."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 180.0  # a job's start takes 20 seconds, and several times that where other tests run beside it
ANSWER_S = 60.0  # on a busy machine the job manager may stand still for many seconds
POLL_S = 0.1


class FlinkRest:
    """Jobs, task managers and savepoints of one cluster."""

    def __init__(self, url: str) -> None:
        self.url = url

    def answers(self) -> bool:
        try:
            self.ask("/overview")
        except OSError:
            return False
        return True

    def task_managers(self) -> int:
        """How many the job manager takes for alive."""
        return len(self.ask("/taskmanagers")["taskmanagers"])

    def jobs(self) -> dict[str, str]:
        """id -> state, such as RUNNING, RESTARTING, CANCELED, FINISHED, FAILED."""
        return {job["id"]: job["status"] for job in self.ask("/jobs")["jobs"]}

    def state(self, job: str) -> str:
        return str(self.ask(f"/jobs/{job}")["state"])

    def tasks(self, job: str) -> dict[str, int]:
        """State -> number of the job's tasks in it."""
        counts: dict[str, int] = {}
        for vertex in self.ask(f"/jobs/{job}")["vertices"]:
            for state, number in vertex["tasks"].items():
                if number:
                    counts[state] = counts.get(state, 0) + number
        return counts

    def runs(self, job: str) -> bool:
        """Whether all of its tasks run: between a failure and the restart they don't."""
        return self.state(job) == "RUNNING" and self.tasks(job).keys() <= {"RUNNING", "FINISHED"}

    def failures(self, job: str) -> list[str]:
        """What the job was restarted for, newest first."""
        entries = self.ask(f"/jobs/{job}/exceptions").get("exceptionHistory", {}).get("entries", [])
        return [str(entry["stacktrace"]) for entry in entries]

    def cancel(self, job: str) -> None:
        """**Retry:** harmless."""
        self.ask(f"/jobs/{job}?mode=cancel", "PATCH")
        self.wait(lambda: self.state(job) == "CANCELED", f"job {job} to be cancelled")

    def stop_with_savepoint(self, job: str) -> str:
        """Stop a job as soon as all of it runs; gives the savepoint's place."""
        self.wait(lambda: self.runs(job), "all tasks to run")
        body = {"drain": False, "formatType": "CANONICAL"}
        place = self._place_of(job, self.ask(f"/jobs/{job}/stop", "POST", body)["request-id"])
        self.wait(lambda: self.state(job) == "FINISHED", "the job to end")
        return place

    def savepoint(self, job: str) -> str:
        """Make one as soon as all of the job runs, which goes on; gives its place."""
        self.wait(lambda: self.runs(job), "all tasks to run")
        body = {"cancel-job": False, "formatType": "CANONICAL"}
        return self._place_of(job, self.ask(f"/jobs/{job}/savepoints", "POST", body)["request-id"])

    def _place_of(self, job: str, trigger: str) -> str:
        self.wait(lambda: self._savepoint(job, trigger)["status"]["id"] == "COMPLETED", "the savepoint")
        operation = self._savepoint(job, trigger)["operation"]
        if "location" not in operation:
            raise RuntimeError(f"no savepoint: {operation['failure-cause']['stack-trace'][:2_000]}")
        return str(operation["location"])

    def _savepoint(self, job: str, trigger: str) -> Any:
        return self.ask(f"/jobs/{job}/savepoints/{trigger}")

    def ask(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        """A request's answer. Raises OSError where there is none or it says no."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return json.loads(answer.read() or b"null")

    def wait(self, holds: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
        """Look again and again, up to a deadline."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
            time.sleep(POLL_S)
