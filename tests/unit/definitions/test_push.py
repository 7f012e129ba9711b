"""What a push writes, leaves alone, refuses and reports; and what a deletion does."""

import json
from typing import Any

import pytest
import redis

from pipeline.definitions.connection import DefinitionsUnavailable, connect
from pipeline.definitions.file import Located
from pipeline.definitions.history import read_history
from pipeline.definitions.plan import Change
from pipeline.definitions.push import delete, push
from pipeline.definitions.source import open_definitions
from pipeline.model.definition import DefinitionError
from pipeline.model.errors import UsageError
from tests.support.definitions import account_document, metric_document

VIPS = metric_document(id="vips", where={"userId": {"$inGroup": "vip"}})


def located(*documents: Any) -> list[Located]:
    return [Located("acme.yaml", document) for document in documents]


def stored(client: redis.Redis, account: str = "acme") -> dict[str, Any]:
    return {field.decode(): json.loads(value) for field, value in client.hgetall(f"definitions:{account}").items()}


def outcomes(changes: tuple[Change, ...]) -> dict[str, str]:
    return {change.metric: change.outcome for change in changes}


def test_a_push_writes_one_field_per_metric_and_the_settings(redis_url: str, client: redis.Redis):
    (report,) = push(redis_url, located(account_document()))
    assert set(stored(client)) == {"settings", "metric:orders"}
    assert stored(client)["metric:orders"] == metric_document()
    assert stored(client)["settings"]["timezone"] == "Asia/Kolkata"
    assert outcomes(report.changes) == {"orders": "new"}
    assert (report.kept, report.notes) == (0, ())


def test_what_is_pushed_is_what_is_read(redis_url: str):
    push(redis_url, located(account_document()))
    account = open_definitions(redis_url).read().accounts["acme"]
    assert account.document() == {**account_document(), "settings": account.settings.document()}
    assert account.problems == ()


def test_a_second_push_of_the_same_changes_nothing(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document()))
    before = stored(client)
    (report,) = push(redis_url, located(account_document()))
    assert outcomes(report.changes) == {"orders": "unchanged"}
    assert stored(client) == before
    assert len(read_history(client, redis_url, "acme")) == 1


def test_a_push_says_what_is_new_what_starts_at_zero_and_what_goes_on(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document(*(metric_document(id=name) for name in ("a", "b", "c", "d")))))
    changed = account_document(
        metric_document(id="a"), metric_document(id="b", description="in other words"),
        metric_document(id="c", where={}), metric_document(id="e"),
    )  # fmt: skip
    (report,) = push(redis_url, located(changed))
    assert outcomes(report.changes) == {"a": "unchanged", "b": "description", "c": "new revision", "e": "new"}
    assert report.kept == 1
    assert "metric:d" in stored(client)


def test_without_settings_those_in_force_stay_and_judge_the_metrics(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document()))
    document = account_document(VIPS)
    del document["settings"]
    push(redis_url, located(document))
    account = open_definitions(redis_url).read().accounts["acme"]
    assert account.settings.timezone == "Asia/Kolkata"
    assert account.metrics["vips"].groups == {"vip": ["u1", "u2"]}


def test_settings_are_pushed_one_by_one(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document(settings={"timezone": "Asia/Tokyo", "visitor": ["userId"]})))
    (report,) = push(redis_url, located({"account": "acme", "settings": {"groups": {"vip": [1]}}}))
    settings = stored(client)["settings"]
    assert settings == {"timezone": "Asia/Tokyo", "visitor": ["userId"], "fanout": 8, "groups": {"vip": [1]}}
    assert report.notes == ()


def test_a_change_of_days_or_visitors_is_said_to_start_every_metric_at_zero(redis_url: str):
    push(redis_url, located(account_document(metric_document(), metric_document(id="b"))))
    (report,) = push(
        redis_url, located({"account": "acme", "settings": {"timezone": "UTC", "visitor": ["userId"]}, "metrics": []})
    )
    assert outcomes(report.changes) == {"orders": "new revision", "b": "new revision"}
    assert report.notes == (
        "timezone changed from Asia/Kolkata to UTC: every metric of the account starts at zero",
        "visitor changed from [anonymousId, userId] to [userId]: every metric of the account starts at zero",
    )


