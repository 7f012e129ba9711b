"""Experiments as people and applications use them: pushed, assigned, changed; OpenFeature's own provider is a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from pipeline.definitions.file import Located
from pipeline.definitions.push import push
from readers.assign import Allocations, assign
from tests.support.collecting import create_key
from tests.support.daycount import daycount
from tests.support.experiments import LAYER, experiment_document, trial_document
from tests.support.serving import ReaderProcess, serving, write_small_store

HALF = {"control": [[0, 256]], "friendly": [[512, 768]]}


class House:
    """A Redis with an experiment, pushed as people do, and a service with keys."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.redis_url, self.folder = redis_url, folder
        self.reader: ReaderProcess | None = None
        push(redis_url, [Located("", trial_document())])
        self.keys = {role: create_key(redis_url, "acme", role) for role in ("read", "write")}

    def define(self, *words: str, fails: bool = False) -> str:
        done = daycount("define", *words, "--definitions", self.redis_url)
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr if fails else done.stdout

    def push(self, document: dict[str, Any], fails: bool = False) -> str:
        (self.folder / "shop.json").write_text(json.dumps(document))
        return self.define("push", str(self.folder / "shop.json"), fails=fails)

    def ask(self, method: str, path: str, body: Any = None, role: str = "read") -> Any:
        assert self.reader is not None
        headers = {"authorization": f"Bearer {self.keys[role]}"}
        return httpx.request(method, f"{self.reader.url}{path}", json=body, headers=headers, timeout=60)


@pytest.fixture
def house(redis_url: str, tmp_path: Path) -> House:
    return House(redis_url, tmp_path)


@pytest.fixture
def served(house: House) -> Iterator[House]:
    store, _ = write_small_store(house.folder)
    with serving("--store", store, "--definitions", house.redis_url) as house.reader:
        yield house


def test_pushed_assigned_changed_and_decided_locally_it_is_the_same(served: House) -> None:
    for allocation, epoch in ((experiment_document()["allocation"], 1), (HALF, 2)):
        changed = {**experiment_document(), "allocation": allocation}
        assert served.ask("PUT", "/v1/experiments/hero_cta", changed, "write").json()["epoch"] == epoch
        allocations = Allocations.of(served.ask("GET", "/v1/allocations").json())
        for number in range(20):
            asked = {"unit": f"user-{number}", "attributes": {"country": ["DK", "DE", None][number % 3]}}
            answer = served.ask("POST", "/v1/assign", asked)
            assert answer.json() == assign(allocations, asked["unit"], asked["attributes"])
    assert served.ask("PUT", "/v1/experiments/hero_cta", experiment_document()).status_code == 403


def test_openfeatures_own_provider_is_a_client(served: House) -> None:
    assert served.reader is not None
    provider = OFREPProvider(
        served.reader.url, headers_factory=lambda: {"authorization": f"Bearer {served.keys['read']}"}, timeout=60
    )
    api.set_provider(provider)
    client = api.get_client()
    dane = EvaluationContext("user-42", {"country": "DK"})
    got = client.get_string_details("cta", "fallback", dane)
    assert (got.value, got.reason, got.variant) == ("Count me in!", Reason.SPLIT, "friendly")
    assert got.flag_metadata == {"experiment": "hero_cta", "assignment": "assigned", "epoch": 1, "bucket": 617}
    german = client.get_string_details("cta", "fallback", EvaluationContext("user-42", {"country": "DE"}))
    assert (german.value, german.reason) == ("Join", Reason.STATIC)
    unknown = client.get_string_details("nothing", "fallback", dane)
    assert (unknown.value, unknown.error_code) == ("fallback", ErrorCode.FLAG_NOT_FOUND)
    keyless = EvaluationContext(attributes={"country": "DK"})
    assert client.get_string_details("cta", "fallback", keyless).error_code == ErrorCode.TARGETING_KEY_MISSING
    mistyped = client.get_boolean_details("cta", False, dane)
    assert (mistyped.value, mistyped.error_code) == (False, ErrorCode.TYPE_MISMATCH)
    provider.session.close()
    api.clear_providers()


def test_define_knows_layers_and_experiments(house: House) -> None:
    listed = house.define("list")
    assert "  layer homepage: 1,024 buckets\n    hero_cta (running, epoch 1): control 50 %, friendly 50 %\n" in listed
    shown = house.define("show", "hero_cta", "--json")
    assert json.loads(shown)["allocation"] == experiment_document()["allocation"]
    assert house.define("show", "layer:homepage") == "id: homepage\nbuckets: 1024\n"
    assert "has no experiment none" in house.define("show", "experiment:none", fails=True)
    whole = json.loads(house.define("list", "--json"))[0]
    assert (whole["layers"], whole["experiments"][0]["epoch"]) == ([LAYER], 1)
    assert house.push(json.loads(house.define("show", "--json"))).splitlines()[1:] == [
        "acme: layer homepage: unchanged",
        "acme: experiment hero_cta: unchanged",
    ]


def test_define_says_which_epoch_a_change_opens_and_refuses_what_collides(house: House) -> None:
    said = house.push(trial_document(experiment_document(allocation=HALF)))
    assert "acme: experiment hero_cta: changed (allocation); epoch 2 from 20" in said
    other = experiment_document(id="other", parameters={}, variations=[{"id": "control"}], allocation={"control": [[0, 9]]})
    refused = house.push({"account": "acme", "experiments": [other]}, fails=True)
    assert "shop.json: experiments[0] (other): allocation.control: [0, 9] overlaps [0, 256] of layer homepage" in refused
    assert "layer homepage holds experiment hero_cta" in house.define(
        "delete", "layer:homepage", "--account", "acme", fails=True
    )
    gone = house.define("delete", "hero_cta", "homepage", "--account", "acme")
    assert "acme: experiment hero_cta: deleted\nacme: layer homepage: deleted\n" in gone


def test_lint_counts_them_and_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(trial_document()))
    assert daycount("define", "lint", str(file)).stdout == "acme: 1 metric, 1 layer, 1 experiment, no problems\n"
    file.write_text(json.dumps(trial_document(experiment_document(control="blue"))))
    wrong = daycount("define", "lint", str(file))
    assert wrong.returncode == 1 and 'experiments[0] (hero_cta): control: "blue" is no variation of it' in wrong.stdout


def test_of_many_pushes_at_once_none_loses_an_epoch(redis_url: str) -> None:
    push(redis_url, [Located("", trial_document())])

    def shrink(number: int) -> None:
        changed = experiment_document(allocation={"control": [[0, 512 - number]]})
        push(redis_url, [Located("", {"account": "acme", "experiments": [changed]})])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(shrink, range(8)))
    shown = json.loads(daycount("define", "list", "--json", "--definitions", redis_url).stdout)
    assert shown[0]["experiments"][0]["epoch"] == 9 and shown[0]["problems"] == []


def test_an_origin_that_is_none_is_refused(tmp_path: Path) -> None:
    store, definitions = write_small_store(tmp_path)
    words = ("serve", "--store", store, "--definitions", definitions, "--no-auth", "--cors-origin", "shop.example/x")
    done = daycount(*words)
    assert done.returncode == 2
    assert "--cors-origin shop.example/x: write scheme://host[:port] and nothing behind it" in done.stderr
