"""Makes `metadata.json`, a Flex Template's description, from the options of `daycount run`: `make -C deploy metadata`."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from pipeline.run_command import run

LEFT_OUT = {
    "--follow": "always",
    "--runner": "Dataflow's",
    "--workers": "processes on one machine; Dataflow has its own number of workers",
    "--create-tables": "Terraform makes them, and the job's account may not",
    "--json": "nobody reads what is printed",
    "--rejects-max": "a job can't be ended from inside; an alert watches rejects instead",
}
PUBSUB, REDIS = r"pubsub://[^/]+/[^/?]+", r"rediss?://.+"
REGEXES = {
    "--input": f"^{PUBSUB}$",
    "--store": r"^bigtable://[^/?]+/[^/?]+([?].+)?$",
    "--definitions": f"^{REDIS}$",
    "--account": "^[a-z0-9_-]{1,64}$",
    "--rejects": f"^({PUBSUB}|{REDIS})$",
}
# What Dataflow sees differently than the command line does.
HELP = {
    "--input": "pubsub://PROJECT/SUBSCRIPTION. A message is one record, its attribute account its account.",
    "--store": "bigtable://PROJECT/INSTANCE?profile=P, P an app profile with single-cluster routing; prefix=P for tables.",
    "--definitions": "redis://HOST:PORT/DB. Leave it out where the image names a secret that holds it.",
    "--rejects": "Where rejected records are kept: pubsub://PROJECT/TOPIC or redis://HOST:PORT/DB?stream=NAME.",
}
MANDATORY = {"--input", "--store", "--rejects"}
IMAGE = {
    "name": "sdk_container_image",
    "label": "Workers' image",
    "helpText": "The image that this template was built with: workers run it too.",
    "isOptional": False,
    "regexes": ["^.+[:@].+$"],
}


def metadata() -> dict[str, Any]:
    """The whole description."""
    options = [p for p in run.params if isinstance(p, click.Option) and p.opts[0] not in LEFT_OUT]
    return {
        "name": "Daycount",
        "description": "Counts events from Pub/Sub into Bigtable, day by day and exactly once.",
        "streaming": True,
        "supportsExactlyOnce": True,
        "supportsAtLeastOnce": True,
        "defaultStreamingMode": "EXACTLY_ONCE",
        "parameters": [*map(parameter, options), IMAGE],
    }


def parameter(option: click.Option) -> dict[str, Any]:
    """One option of the command as a parameter of the template."""
    flag = option.opts[0]
    words = flag.removeprefix("--").replace("-", " ")
    return {
        "name": words.replace(" ", "_"),
        "label": words.capitalize(),
        "helpText": HELP.get(flag) or _with_default(option),
        "isOptional": flag not in MANDATORY,
        "regexes": [REGEXES.get(flag) or _regex(option)],
    }


def _with_default(option: click.Option) -> str:
    shown = f" Default: {option.default:g}." if option.show_default and isinstance(option.default, (int, float)) else ""
    return f"{option.help}{shown}"


def _regex(option: click.Option) -> str:
    if isinstance(option.type, type(click.INT)):
        return "^[0-9]+$"
    if isinstance(option.type, type(click.FLOAT)):
        return "^[0-9]+([.][0-9]+)?$"
    raise ValueError(f"say in REGEXES what {option.opts[0]} looks like")


if __name__ == "__main__":
    json.dump(metadata(), sys.stdout, indent=2)
    sys.stdout.write("\n")
