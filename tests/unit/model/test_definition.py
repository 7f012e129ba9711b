"""Definitions as data: their documents, their digests in snapshots, their bytes."""

import pickle

import pytest

from pipeline.definitions import parse_account
from pipeline.model.definition import AccountDefinitions, DefinitionError, Settings, Snapshot
from pipeline.model.errors import UsageError
from tests.support.definitions import account_document, metric_document


def _account(**changes: object) -> AccountDefinitions:
    grouped = metric_document(id="vips", where={"userId": {"$inGroup": "vip"}}, description=None)
    return parse_account(account_document(metric_document(), grouped, **changes), strict=True)


def test_a_snapshot_survives_its_bytes():
    snapshot = Snapshot.of([_account(), _account(account="beta")], ["'no such': not an account's name"])
    assert Snapshot.from_bytes(snapshot.to_bytes()) == snapshot
    assert list(snapshot.accounts) == ["acme", "beta"]


def test_a_metric_from_bytes_has_the_groups_it_names():
    account = Snapshot.from_bytes(Snapshot.of([_account()]).to_bytes()).accounts["acme"]
    assert account.metrics["vips"].groups == {"vip": ["u1", "u2"]}
    assert account.metrics["orders"].groups == {}


def test_an_account_s_document_parses_to_the_same_definitions():
    account = _account()
    assert parse_account(account.document(), strict=True) == account


def test_equal_snapshots_have_equal_bytes_and_versions_whatever_the_order():
    accounts = [_account(), _account(account="beta")]
    one, other = Snapshot.of(accounts), Snapshot.of(reversed(accounts))
    assert one.to_bytes() == other.to_bytes()
    assert one.version == other.version


@pytest.mark.parametrize(
    "changed",
    [
        _account(settings={"timezone": "UTC", "groups": {"vip": ["u1"]}}),
        _account(settings={"timezone": "Asia/Kolkata", "groups": {"vip": ["u1", "u2"]}, "fanout": 16}),
        _account(account="beta"),
    ],
    ids=["timezone", "fanout", "account"],
)
def test_the_version_changes_with_anything(changed: AccountDefinitions):
    assert Snapshot.of([_account()]).version != Snapshot.of([changed]).version


def test_the_version_changes_with_problems():
    account = _account()
    told = AccountDefinitions.of(account.account, account.settings, account.metrics.values(), ["metric:x: not JSON"])
    assert Snapshot.of([account]).version != Snapshot.of([told]).version
    assert account.digest == told.digest


def test_all_problems_name_their_account():
    account = AccountDefinitions.of("acme", Settings(), (), ["metric:x: not JSON"])
    assert list(Snapshot.of([account], ["'B': not a name"]).all_problems()) == [
        "'B': not a name",
        "acme: metric:x: not JSON",
    ]


def test_a_definition_error_is_a_usage_error_that_survives_a_process_border():
    error = pickle.loads(pickle.dumps(DefinitionError("metrics[0]: id", "missing")))
    assert isinstance(error, UsageError)
    assert (str(error), error.path, error.message) == ("metrics[0]: id: missing", "metrics[0]: id", "missing")
