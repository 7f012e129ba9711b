"""How old events are when they can be read: marks among them, of an account of their own, counted by one metric."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from benchmarks.daycount import DEFINITIONS, Target
from benchmarks.engine_job import Stream
from pipeline.definitions.source import open_definitions
from pipeline.model.errors import StoreError, UsageError
from pipeline.store import open_store
from readers.output import write_json
from readers.query import run_query
from tests.support.daycount import daycount

ACCOUNT = "marks"
_DEFINITION = {"account": ACCOUNT, "metrics": [{"id": "marks", "where": {}, "measures": {"n": {"aggregate": "count"}}}]}
_EVERY_S, _POLL_S = 0.5, 0.01
_WAIT_S = 600.0


def push_definitions(redis_url: str) -> None:
    """Those of the workload and of marks."""
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder, "marks.json")
        marks.write_text(json.dumps(_DEFINITION))
        for path in (DEFINITIONS, marks):
            done = daycount("define", "push", str(path), "--definitions", redis_url)
            assert done.returncode == 0, done.stderr


class Marks:
    """Sends marks into the stream, and looks for them as a reader does."""

    def __init__(self, stream: Stream, target: Target, definitions_url: str) -> None:
        self._stream = stream
        self._target = target
        with closing(open_definitions(definitions_url)) as source:
            self._definitions = source.read()
        self._sent = 0

    def until_seen(self) -> float:
        """Send one; seconds until it is counted, with all before it. Raises SystemExit where it never is."""
        self._sent += 1
        now = datetime.now(UTC).isoformat()
        mark = {"messageId": f"mark{self._sent}", "type": "track", "event": "Mark", "anonymousId": "m", "timestamp": now}
        begun = time.monotonic()
        self._stream.send([json.dumps(mark).encode()], ACCOUNT)
        while self._counted() < self._sent:
            if time.monotonic() - begun > _WAIT_S:
                raise SystemExit(f"a mark was not counted within {_WAIT_S:.0f} s")
            time.sleep(_POLL_S)
        return time.monotonic() - begun

    def ages_for(self, seconds: float) -> Iterator[float]:
        """One mark after the other for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield self.until_seen()
            time.sleep(_EVERY_S)

    def _counted(self) -> int:
        """How many of them a reader is told of now."""
        today = str(datetime.now(UTC).date())
        body = {"metrics": ["marks.n"], "date_range": [today, today]}
        try:
            with closing(open_store(self._target.store)) as store:
                answer = run_query(store, self._definitions, ACCOUNT, body, datetime.now(UTC))
        except (StoreError, UsageError):
            return 0  # no store yet
        out = StringIO()
        write_json(answer, out)
        return int(json.loads(out.getvalue())["results"][0]["metrics"][0])