def test_a_change_of_fanout_is_warned_of(redis_url: str):
    push(redis_url, located(account_document()))
    (report,) = push(redis_url, located({"account": "acme", "settings": {"fanout": 16}}))
    assert report.changes == ()
    assert report.notes == (
        "fanout changed from 8 to 16: a store that has counted this account keeps, and demands, the old one",
    )


def test_an_account_without_metrics_has_none_that_start_at_zero(redis_url: str, client: redis.Redis):
    client.hset("definitions:acme", "experiment:hero", "{}")
    (report,) = push(redis_url, located(account_document()))
    assert report.notes == ()


def test_nothing_is_written_if_anything_is_wrong(redis_url: str, client: redis.Redis):
    bad = account_document(metric_document(), metric_document(id="bad", where=3), account="beta")
    with pytest.raises(DefinitionError) as refused:
        push(redis_url, located(account_document(), bad))
    assert str(refused.value).startswith("acme.yaml: metrics[1] (bad): where: 3; write")
    assert client.keys() == []


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([3], "acme.yaml: 3 is not a definitions document; write account:, settings: and metrics:"),
        ([{"metrics": []}], "acme.yaml: account: missing; name it in the file, or with --account"),
        ([{"account": "A"}], 'acme.yaml: account: "A" is not a name; 1 to 64 of a-z, 0-9, _ and -'),
        ([{"account": "a"}, {"account": "a"}], "account a is written twice; make one document of the two"),
        ([{"account": "a", "layers": [{"buckets": 4}]}],
         "acme.yaml: layers[0]: id: missing; name the layer, such as homepage"),
        ([{"account": "a", "experiments": 3}],
         "acme.yaml: experiments: 3 is not a list; write each experiment as an item with an id"),
    ],
)  # fmt: skip
def test_a_push_is_refused(redis_url: str, client: redis.Redis, documents: list[Any], said: str):
    with pytest.raises(UsageError) as refused:
        push(redis_url, located(*documents))
    assert str(refused.value) == said
    assert client.keys() == []


def test_a_push_that_would_break_a_metric_it_does_not_name_is_refused(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document(VIPS)))
    before = stored(client)
    with pytest.raises(DefinitionError) as refused:
        push(redis_url, located({"account": "acme", "settings": {"groups": {}}}))
    assert str(refused.value).startswith(
        "acme.yaml: this would break what the account has: metric:vips: where.userId.$inGroup: no group 'vip' is known"
    )
    assert stored(client) == before


def test_definitions_broken_past_us_are_mended_by_a_push_and_do_not_stand_in_its_way(redis_url: str, client: redis.Redis):
    client.hset("definitions:acme", mapping={"metric:orders": "{", "metric:other": "["})
    (report,) = push(redis_url, located(account_document()))
    assert outcomes(report.changes) == {"orders": "new"}
    assert list(open_definitions(redis_url).read().accounts["acme"].metrics) == ["orders"]


def test_settings_broken_past_us_must_be_pushed_too(redis_url: str, client: redis.Redis):
    client.hset("definitions:acme", "settings", '{"timezone": "Mars"}')
    with pytest.raises(DefinitionError, match="those in force are not valid, write them too"):
        push(redis_url, located({"account": "acme", "metrics": [metric_document()]}))
    push(redis_url, located(account_document()))
    assert open_definitions(redis_url).read().accounts["acme"].problems == ()


