"""A Redis Stream counted by real processes that are killed, doubled, and lose their Redis: exact, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import yaml

from tests.support.daycount import Shop, daycount, kept_rejects, refusal
from tests.support.live_run import LiveRun, begin, counter_rows
from tests.support.redis_feed import STREAM, RedisFeed, feed
from tests.support.redis_restarts import RestartedRedis
from tests.support.retail import DEFINITIONS, check_everything, retail_lines
from tests.support.small_runs import SmallRun

__all__ = ["begin", "feed"]

GROUP = "daycount"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(f"sqlite:///{tmp_path}/numbers.db", DEFINITIONS)


def check(shop: Shop, account: str = "shop") -> None:
    check_everything(SmallRun(shop.store, shop.definitions, account).query)


def delivered(feed: RedisFeed) -> bytes:
    """The id of the last entry that a run has been given."""
    try:
        groups = {group["name"]: group for group in feed.client.xinfo_groups(STREAM)}
    except redis.ResponseError:
        groups = {}  # no stream yet
    return groups[GROUP.encode()]["last-delivered-id"] if GROUP.encode() in groups else b"0-0"


def counted(feed: RedisFeed, *groups: str) -> bool:
    """Whether everything sent has been acknowledged by these groups."""
    found = {group["name"].decode(): group for group in feed.client.xinfo_groups(STREAM)}
    return all(found[name]["lag"] == 0 and found[name]["pending"] == 0 for name in groups or (GROUP,))


def readers(feed: RedisFeed) -> int:
    """How many connections have just asked for entries."""
    return sum(client["cmd"].startswith("xreadgroup") for client in feed.client.client_list())


def test_a_month_of_two_accounts_is_exact_with_every_tenth_delivery_doubled(
    feed: RedisFeed, shop: Shop, tmp_path: Path
) -> None:
    document = yaml.safe_load(Path(DEFINITIONS).read_text())
    both = tmp_path / "both.yaml"
    both.write_text(yaml.safe_dump_all([document, {**document, "account": "twin"}]))
    shop = Shop(shop.store, str(both))
    lines = retail_lines()
    for account in ("shop", "twin"):
        feed.send(*lines[::10], *lines, account=account)
    words = ["run", "--input", feed.url, "--store", shop.store, "--definitions", str(both), "--json"]
    done = daycount(*words)
    assert (done.returncode, done.stderr) == (0, "")
    summary = yaml.safe_load(done.stdout)
    assert summary["events"] == 2 * (len(lines) + len(lines[::10]))
    assert summary["backlog"] == {"amount": 0, "unit": "records"}
    assert summary["rejects"] == {} and not summary["interrupted"]
    assert counted(feed)
    check(shop)
    check(shop, "twin")


def test_entries_that_are_no_records_of_their_account_are_rejected_and_done_with(
    feed: RedisFeed, shop: Shop, tmp_path: Path
) -> None:
    feed.add(
        {"data": ""},
        {"event": "{}"},
        {"data": '{"account":"other"}', "account": "shop"},
        {"data": "{}", "account": "no such account"},
        {"data": b"\xff", "account": "shop"},
    )
    words = ["run", "--input", feed.url, "--store", shop.store, "--definitions", shop.definitions, "--rejects-max", "1"]
    done = daycount(*words)
    assert (done.returncode, done.stderr) == (0, "")
    kept = kept_rejects(tmp_path / "numbers.db.rejects.jsonl")
    reasons = ["not_json", "not_json", "not_an_object", "unknown_account", "wrong_account"]
    assert sorted(reject["reason"] for reject in kept) == sorted(reasons)
    assert {reject["source"].partition("@")[0] for reject in kept} == {STREAM}
    assert counted(feed)


def test_runs_killed_with_entries_in_work_are_made_whole_by_the_next(
    feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    lines = retail_lines()
    moments = {
        "taken": lambda: delivered(feed) != before,
        "committed": lambda: counter_rows(shop) > 0,
        "some acknowledged": lambda: feed.client.xlen(STREAM) < sent,
    }
    for n, moment in enumerate(moments.values()):
        part = lines[n :: len(moments)]
        before, sent = delivered(feed), feed.client.xlen(STREAM) + len(part)
        run = begin(f"{feed.url}&trim=1")
        feed.send(*part)
        run.until(moment)
        run.kill()
    run = begin(f"{feed.url}&trim=1")
    run.until(lambda: counted(feed))
    assert run.end()["resumed"]
    assert (feed.pending(), feed.client.xlen(STREAM)) == (0, 0)
    check(shop)


def test_pipelines_at_once_on_one_store_are_exact(feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun]) -> None:
    runs = [begin(feed.url), begin(feed.url + "&consumer=second"), begin(feed.url + "&group=second")]
    runs[0].until(lambda: readers(feed) == len(runs))
    lines = retail_lines()
    for at in range(0, len(lines), 5_000):
        feed.send(*lines[at : at + 5_000])
    runs[0].until(lambda: counted(feed, GROUP, "second"))
    first, second, other = (run.end()["events"] for run in runs)
    assert first + second >= len(lines) and other >= len(lines)
    check(shop)


def test_redis_restarted_in_the_middle_loses_nothing(tmp_path: Path, shop: Shop, begin: Callable[..., LiveRun]) -> None:
    server = RestartedRedis(tmp_path / "redis")
    try:
        feed = RedisFeed(server.url)
        lines = retail_lines()
        run = begin(feed.url)
        for half in (lines[::2], lines[1::2]):
            before = delivered(feed)
            feed.send(*half)
            run.until(lambda before=before: delivered(feed) != before)
            server.stop()
            server.start()
        run.until(lambda: counted(feed))
        assert run.end()["events"] >= len(lines)
        check(shop)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://user:secret@127.0.0.1:1/0", "name the stream"),
        ("redis://user:secret@127.0.0.1:1/0?stream=s", "cannot be reached"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused_with_one_line(shop: Shop, url: str, says: str) -> None:
    line = refusal(daycount(*shop.run_words(url)))
    assert says in line and "127.0.0.1:1" in line and "secret" not in line
