"""Owns how a Flink cluster for tests is set up: small, and quick to notice that a task manager is gone."""

from __future__ import annotations

import json
from pathlib import Path

# What Flink's own start scripts pass to Java 17.
JAVA_FLAGS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang",
        "java.net",
        "java.io",
        "java.nio",
        "sun.nio.ch",
        "java.lang.reflect",
        "java.text",
        "java.time",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.util.concurrent.locks",
    )
]
# Two cores for all: fewer collector and compiler threads.
SMALL_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"]

# Flink's start scripts work these out of one figure; without them all have to be there. About 1 GB together.
TASK_MANAGER_MEMORY = {
    "taskmanager.cpu.cores": "2",
    "taskmanager.memory.framework.heap.size": "96m",
    "taskmanager.memory.framework.off-heap.size": "96m",
    "taskmanager.memory.task.heap.size": "384m",
    "taskmanager.memory.task.off-heap.size": "64m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}
TASK_MANAGER_HEAP = "-Xmx480m"

LOGGING = """
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.name = out
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} %m%n
"""


def write_config(folder: Path, rest_port: int, rpc_port: int, slots: int) -> None:
    """Write Flink's configuration into a folder that is there."""
    settings = {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": rpc_port,
        "jobmanager.bind-host": "127.0.0.1",
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": rest_port,
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": slots,
        "io.tmp.dirs": str(folder / "tmp"),
        "state.backend.type": "hashmap",
        "state.checkpoints.dir": (folder / "checkpoints").as_uri(),
        "state.savepoints.dir": (folder / "savepoints").as_uri(),
        "execution.checkpointing.timeout": "60 s",
        "execution.checkpointing.tolerable-failed-checkpoints": 1000,
        "heartbeat.interval": 500,
        "heartbeat.timeout": 5000,
        "heartbeat.rpc-failure-threshold": 2,
        "cluster.registration.error-delay": 500,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 1000,
        "restart-strategy.fixed-delay.delay": "500 ms",
        "cluster.io-pool.size": 4,
        **TASK_MANAGER_MEMORY,
    }
    (folder / "tmp").mkdir()
    lines = [f"{name}: {json.dumps(value)}\n" for name, value in settings.items()]
    (folder / "config.yaml").write_text("".join(lines))
    (folder / "log4j.properties").write_text(LOGGING)