def test_a_write_of_somebody_else_in_between_is_not_lost(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    from pipeline.definitions import push as push_module

    plan_push, calls = push_module.plan_push, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:  # the first is the check of all documents, the second stands in the transaction
            client.hset("definitions:acme", "metric:theirs", json.dumps(metric_document(id="theirs")))
        return plan_push(*arguments)

    monkeypatch.setattr(push_module, "plan_push", interrupted)
    (report,) = push(redis_url, located(account_document(settings={"fanout": 4})))
    assert len(calls) == 3
    assert report.kept == 1
    assert set(stored(client)) == {"settings", "metric:orders", "metric:theirs"}


def test_an_account_that_never_stands_still_is_given_up(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    from pipeline.definitions import push as push_module

    plan_push = push_module.plan_push

    def interrupted(*arguments: Any) -> Any:
        client.hincrby("definitions:acme", "experiment:n", 1)
        return plan_push(*arguments)

    monkeypatch.setattr(push_module, "plan_push", interrupted)
    with pytest.raises(UsageError, match="account acme is being changed by somebody else all the time; try again"):
        push(redis_url, located(account_document()))


def test_history_tells_each_revision_once(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document()))
    push(redis_url, located(account_document(metric_document(description="in other words"))))
    push(redis_url, located(account_document(metric_document(where={}))))
    delete(redis_url, "acme", ("orders",))
    client.rpush("history:acme", "garbage", "3")
    first, second, third = read_history(connect(redis_url), redis_url, "acme")
    assert first["definition"] == metric_document()
    assert second["definition"]["where"] == {}
    assert first["revision"] != second["revision"]
    assert (third["metric"], third["revision"]) == ("orders", None)
    assert first["at"] <= second["at"] <= third["at"]


def test_history_is_bounded(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.definitions.history._ENTRIES_MAX", 2)
    push(redis_url, located(account_document(*(metric_document(id=name) for name in "abc"))))
    assert [entry["metric"] for entry in read_history(client, redis_url, "acme")] == ["b", "c"]


def test_deleting_takes_the_metrics_named(redis_url: str, client: redis.Redis):
    push(redis_url, located(account_document(*(metric_document(id=name) for name in "abc"))))
    report = delete(redis_url, "acme", ("a", "c", "a"))
    assert outcomes(report.changes) == {"a": "deleted", "c": "deleted"}
    assert report.kept == 1
    assert set(stored(client)) == {"settings", "metric:b"}


def test_deleting_all_keeps_the_settings_so_that_it_does_not_look_like_a_lost_server(redis_url: str, client: redis.Redis):
    client.hset("definitions:acme", mapping={"metric:orders": json.dumps(metric_document()), "metric:broken": "{"})
    source = open_definitions(redis_url)
    source.read()
    report = delete(redis_url, "acme", ())
    assert outcomes(report.changes) == {"orders": "deleted", "broken": "deleted"}
    assert source.read().accounts["acme"].metrics == {}
    assert source.stale_since is None


@pytest.mark.parametrize(
    ("account", "metrics", "said"),
    [
        ("acme", ("orders", "nope"), "account acme has no metric nope; `daycount define list` shows those it has"),
        ("beta", (), "there is no account beta; `daycount define list` shows those there are"),
    ],
)
def test_deleting_what_is_not_there_is_refused_and_deletes_nothing(
    redis_url: str, client: redis.Redis, account: str, metrics: tuple[str, ...], said: str
):
    push(redis_url, located(account_document()))
    with pytest.raises(UsageError) as refused:
        delete(redis_url, account, metrics)
    assert str(refused.value) == said
    assert "metric:orders" in stored(client)


def test_a_deleted_metric_that_is_pushed_again_has_its_old_revision(redis_url: str):
    (first,) = push(redis_url, located(account_document()))
    delete(redis_url, "acme", ("orders",))
    (again,) = push(redis_url, located(account_document()))
    assert again.changes[0].revision == first.changes[0].revision


def test_a_server_that_is_not_there_is_one_line():
    with pytest.raises(DefinitionsUnavailable, match=r"Redis at 127\.0\.0\.1:1 cannot be reached"):
        push("redis://127.0.0.1:1/0", located(account_document()))
    with pytest.raises(DefinitionsUnavailable, match=r"Redis at 127\.0\.0\.1:1 cannot be reached"):
        delete("redis://127.0.0.1:1/0", "acme", ())
