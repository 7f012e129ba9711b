"""Owns what Beam's Kafka source needs beside an engine: the service that expands it, and the Java workers that run it.

Beam brings both in its containers. Here they are two small programs, of the nearest version that there is.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import Program, engine, free_port
from tests.support.missing import missing

SOURCE = "beam-kafka-2.70.0"
SMALL_JVM = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
EXPANSION = "org.apache.beam.sdk.expansion.service.ExpansionService"
WORKERS = "org.apache.beam.fn.harness.ExternalWorkerService"
REPLACED = "sdks:java:io:expansion-service:shadowJar"  # Beam's name of its own expansion service
START_TIMEOUT_S = 60.0
POLL_S = 0.05


@contextmanager
def kafka_source(folder: Path) -> Iterator[list[str]]:
    """Runs them. Gives the options of a pipeline that uses them."""
    jars = engine(SOURCE)
    java = [shutil.which("java") or missing("Java: install default-jre-headless"), *SMALL_JVM, "-cp", f"{jars}/*"]
    expansion, pool = f"localhost:{free_port()}", f"localhost:{free_port()}"
    staged = folder / "nothing.jar"  # else all jars go with every job, and the workers have them
    staged.touch()
    where = ["--defaultEnvironmentType=EXTERNAL", f"--defaultEnvironmentConfig={pool}", f"--filesToStage={staged}"]
    told = {**os.environ, "PIPELINE_OPTIONS": json.dumps({"beam:option:default_environment_config:v1": pool})}
    programs = [
        Program([*java, EXPANSION, expansion.rpartition(":")[2], *where], folder / "expansion.log"),
        Program([*java, WORKERS], folder / "java-workers.log", told),
    ]
    try:
        _await(programs[0], f"expansion service at {expansion}")
        _await(programs[1], "External worker service started")
        yield [f"--beam_services={json.dumps({REPLACED: expansion})}"]
    finally:
        for program in programs:
            program.kill_all()


def _await(program: Program, said: str) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while said not in program.log.read_text():
        assert program.runs() and time.monotonic() < until, program.said()
        time.sleep(POLL_S)
