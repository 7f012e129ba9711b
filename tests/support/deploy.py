"""What is in `deploy/`: its scripts as modules, and the commands of Daycount that its files name, held to the real ones."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import click

from pipeline.cli import daycount
from tests.support.tree import ROOT

DEPLOY = ROOT / "deploy"


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


def parsed(words: Sequence[str]) -> click.Context:
    """The context of the command that these words (without `daycount`) call; fails as the command line would.

    Nothing is run. Commands that hand unknown options on may only be given Beam's, named here.
    """
    command: click.Command = daycount
    name, rest = "daycount", list(words)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0] if rest else "")
        assert found is not None, f"no command: daycount {' '.join(words)}"
        command, name, rest = found, rest[0], rest[1:]
    context = command.make_context(name, rest)
    unknown = [word for word in context.params.get("beam", ()) if word.partition("=")[0] not in BEAM_OPTIONS]
    assert not unknown, f"neither Daycount's nor among Beam's that are used here: {unknown}"
    return context


# Options of Beam that deploy/ uses: Dataflow's launcher, Flink.
BEAM_OPTIONS = {
    "--project",
    "--region",
    "--job_name",
    "--temp_location",
    "--staging_location",
    "--template_location",
    "--sdk_container_image",
    "--service_account_email",
    "--dataflow_service_options",
    "--update",
    "--transform_name_mapping",
    "--flink_master",
    "--flink_version",
    "--flink_submit_uber_jar",
    "--flink_job_server_jar",
    "--job_endpoint",
    "--artifact_endpoint",
    "--environment_type",
    "--environment_config",
    "--parallelism",
    "--max_parallelism",
    "--checkpointing_interval",
    "--savepoint_path",
    "--output_executable_path",
}
