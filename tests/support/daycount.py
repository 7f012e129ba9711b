"""Owns how tests run the commands: as a user does, in processes of their own, and what they said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

TIMEOUT_S = 120


def daycount(
    *words: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`daycount WORDS` to its end. environment: on top of the test's own."""
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        command(*words), capture_output=True, env=environment_of(environment), cwd=cwd, timeout=TIMEOUT_S, **given
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", *words]


def environment_of(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment without what would be taken for options; the commands' code is this tree's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DAYCOUNT_")}
    root = str(Path(__file__).parents[2])
    return {**kept, "PYTHONPATH": root, **(changes or {})}


def refusal(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one line of a command that has ended so, without `daycount: `."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("daycount: ") and done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("daycount: ").rstrip("\n")


@dataclass(frozen=True, slots=True)
class Shop:
    """A store, definitions and an account: what `run` and `query` need to be told. `extra`: more options of `run`.

    `account` None: the stream vouches for accounts, or records say theirs.
    """

    store: str
    definitions: str
    account: str | None = "shop"
    extra: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        whose = () if self.account is None else ("--account", self.account)
        return ("--store", self.store, "--definitions", self.definitions, *whose)

    def run_words(self, *inputs: str | Path) -> list[str]:
        named = [word for name in inputs for word in ("--input", str(name))]
        return ["run", *named, *self.places, "--json", *self.extra]

    def run(self, *inputs: str | Path, stdin: bytes | None = None) -> dict[str, Any]:
        """The summary of a run that ended well."""
        done = daycount(*self.run_words(*inputs), stdin=stdin, environment=self.environment)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary

    def query(self, *words: str) -> dict[str, Any]:
        """The body of an answer; every decimal as it was written."""
        done = daycount("query", *words, *self.places, "--format", "json", environment=self.environment)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return exactly(done.stdout)


def exactly(text: str) -> dict[str, Any]:
    """JSON whose numbers keep their decimals."""
    body: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return body


def named(body: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows of an answer: dimensions -> metric.measure -> number."""
    metrics = body["query"]["metrics"]
    return {tuple(row["dimensions"]): dict(zip(metrics, row["metrics"], strict=True)) for row in body["results"]}


def write_definitions(path: Path, *metrics: dict[str, Any], account: str = "shop", **settings: Any) -> str:
    """A definitions file of one account; gives its path as `--definitions` takes it."""
    path.write_text(yaml.safe_dump({"account": account, "settings": settings, "metrics": list(metrics)}))
    return str(path)


def push(shop: Shop, folder: Path, *metrics: dict[str, Any]) -> None:
    """Push these metrics, and no others, to where the shop's definitions are."""
    done = daycount("define", "push", write_definitions(folder / "d.yaml", *metrics), "--definitions", shop.definitions)
    assert done.returncode == 0, done.stderr


def write_lines(path: Path, records: Iterable[Mapping[str, Any] | str | bytes], end: bytes = b"\n") -> Path:
    """A file of records, one a line; texts and bytes as they are."""
    path.write_bytes(b"".join(line_of(r) + end for r in records))
    return path


def line_of(record: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record)).encode()


def kept_rejects(path: Path) -> Sequence[dict[str, str]]:
    """The records of a rejects file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
