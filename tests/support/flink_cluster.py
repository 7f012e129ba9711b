"""Owns a real Flink cluster for tests: a job manager, task managers and Beam's job server, each a process of its own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.engines import FLINK, JOB_SERVER, Program, engine, worker_command, worker_environment
from tests.support.flink_cluster_config import (
    JAVA_FLAGS,
    SMALL_JVM,
    TASK_MANAGER_HEAP,
    TASK_MANAGER_MEMORY,
    write_config,
)
from tests.support.flink_cluster_rest import FlinkRest
from tests.support.missing import missing
from tests.support.ports import free_port

SLOTS = 2
JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
BEAM_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
LISTENS = re.compile(r"JobService started on localhost:(\d+)")


class FlinkCluster:
    """A running cluster. Its files are in `folder`; nothing of it outlives the process that made it.

    environment: variables that the Beam workers see, beside this process's own.
    """

    def __init__(self, folder: Path, task_managers: int = 2, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._flink, self._beam = engine(FLINK) / "lib", engine(JOB_SERVER)
        self._java = shutil.which("java") or missing("Java: install default-jre-headless")
        self._environment = worker_environment(environment)
        rest_port = free_port()
        write_config(folder, rest_port, free_port(), SLOTS)
        self._worker = worker_command(folder)
        self.rest = FlinkRest(f"http://127.0.0.1:{rest_port}")
        self._programs: list[Program] = []
        self._task_managers: list[Program] = []
        try:
            self._start(task_managers, rest_port)
        except BaseException as error:
            error.add_note(self.logs())
            self.close()
            raise

    def _start(self, task_managers: int, rest_port: int) -> None:
        self._program("job-manager", ["-Xmx400m", *self._flink_words(JOB_MANAGER)])
        server = ["-Xmx400m", *SMALL_JVM, "-cp", f"{self._beam}/*", BEAM_JOB_SERVER]
        server += ["--flink-master", f"127.0.0.1:{rest_port}", "--job-host", "localhost"]
        server += ["--job-port", "0", "--artifact-port", "0", "--expansion-port", "0"]
        self._server = self._program("job-server", [*server, "--artifacts-dir", str(self.folder / "artifacts")])
        for _ in range(task_managers):
            self.start_task_manager()
        self.rest.wait(lambda: self._is_up(task_managers), "the cluster")

    def _is_up(self, task_managers: int) -> bool:
        if not all(program.runs() for program in self._programs):
            raise RuntimeError("a program of the cluster has ended")
        listens = LISTENS.search(self._server.log.read_text()) is not None
        return listens and self.rest.answers() and self.rest.task_managers() == task_managers

    def beam_options(self, checkpoint_ms: int = 1_000, bundle_ms: int = 100, parallelism: int = 2 * SLOTS) -> list[str]:
        """Options of a pipeline that runs here. parallelism: how many slots it takes; two task managers have four.

        checkpoint_ms: time between checkpoints. bundle_ms: how long a bundle may stay open; it bounds latency.
        """
        found = LISTENS.search(self._server.log.read_text())
        assert found, "started"
        return [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{found[1]}",
            "--environment_type=PROCESS",
            "--environment_config=" + json.dumps({"command": str(self._worker)}),
            "--streaming",
            f"--parallelism={parallelism}",
            f"--checkpointing_interval={checkpoint_ms}",
            f"--max_bundle_time_mills={bundle_ms}",
            # Else what a bundle has put out when a checkpoint begins waits for the next bundle, and a source's one element,
            # which nothing follows, would wait for ever.
            "--finish_bundle_before_checkpointing",
        ]

    def start_task_manager(self) -> int:
        """Start one more; gives its number. It is a while until the job manager knows it."""
        number = len(self._task_managers)
        memory = [word for item in TASK_MANAGER_MEMORY.items() for word in ("-D", "=".join(item))]
        words = [TASK_MANAGER_HEAP, *self._flink_words(TASK_MANAGER), *memory]
        self._task_managers.append(self._program(f"task-manager-{number}", words))
        return number

    def kill_task_manager(self, number: int) -> None:
        """Kill it with -9, and nothing else: its workers have to notice by themselves."""
        self._task_managers[number].kill()

    def replace_task_manager(self) -> None:
        """Kill the oldest that runs, and start another."""
        self.kill_task_manager(next(number for number, one in enumerate(self._task_managers) if one.runs()))
        self.start_task_manager()

    def logs(self) -> str:
        """The ends of all logs, for a test that fails."""
        return "\n".join(f"--- {program.log.name}\n{program.said()}" for program in self._programs)

    def close(self) -> None:
        """Kill all that was started. **Retry:** harmless."""
        for program in self._programs:
            program.kill_all()

    def _flink_words(self, main: str) -> list[str]:
        logging = f"-Dlog4j.configurationFile=file:{self.folder}/log4j.properties"
        return [*SMALL_JVM, *JAVA_FLAGS, logging, "-cp", f"{self._flink}/*", main, "--configDir", str(self.folder)]

    def _program(self, name: str, words: list[str]) -> Program:
        program = Program([self._java, *words], self.folder / f"{name}.log", self._environment)
        self._programs.append(program)
        return program
