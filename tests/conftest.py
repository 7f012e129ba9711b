"""For the whole run: which worker has which tests; what was left out and why, which fails it where CI is set."""

from __future__ import annotations

import os
from collections import Counter

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("any pace", deadline=None)
hypothesis.settings.load_profile("any pace")

REASON_AT = 2  # a skip is reported as (path, line, reason)

# Clusters and brokers are of hundreds of megabytes and many threads: one worker has all of a kind, and begins with them.
# All others go by file, so that what a file's tests share is made once.
GROUPS = {
    "flink": (
        "tests/engines/test_engine_faults",
        "tests/engines/test_flink",
        "tests/engines/test_kafka_on_flink",
        "tests/deploy/test_kubernetes_job",
    ),
    "kafka": (
        "tests/engines/test_kafka_on_prism",
        "tests/e2e/test_run_kafka",
        "tests/contract/test_kafka",
        "tests/unit/sources/test_kafka",
        "tests/unit/streaming/test_kafka",
    ),
    "prism": ("tests/engines/",),
}
HEAVY_TIMEOUT_S = 600


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: a third of its time a test waits for a server, a browser or a clock."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


class ByGroup(LoadScopeScheduling):
    """A worker gets a group of tests, or else a file of them, at a time, in the order in which they are collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or file_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup:
    config.option.loadscopereorder = False
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The heavy ones come to the front, and may take longer."""
    ranks = [*GROUPS, None]
    items.sort(key=lambda item: ranks.index(group_of(item.nodeid)))
    for item in items:
        if group_of(item.nodeid) is not None:
            item.add_marker(pytest.mark.timeout(HEAVY_TIMEOUT_S))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def group_of(nodeid: str) -> str | None:
    return next((group for group, starts in GROUPS.items() if file_of(nodeid).startswith(starts)), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per reason, with the number of tests."""
    left_out = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if left_out:
        terminalreporter.section("left out")
        for reason, tests in sorted(left_out.items()):
            terminalreporter.line(f"{tests} {'test' if tests == 1 else 'tests'}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """On a CI machine nothing may be missing, so a skip means that the machine was not set up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    place = report.longrepr
    return place[REASON_AT].removeprefix("Skipped: ") if isinstance(place, tuple) else str(place)
