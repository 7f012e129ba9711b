"""The workload live through a real Flink cluster or Prism: freshness, throughput, faults, and every number at the end.

    python -m benchmarks.engine [--runner flink|prism] [--events N] [--rate N] [--store sqlite|bigtable] [--no-faults]

Half of the events come at the rate, and how old they are when they can be read is seen by marks among them. On Flink a
task manager is killed and replaced meanwhile, and the job is stopped with a savepoint. The other half waits when it is
resumed (elsewhere: when it is submitted again), which shows how much it takes in a second. Beside it the local driver
takes the same half. Needs `make engines`.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import daycount, machine
from benchmarks.contestants import fresh_target, truth_of
from benchmarks.daycount import Target
from benchmarks.engine_job import EngineJob, Stream, local_rate
from benchmarks.ingest import workload_file
from benchmarks.marks import Marks, push_definitions
from benchmarks.rows import compare
from pipeline.embedded_redis import embedded_redis
from tests.support.flink_cluster import FlinkCluster
from tests.support.prism import Prism

_CALM_S = 15.0  # of live events before the first fault
_BEAT_S = 0.02  # between what is sent


def main() -> None:
    arguments = _arguments()
    print(machine.describe(), flush=True)
    path = workload_file(arguments.data, arguments.events)
    truth = truth_of(path)
    lines = path.read_bytes().splitlines()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent)))
        target, _ = stack.enter_context(fresh_target(arguments.store, path.parent))
        os.environ.update(target.environment)  # the marks are read from here
        redis_url = stack.enter_context(embedded_redis(folder / "redis", durable=False))
        push_definitions(redis_url)
        stream = stack.enter_context(closing(Stream(redis_url)))
        engine = stack.enter_context(closing(_engine(arguments.runner, folder, target)))
        job = stack.enter_context(closing(EngineJob(redis_url, target, engine.beam_options())))
        live, waiting = lines[: len(lines) // 2], lines[len(lines) // 2 :]
        job.begin()
        savepoint = _live(arguments, live, stream, Marks(stream, target, redis_url), engine)
        job.end()
        stream.send(waiting)
        job.begin(*(("--savepoint_path", savepoint) if savepoint else ()))
        _backlog(waiting, stream, job)
        differences = compare(truth, daycount.read_rows(target))
        rate = local_rate(redis_url, waiting, arguments.store, path.parent)
    print(f"the local driver, from a stream, 1 worker: {rate:,.0f} events/s")
    print("exact" if not differences else "\n".join(differences[:5]))
    sys.exit(1 if differences else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="The workload live on an engine.")
    parser.add_argument("--runner", choices=("flink", "prism"), default="flink")
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--rate", type=int, default=5_000, help="live events a second")
    parser.add_argument("--store", choices=("sqlite", "bigtable"), default="bigtable")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"))
    return parser.parse_args()


def _engine(runner: str, folder: Path, target: Target) -> FlinkCluster | Prism:
    own = folder / runner
    own.mkdir()
    return (FlinkCluster if runner == "flink" else Prism)(own, environment=target.environment)


def _live(
    arguments: argparse.Namespace, lines: list[bytes], stream: Stream, marks: Marks, engine: FlinkCluster | Prism
) -> str | None:
    """Send at the rate, look at freshness while nothing fails, then let things fail; the savepoint, if there is one."""
    marks.until_seen()  # the job is under way
    sending = threading.Thread(target=_feed, args=(lines, stream, arguments.rate), daemon=True)
    sending.start()
    ages = sorted(marks.ages_for(_CALM_S))
    p50, p90 = (ages[int(part * (len(ages) - 1))] for part in (0.5, 0.9))
    told = f"p50 {p50:.2f}, p90 {p90:.2f}, at most {ages[-1]:.2f} s, of {len(ages)}"
    print(f"at {arguments.rate:,} events/s an event can be read after {told}", flush=True)
    if not isinstance(engine, FlinkCluster):
        sending.join()
        return None
    if not arguments.no_faults:
        engine.kill_task_manager(0)
        engine.start_task_manager()
        print(f"a task manager was killed and replaced: readable again after {marks.until_seen():.1f} s", flush=True)
    sending.join()
    [job] = [job for job, state in engine.rest.jobs().items() if state == "RUNNING"]
    savepoint = engine.rest.stop_with_savepoint(job)
    print("the job was stopped with a savepoint", flush=True)
    return savepoint


def _feed(lines: list[bytes], stream: Stream, rate: int) -> None:
    step, due = max(1, round(rate * _BEAT_S)), time.monotonic()
    for at in range(0, len(lines), step):
        stream.send(lines[at : at + step])
        due += _BEAT_S
        time.sleep(max(0.0, due - time.monotonic()))


def _backlog(lines: list[bytes], stream: Stream, job: EngineJob) -> None:
    done = stream.acknowledged()
    begun = job.until(lambda: stream.acknowledged() > done)
    ended = job.until(stream.done)
    rate = len(lines) / (ended - begun)
    print(f"{len(lines):,} waiting events, from the first acknowledged to the last: {rate:,.0f} events/s", flush=True)


if __name__ == "__main__":
    main()
