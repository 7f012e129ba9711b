"""Owns the process that commands are forked from: it has imported everything once, Beam too, and has a single thread.

A run of the command costs seconds of imports otherwise, and fault tests want hundreds of them. Each is still a process
of its own, in a group of its own, that runs the real command and can be stopped and killed like any other. What is asked
comes as JSON, one request a line; `forked` is the side that asks.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from importlib import import_module
from typing import Any, NoReturn

EVERYTHING = ("pipeline.cli", "pipeline.run_command", "pipeline.local", "pipeline.store.sqlite", "pipeline.store.bigtable")
LOOK_S = 0.002
CRASHED = 70  # as sysexits.h has it: what was planted raised, or the command let an error through


def main() -> None:
    """Answer requests until there are no more, then end what still runs."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    running: set[int] = set()
    for module in EVERYTHING:
        import_module(module)
    gc.freeze()  # a child that collects garbage would copy all of this
    answers.write("ready\n")
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "start":
            pid = os.fork()
            if pid == 0:
                _run(request)
            os.setpgid(pid, pid)  # the child does it too: whoever comes first
            running.add(pid)
            answers.write(f"{pid}\n")
        else:
            answers.write(f"{json.dumps(_awaited(request, running))}\n")
    for pid in running:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _awaited(request: dict[str, Any], running: set[int]) -> int | None:
    """The status with which the process ended or was stopped, None where neither came to pass in time."""
    until = time.monotonic() + request["timeout_s"]
    while True:
        pid, status = os.waitpid(request["pid"], os.WNOHANG | os.WUNTRACED)
        if pid:
            if not os.WIFSTOPPED(status):
                running.discard(pid)
            return status
        if time.monotonic() >= until:
            return None
        time.sleep(LOOK_S)


def _run(request: dict[str, Any]) -> NoReturn:
    """In the child: become the command."""
    os.setpgid(0, 0)
    for number, path in enumerate((os.devnull, request["out"], request["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
    sys.stdin = open(0)  # noqa: SIM115 (the parent's still holds requests that it has read ahead)
    os.environ.update(request["environment"])
    code = CRASHED
    try:
        for planter, words in request["plants"]:
            module, _, name = planter.partition(":")
            getattr(import_module(module), name)(**words)
        from pipeline.cli import main as command

        command(request["words"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
