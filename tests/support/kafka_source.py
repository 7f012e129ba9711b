"""Owns what Beam's Kafka source needs beside an engine: the service that expands it, and the Java workers that run it.

Beam brings both in its containers. Here they are programs of the nearest version that there is.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import Program, engine, worker_command
from tests.support.missing import missing
from tests.support.ports import free_port

SOURCE = "beam-kafka-2.70.0"
SMALL_JVM = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
EXPANSION = "org.apache.beam.sdk.expansion.service.ExpansionService"
REPLACED = "sdks:java:io:expansion-service:shadowJar"  # Beam's name of its own expansion service
START_TIMEOUT_S = 120.0
POLL_S = 0.05


@contextmanager
def kafka_source(folder: Path) -> Iterator[list[str]]:
    """Runs the service. Gives the options of a pipeline that uses it.

    Workers are started by the engine, and end with what it runs: in a pool that outlives it, Beam's source would begin a
    second time not where the group stands but behind all that it had read.
    """
    jars = f"{engine(SOURCE)}/*"
    staged = folder / "nothing.jar"  # else all jars go with every job, and the workers have them
    staged.touch()
    port = free_port()
    worker = json.dumps({"command": str(worker_command(folder, "java-worker", jars))})
    where = ["--defaultEnvironmentType=PROCESS", f"--defaultEnvironmentConfig={worker}", f"--filesToStage={staged}"]
    java = shutil.which("java") or missing("Java: install default-jre-headless")
    service = Program([java, *SMALL_JVM, "-cp", jars, EXPANSION, str(port), *where], folder / "expansion.log")
    try:
        _await(service, f"expansion service at localhost:{port}")
        yield [f"--beam_services={json.dumps({REPLACED: f'localhost:{port}'})}"]
    finally:
        service.kill_all()


def _await(program: Program, said: str) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while said not in program.log.read_text():
        assert program.runs() and time.monotonic() < until, program.said()
        time.sleep(POLL_S)
