"""Shards' load and a shard's queue, against what can be said in closed form."""

from zlib import crc32

import numpy as np
import pytest

from benchmarks.scale_skew import fanouts, loads, most, serve, skew, zipf
from pipeline.match.block import hashes, route


def of(fanout: int, accounts: int = 1) -> np.ndarray:
    return np.full(accounts, fanout, dtype=np.uint64)


def test_a_hit_goes_where_the_formula_says() -> None:
    visitors = np.arange(0, 1 << 62, (1 << 62) // 97, dtype=np.uint64)
    shards = route(np.repeat(hashes(["acme"]), len(visitors)), visitors, of(8, len(visitors)), 64)
    assert shards.tolist() == [(crc32(b"acme") + int(visitor) % 8) % 64 for visitor in visitors]


def test_one_account_fills_as_many_shards_as_its_fanout() -> None:
    for fanout, shards in ((1, 64), (8, 64), (64, 64), (8, 8)):
        load = loads(zipf(1, 1.0), of(fanout), shards)
        assert np.count_nonzero(load) == fanout
        assert load.max() * shards == pytest.approx(shards / fanout)


def test_all_load_arrives_somewhere() -> None:
    shares = zipf(300, 1.2)
    assert loads(shares, fanouts(shares, 64, 1_024), 64, hot_visitor=0.3).sum() == pytest.approx(1)


def test_a_fanout_of_all_shards_leaves_no_skew_whatever_the_accounts_sizes() -> None:
    assert skew(zipf(100, 1.5), of(64, 100), 64) == pytest.approx((1, 1))


def test_many_equal_accounts_lie_as_balls_thrown_into_bins() -> None:
    accounts, shards = 10_000, 64
    median, _ = skew(zipf(accounts, 0), of(1, accounts), shards)
    expected = 1 + np.sqrt(2 * np.log(shards) * shards / accounts)  # the largest of so many nearly normal numbers
    assert median - 1 == pytest.approx(expected - 1, rel=0.25)


def test_a_hot_visitor_is_in_one_shard() -> None:
    for part in (0.1, 0.5):
        load = loads(zipf(1, 0), of(8), 64, hot_visitor=part)
        assert load.max() == pytest.approx(part + (1 - part) / 8)


def test_a_part_of_an_account_is_no_more_than_a_mean_shards_load() -> None:
    shares = zipf(1_000, 1.0)
    fanout = fanouts(shares, 512, 1_024)
    assert (shares / fanout <= 1 / 512 + 1e-12).all()
    assert fanout[-1] == 1
    assert fanouts(shares, 1 << 20, 64).max() == 64


def test_a_shard_that_takes_no_time_lets_hits_wait_half_a_flush() -> None:
    served = serve(1_000, lambda hits: 0.0, flush_s=4, unit_hits_max=10**9, rpc_s=(0, 0), rpcs=2)
    assert served.p50_s == pytest.approx(2, rel=0.03)
    assert served.p95_s == pytest.approx(3.8, rel=0.03)
    assert served.hits_per_unit == pytest.approx(4_000, rel=0.01)


def test_a_shard_keeps_up_with_full_units_one_after_the_other_and_no_more() -> None:
    def kept_up(rate: float) -> bool:
        queue = serve(rate, lambda hits: 1e-5 * hits, flush_s=1, unit_hits_max=20_000, rpc_s=(0.01, 0.01), rpcs=2)
        return queue.kept_up

    assert most(kept_up) == pytest.approx(20_000 / (2 * 0.01 + 20_000 * 1e-5), rel=0.05)


def test_calls_to_the_store_are_part_of_the_time_a_shard_is_busy() -> None:
    served = serve(1_000, lambda hits: 0.0, flush_s=1, unit_hits_max=10**9, rpc_s=(0.005, 0.015), rpcs=10, units=500)
    assert served.busy == pytest.approx(0.1, rel=0.05)
