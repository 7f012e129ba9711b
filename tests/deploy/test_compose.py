"""The compose file: valid, of commands and files that exist; and what it starts, started as processes, counts an event."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.collecting import CollectorProcess
from tests.support.daycount import command, daycount, environment_of, write_definitions
from tests.support.deploy import DEPLOY, parsed, read_by_the_programs, tool
from tests.support.emulators import BigtableEmulator
from tests.support.pubsub_emulator import pubsub_emulator, pubsub_host
from tests.support.records import ORDERS, order
from tests.support.serving import ReaderProcess
from tests.support.tree import ROOT

__all__ = ["pubsub_emulator", "pubsub_host"]

FILE = DEPLOY / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
PINNED = re.compile(r"[\w./-]+:[\w.-]*\d[\w.-]*")
GRAFANAS = re.compile(r"GF_\w+|DAYCOUNT_URL|DAYCOUNT_API_KEY")
PATIENCE_S = 90


def test_compose_itself_takes_it() -> None:
    done = subprocess.run([tool("compose-go"), "-format", "json", FILE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() >= {"redis", "serve", "collect", "pipeline"}


@pytest.mark.parametrize("name", OURS)
def test_a_services_command_is_one_of_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    if words := OURS[name].get("command"):
        context = parsed(words)
        published = [int(port.rpartition(":")[2]) for port in OURS[name].get("ports", [])]
        assert [context.params["port"]] == published if published else True


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    if name in OURS:
        assert (FILE.parent / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert set(service["environment"]) <= read_by_the_programs()
    else:
        assert PINNED.fullmatch(service["image"])
        assert [v for v in service.get("environment", {}) if not GRAFANAS.fullmatch(v)] == []
    binds = [v.split(":")[0] for v in service.get("volumes", []) if v.startswith(".")]
    assert [bind for bind in binds if not (FILE.parent / bind).exists()] == []
    assert set(service.get("depends_on", {})) <= SERVICES.keys()


class Laptop:
    """The file's services as processes, at places of this machine instead of those in its network."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self.environment = {k: self._here(v) for k, v in OURS["serve"]["environment"].items()}

    def words(self, name: str) -> list[str]:
        """A service's command; servers take any free port."""
        words = [self._here(word) for word in SERVICES[name]["command"]]
        return ["0" if before == "--port" else word for before, word in zip(["", *words], words, strict=False)]

    def do(self, *words: str) -> str:
        done = daycount(*words, environment=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def pipeline(self, log: Path) -> Iterator[None]:
        with log.open("w") as out:
            process = subprocess.Popen(
                command(*self.words("pipeline")), stdout=out, stderr=out, env=environment_of(self.environment)
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait(PATIENCE_S)

    def _here(self, text: str) -> str:
        for name, place in self._places.items():
            text = text.replace(name, place)
        return text


@pytest.fixture
def laptop(bigtable_emulator: BigtableEmulator, pubsub_host: str, redis_url: str) -> Laptop:
    return Laptop({"bigtable:8086": bigtable_emulator.host, "pubsub:8085": pubsub_host, "redis://redis:6379/0": redis_url})


def test_what_it_starts_counts_what_is_sent_to_its_collector(laptop: Laptop, tmp_path: Path) -> None:
    make_topics(laptop)
    laptop.do(*laptop.words("tables"))
    laptop.do("define", "push", write_definitions(tmp_path / "shop.yaml", ORDERS))
    keys = {
        role: laptop.do("keys", "create", "--account", "shop", "--role", role).split()[0] for role in ("collect", "read")
    }
    collector = CollectorProcess(laptop.words("collect")[1:], laptop.environment, None)
    reader = ReaderProcess(laptop.words("serve")[1:], laptop.environment, None)
    try:
        with laptop.pipeline(tmp_path / "pipeline.log"):
            send(collector.url, keys["collect"])
            assert numbers_of_a_day(reader.url, keys["read"], (tmp_path / "pipeline.log")) == [1, 1, 10]
    finally:
        assert (reader.end(), collector.end()) == (0, 0)


def make_topics(laptop: Laptop) -> None:
    """As its container does it, and once more, as where that is started again."""
    script = [word.replace("$$", "$") for word in laptop.words("topics")]
    for _ in range(2):
        done = subprocess.run(script, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr


def send(url: str, key: str) -> None:
    headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
    assert httpx.post(f"{url}/v1/track", json=order(), headers=headers, timeout=60).status_code == 200


def numbers_of_a_day(url: str, key: str, log: Path) -> list[Any]:
    """Once there are any."""
    query = {"metrics": ["orders.n", "orders.buyers", "orders.revenue"], "date_range": ["2026-10-01", "2026-10-01"]}
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        answer = httpx.post(f"{url}/v1/query", json=query, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        found: list[Any] = answer.json()["results"][0]["metrics"] if answer.status_code == 200 else []
        if any(found):
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing was counted: {log.read_text()[-2000:]}")


def test_the_page_names_its_services() -> None:
    text = (DEPLOY / "README.md").read_text()
    assert [name for name in ("pipeline", "collect", "serve", "daycount", "grafana") if f"`{name}`" not in text] == []
    assert (ROOT / "deploy" / "compose.yaml").exists()
