"""What the Flex Template's launcher runs: a template's parameters to `daycount run` on Dataflow. It never waits for the job.

The launcher gives parameters as `--refresh_s=1`, with names as in `metadata.json`, and Beam's own (project, region,
template_location, …) in between. Ours become `daycount run`'s options, the others go through as they are.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from secret_environment import fill, read_secret

ALWAYS = ("--follow", "--runner", "DataflowRunner")
METADATA = Path(__file__).with_name("metadata.json")


def ours(metadata: Path = METADATA) -> frozenset[str]:
    """Names of the parameters that are options of `daycount run`."""
    parameters = json.loads(metadata.read_text())["parameters"]
    return frozenset(p["name"] for p in parameters) - {"sdk_container_image"}


def command(given: Sequence[str], names: Iterable[str]) -> list[str]:
    """`daycount`'s arguments. A parameter that was left empty is as good as absent."""
    words = ["run"]
    for word in given:
        name, is_pair, value = word.removeprefix("--").partition("=")
        if is_pair and name in names:
            if value:
                words.append(f"--{name.replace('_', '-')}={value}")
        else:
            words.append(word)
    return [*words, *ALWAYS]


if __name__ == "__main__":
    from pipeline.cli import main

    fill(os.environ, read_secret)
    main(command(sys.argv[1:], ours()))
