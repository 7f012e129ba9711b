"""What is in `deploy/`: its scripts as modules, and the commands of Daycount that its files name, held to the real ones."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import click

from pipeline.cli import daycount
from tests.support.missing import missing
from tests.support.tree import PROGRAMS, ROOT, modules

DEPLOY = ROOT / "deploy"
TOOLS = Path("~/.cache/daycount-tests/bin").expanduser()
VARIABLE = re.compile(r'"((?:DAYCOUNT|BIGTABLE|PUBSUB)_[A-Z_]+)"')


def tool(name: str) -> Path:
    """A program that only tests of `deploy/` need; without it the test is left out."""
    found = shutil.which(name, path=f"{TOOLS}:{os.environ.get('PATH', '')}")
    if found is None:
        missing(f"{name}: neither in PATH nor in {TOOLS}; .ci/run and .ci/deploy_tools install such programs")
    return Path(found)


def read_by_the_programs() -> set[str]:
    """Names of environment variables that occur in the programs' code, Google's of its emulators included."""
    return {name for module in modules(*PROGRAMS) for name in VARIABLE.findall(module.text)}


@contextmanager
def script(path: str) -> Iterator[ModuleType]:
    """A script of `deploy/` as a module, with its neighbours importable meanwhile, as when it is run."""
    file = DEPLOY / path
    spec = importlib.util.spec_from_file_location(f"deployed_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(file.parent))
        for name in [n for n, m in sys.modules.items() if _lies_in(m, file.parent)]:
            del sys.modules[name]


def _lies_in(module: ModuleType, folder: Path) -> bool:
    place = getattr(module, "__file__", None)
    return place is not None and Path(place).parent == folder


def named_command(words: Sequence[str]) -> click.Command:
    """The command that the first of these words name."""
    return _walk(words)[0]


def _walk(words: Sequence[str]) -> tuple[click.Command, Sequence[str]]:
    command: click.Command = daycount
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
    return command, words


def parsed(words: Sequence[str]) -> click.Context:
    """The context of the command that these words (without `daycount`) call; fails as the command line would.

    Nothing is run. Commands that hand unknown options on may only be given Beam's, named here.
    """
    command, rest = _walk(words)
    context = command.make_context(command.name or "", list(rest))
    unknown = [word for word in context.params.get("beam", ()) if word.partition("=")[0] not in BEAM_OPTIONS]
    assert not unknown, f"neither Daycount's nor among Beam's that are used here: {unknown}"
    return context


# Beam's options that deploy/ uses. Python knows the first; Flink's job server adds the others, and tells Python of them.
BEAMS = {
    "--project",
    "--region",
    "--template_location",
    "--temp_location",
    "--job_name",
    "--max_num_workers",
    "--sdk_container_image",
    "--job_endpoint",
    "--artifact_endpoint",
    "--environment_type",
    "--environment_config",
}
JOB_SERVERS = {"--parallelism", "--checkpointing_interval", "--savepoint_path"}
BEAM_OPTIONS = BEAMS | JOB_SERVERS
