"""Who may import whom. A new line here is a decision about the design, argued in the README's decisions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.tree import PROGRAMS, ROOT, Module, modules, within

# A package of the project -> the packages or modules of the project it may import, besides itself.
MAY_IMPORT = {
    "pipeline.model": (),
    "pipeline.decode": ("pipeline.model",),
    "pipeline.match": ("pipeline.model", "pipeline.decode"),
    "pipeline.visitors": ("pipeline.model",),
    "pipeline.counters": ("pipeline.model", "pipeline.visitors"),
    "pipeline.store": ("pipeline.model",),
    "pipeline.trials": ("pipeline.model", "pipeline.visitors"),
    "pipeline.shard": (
        "pipeline.model",
        "pipeline.visitors",
        "pipeline.counters",
        "pipeline.trials",
        "pipeline.store.contract",
    ),
    "pipeline.sources": ("pipeline.model", "pipeline.definitions.connection"),
    "pipeline.definitions": ("pipeline.model", "pipeline.match"),
    "pipeline.collect": ("pipeline.model", "pipeline.definitions", "pipeline.serving"),
    "pipeline.streaming": (  # the shell around the stages for engines, as `pipeline.job` is for one machine
        "pipeline.model",
        "pipeline.match",
        "pipeline.sources",
        "pipeline.definitions",
        "pipeline.store",
        "pipeline.adopt",
        "pipeline.local",  # what a run came to
        "pipeline.runners",
        "pipeline.worker",
        "pipeline.memory",
        "pipeline.reject_places",
    ),
    "pipeline.audit": (  # nothing of the stages it checks
        "pipeline.model",
        "pipeline.decode",
        "pipeline.match",
        "pipeline.sources",
        "pipeline.definitions",
        "pipeline.store",
        "pipeline.memory",
    ),
    "pipeline.explain": (  # shows what the stages themselves make of one event
        "pipeline.model",
        "pipeline.decode",
        "pipeline.match",
        "pipeline.visitors",
        "pipeline.definitions",
        "pipeline.store",
    ),
    "pipeline.demo": (  # its shop decides about variations by itself, as any application may
        "pipeline.model",
        "pipeline.definitions",
        "pipeline.store",
        "pipeline.embedded_redis",
        "readers.assign",
    ),
    "readers": (
        "pipeline.model",
        "pipeline.match",
        "pipeline.definitions",
        "pipeline.store",
        "pipeline.serving",
        "pipeline.explain",
    ),
}
FURTHER = {
    "readers.__main__": ("pipeline.cli",),
}

# A client library -> the only places that may import it; Beam also modules named `stage`.
ONLY_IN = {
    "apache_beam": (
        "pipeline.job",
        "pipeline.local",
        "pipeline.runners",
        "pipeline.hand_over",
        "pipeline.sources",
        "pipeline.streaming",
    ),
    "confluent_kafka": ("pipeline.sources.kafka",),
    "google.cloud": ("pipeline.store.bigtable", "pipeline.collect.to_topic", "pipeline.streaming.dataflow"),
    "google.pubsub_v1": ("pipeline.sources.pubsub",),
    "grpc": ("pipeline.store.bigtable", "pipeline.sources.pubsub"),
    "sqlite3": ("pipeline.store.sqlite",),
    "mmh3": ("readers.assign.bucket",),
    "redis": (
        "pipeline.definitions",
        "pipeline.collect.to_stream",
        "pipeline.embedded_redis",
        "pipeline.sources.redis_group",
    ),
    "starlette": ("readers", "pipeline.collect", "pipeline.serving"),
    "prometheus_client": ("readers.telemetry", "readers.app", "readers.commands"),
    "scipy": ("readers.experiments",),
    "statsmodels": ("readers.experiments",),
    "uvicorn": ("pipeline.serving", "pipeline.connections"),
}
STAGE = "stage"

# What answers at once, or runs where Beam isn't installed.
WITHOUT_BEAM = (
    "readers.app",
    "readers.commands",
    "readers.keys_command",
    "readers.watch_command",
    "pipeline.collect.app",
    "pipeline.collect.commands",
    "pipeline.definitions.commands",
    "pipeline.audit",
    "pipeline.explain",
    "pipeline.run_command",
    "pipeline.cli",
)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    for module in (m for m in modules(*PROGRAMS) if within(m.name, package)):
        allowed = (package, *MAY_IMPORT[package], *FURTHER.get(module.name, ()))
        own = {name for name in module.imports if within(name, *PROGRAMS) and name not in PROGRAMS}
        wrong = {name for name in own if not within(name, *allowed) and not _is_prefix(name, allowed)}
        assert not wrong, f"{module.name} may import {', '.join(allowed)}, but imports {', '.join(sorted(wrong))}"


def test_every_package_has_its_place_among_the_layers() -> None:
    folders = {f"pipeline.{path.name}" for path in (ROOT / "pipeline").iterdir() if (path / "__init__.py").exists()}
    assert folders - MAY_IMPORT.keys() == set(), "say in MAY_IMPORT what it may import"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_client_library_is_imported_only_where_it_is_at_home(library: str) -> None:
    for module in modules(*PROGRAMS):
        if any(within(name, library) for name in module.imports) and not _is_stage(module, library):
            assert within(module.name, *ONLY_IN[library]), f"{module.name} imports {library}"


def test_the_write_side_does_not_import_the_read_side() -> None:
    importing = [m for m in modules("pipeline") if any(within(name, "readers") for name in m.imports)]
    # The demo's shop is an application that decides by allocations.
    assert [m.name for m in importing if not within(m.name, "pipeline.demo")] == []


@pytest.mark.parametrize("name", WITHOUT_BEAM)
def test_beam_is_not_loaded_before_a_job_is_launched(name: str) -> None:
    code = f"import sys, {name}; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


def _is_stage(module: Module, library: str) -> bool:
    return library == "apache_beam" and module.name.rpartition(".")[2] == STAGE


def _is_prefix(name: str, allowed: tuple[str, ...]) -> bool:
    """`from pipeline.model import layout` names the package too."""
    return any(within(other, name) for other in allowed)
