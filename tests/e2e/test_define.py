"""`daycount define` as a user types it: what it prints, its exit codes, one line on stderr when it is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]

EXAMPLE = """\
account: acme
settings: {timezone: Asia/Kolkata, visitor: [anonymousId, userId], fanout: 8}
metrics:
  - id: big_orders
    description: Orders from women in India, or of 499 and more
    where:
      event: Order Completed
      $or:
        - {context.traits.gender: female, context.location.country: IN}
        - {properties.total: {$gte: 499}}
    measures:
      orders:      {aggregate: count}
      buyers:      {aggregate: count, once_per: visitor}
      revenue:     {aggregate: sum, field: properties.total}
    breakdowns: [context.location.country, properties.variationName]
"""


def define(*words: str, definitions: str | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DAYCOUNT_DEFINITIONS"}
    if definitions is not None:
        environment["DAYCOUNT_DEFINITIONS"] = definitions
    command = [sys.executable, "-m", "pipeline", "define", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, input=stdin, timeout=60)


def refusal(*words: str, definitions: str | None = None) -> str:
    """The one line of a command that ends with 2 and prints nothing else."""
    ended = define(*words, definitions=definitions)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("daycount: ")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.removeprefix("daycount: ").rstrip("\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(EXAMPLE)
    return path


def test_push_list_show_and_delete(redis_url: str, file: Path):
    pushed = define("push", str(file), definitions=redis_url)
    assert (pushed.returncode, pushed.stderr) == (0, "")
    revision = pushed.stdout.removeprefix("acme: big_orders: pushed, revision ").rstrip("\n")
    assert len(revision) == 16
    assert define("push", str(file), definitions=redis_url).stdout == f"acme: big_orders: unchanged, revision {revision}\n"

    assert define("list", "--definitions", redis_url).stdout == (
        "acme (Asia/Kolkata, 1 metric)\n"
        f"  big_orders@{revision}: buyers (count once per visitor), orders (count), revenue (sum of properties.total)\n"
        "    Orders from women in India, or of 499 and more\n"
    )
    assert json.loads(define("list", "--json", definitions=redis_url).stdout)[0]["metrics"][0]["revision"] == revision

    written = yaml.safe_load(EXAMPLE)
    assert yaml.safe_load(define("show", definitions=redis_url).stdout) == written
    assert json.loads(define("show", "--json", "--account", "acme", definitions=redis_url).stdout) == written
    assert yaml.safe_load(define("show", "big_orders", definitions=redis_url).stdout) == written["metrics"][0]

    deleted = define("delete", "--account", "acme", "big_orders", definitions=redis_url)
    assert (deleted.returncode, deleted.stdout) == (0, f"acme: big_orders: deleted (revision {revision})\n")
    assert define("list", definitions=redis_url).stdout == "acme (Asia/Kolkata, 0 metrics)\n"


def test_what_show_prints_can_be_pushed(redis_url: str, file: Path):
    define("push", str(file), definitions=redis_url)
    shown = define("show", definitions=redis_url).stdout
    again = define("push", "-", definitions=redis_url, stdin=shown)
    assert "unchanged" in again.stdout
    other = define("push", "-", "--account", "beta", definitions=redis_url, stdin=shown)
    assert other.stdout.startswith("beta: big_orders: pushed, revision ")


def test_a_change_of_settings_is_warned_of_on_stderr(redis_url: str, file: Path):
    define("push", str(file), definitions=redis_url)
    file.write_text("account: acme\nsettings: {timezone: UTC}\n")
    pushed = define("push", str(file), definitions=redis_url)
    assert pushed.returncode == 0
    assert "new revision" in pushed.stdout
    assert pushed.stderr == (
        "daycount: warning: acme: timezone changed from Asia/Kolkata to UTC: every metric of the account starts at zero\n"
    )


def test_a_push_of_settings_alone_says_what_it_did_not_change(redis_url: str, file: Path):
    define("push", str(file), definitions=redis_url)
    file.write_text("account: acme\nsettings: {groups: {vip: [u1]}}\n")
    pushed = define("push", str(file), definitions=redis_url)
    assert pushed.stdout == "acme: no metric changed\nacme: 1 other metric left as before\n"


def test_lint_needs_no_redis_and_lists_every_problem(file: Path):
    fine = define("lint", str(file))
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "acme: 1 metric, no problems\n", "")
    file.write_text(EXAMPLE.replace("$gte", "$gtee").replace("sum, field: properties.total", "sum").replace("Kolkata", "Oz"))
    bad = define("lint", str(file))
    assert (bad.returncode, bad.stderr) == (1, "")
    assert [line.split(": ")[1:-1] for line in bad.stdout.splitlines()] == [
        ["settings.timezone"],
        ["metrics[0] (big_orders)", "where.$or[1].properties.total.$gtee"],
        ["metrics[0] (big_orders)", "measures.revenue.field"],
    ]


def test_a_push_that_is_not_valid_names_the_place_and_writes_nothing(redis_url: str, file: Path):
    file.write_text(EXAMPLE.replace("sum, field: properties.total", "sum"))
    assert refusal("push", str(file), definitions=redis_url) == (
        f"{file}: metrics[0] (big_orders): measures.revenue.field: missing; "
        "name the path of a number, such as properties.total"
    )
    assert define("list", definitions=redis_url).stdout == ""


def test_a_file_as_definitions_is_read_but_not_written(file: Path):
    assert define("list", "--definitions", str(file)).stdout.startswith("acme (Asia/Kolkata, 1 metric)\n")
    assert yaml.safe_load(define("show", definitions=str(file)).stdout) == yaml.safe_load(EXAMPLE)
    for words in (["push", str(file)], ["delete", "--account", "acme", "big_orders"]):
        assert f"{file} is a file, which is edited by hand" in refusal(*words, definitions=str(file))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list"], "Missing option '--definitions' (env var: 'DAYCOUNT_DEFINITIONS')"),
        (["list", "--definitions", "redis://127.0.0.1:1/0"], "Redis at 127.0.0.1:1 cannot be reached"),
        (["list", "--definitions", "redis://h/zero"], "Redis at h:6379: zero is not a database"),
        (["list", "--definitions", "kafka://h/t"], "--definitions kafka://: write redis://HOST:PORT/DB"),
        (["list", "--definitions", "/none.yaml"], "/none.yaml: there is no such file; name one that holds definitions"),
        (["push", "/none.yaml", "--definitions", "redis://127.0.0.1:1/0"], "/none.yaml: there is no such file"),
        (["lint", "/none.yaml"], "/none.yaml: there is no such file"),
        (["lint"], "Missing argument 'FILE' (see `daycount define lint --help`)"),
        (["nonsense"], "No such command 'nonsense'"),
        (["list", "--nonsense"], "No such option"),
        (
            ["delete", "--account", "a", "--definitions", "redis://127.0.0.1:1/0"],
            "name the metrics to delete, or say --all",
        ),
        (["delete", "m", "--definitions", "redis://127.0.0.1:1/0"], "Missing option '--account'"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(words: list[str], said: str):
    assert said in refusal(*words)


def test_naming_what_is_not_there_is_wrong_usage(redis_url: str, file: Path):
    assert "there are 0 accounts; name one with --account" in refusal("show", definitions=redis_url)
    define("push", str(file), definitions=redis_url)
    assert "there is no account beta" in refusal("list", "--account", "beta", definitions=redis_url)
    assert "account acme has no metric nope" in refusal("show", "nope", definitions=redis_url)
    assert "account acme has no metric nope" in refusal("delete", "--account", "acme", "nope", definitions=redis_url)


def test_what_was_broken_past_us_is_shown(redis_url: str, file: Path):
    import redis

    define("push", str(file), definitions=redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.hset("definitions:acme", "metric:theirs", "{")
        client.hset("definitions:Bad", "metric:theirs", "{")
    listed = define("list", definitions=redis_url)
    assert listed.returncode == 0
    assert listed.stderr.splitlines() == [
        "daycount: warning: 'Bad': not an account's name; 1 to 64 of a-z, 0-9, _ and -",
        "daycount: warning: acme: metric:theirs: not JSON: Expecting property name enclosed in double quotes "
        "(line 1, column 2); push it again",
    ]
    assert refusal("show", "theirs", definitions=redis_url).startswith("account acme: metric:theirs: not JSON")


def test_a_reader_that_has_seen_enough_is_no_error(redis_url: str, tmp_path: Path):
    metrics = EXAMPLE.partition("metrics:\n")
    many = "".join(metrics[2].replace("big_orders", f"m{number}") for number in range(500))
    path = tmp_path / "many.yaml"
    path.write_text(metrics[0] + metrics[1] + many)
    shown = subprocess.run(
        f"{sys.executable} -m pipeline define show --definitions {path} | head -1",
        shell=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (shown.stdout, shown.stderr) == ("account: acme\n", "")


def test_help_lists_the_commands_with_a_sentence_each():
    helped = subprocess.run([sys.executable, "-m", "pipeline", "--help"], capture_output=True, text=True, timeout=60)
    assert helped.returncode == 0
    assert "define  " in helped.stdout and "Push, list, show, delete and check definitions of metrics." in helped.stdout
    for command in ("push", "list", "show", "delete", "lint"):
        assert f"\n  {command}  " in define("--help").stdout


def test_the_version_is_told():
    told = subprocess.run([sys.executable, "-m", "pipeline", "--version"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0
    assert told.stdout.startswith("daycount ")
