"""The commands that the demo shows: complete, and right for odd paths too."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest

from pipeline.demo.places import Places, free_port
from pipeline.model.errors import UsageError
from pipeline.store import open_store


def test_commands_survive_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / "my demo's 100%"
    folder.mkdir()
    places = Places(folder, "redis://127.0.0.1:6379/0", 8080)
    commands = [shlex.split(command) for _, some in places.try_next() for command in some]
    assert [word for words in commands for word in words if word.endswith(".rejects.jsonl")] == [str(places.rejects)]
    assert all(places.store_url in words for words in commands if "query" in words)


def test_the_store_is_in_the_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "50% off?"
    folder.mkdir()
    open_store(Places(folder, "", 1).store_url, create=True).close()
    assert (folder / "numbers.db").exists()


def test_the_next_free_port_is_taken_where_one_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) > port


def test_without_a_free_port_the_cure_is_named() -> None:
    with socket.create_server(("127.0.0.1", 65_535)), pytest.raises(UsageError, match="--port 65535"):
        free_port(65_535)
