"""One fault in a run, at each place where there can be one: every request, every statement, every later moment."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from tests.support.empty_places import places_at
from tests.support.late_requests import late_requests
from tests.support.one_fault import each_fault
from tests.support.one_shard import OneShard

WORLD = 16  # two accounts, twelve events, firsts with amounts


def test_any_fault_at_any_request_leaves_the_numbers_exact(bigtable_url: str) -> None:
    found = each_fault(map(places_at(bigtable_url), count()), OneShard(WORLD, 4))
    tried = {(name, fault): wrong for name, fault, wrong in found}
    assert {case: wrong for case, wrong in tried.items() if wrong} == {}
    written = {"check shards", "mutate counters", "mutate visitors", "check meta", "mutate meta"}
    assert {name for name, _ in tried} >= {"read shards", "read counters", "read visitors", "read meta", *written}


def test_any_fault_at_any_statement_leaves_the_numbers_exact(tmp_path: Path) -> None:
    found = each_fault(map(places_at(f"sqlite:///{tmp_path}/"), count()), OneShard(WORLD, 4))
    tried = {(name, fault): wrong for name, fault, wrong in found}
    assert {case: wrong for case, wrong in tried.items() if wrong} == {}
    assert {name for name, _ in tried} >= {"SELECT", "BEGIN", "INSERT", "COMMIT"}


def test_a_write_that_arrives_after_its_time_was_over_does_no_harm_at_any_later_moment(bigtable_url: str) -> None:
    found = late_requests(map(places_at(bigtable_url), count()), OneShard(WORLD, 4), "mutate", refused=False)
    assert {late: wrong for late, wrong in found if wrong} == {}


def test_a_commit_that_arrives_after_its_time_was_over_does_no_harm_at_any_later_moment(bigtable_url: str) -> None:
    found = late_requests(map(places_at(bigtable_url), count()), OneShard(WORLD, 4), "check", refused=False)
    assert {late: wrong for late, wrong in found if wrong} == {}
