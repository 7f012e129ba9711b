"""A store around a real one in which calls fail, stall, die or land late, as a plan says.

The plan is asked once per call, with the operation's name (`take`, `commit`, `read` ...), and answers with a fault or
None. On Bigtable a fault may strike within a commit, between the head and its cells; a store whose commit is one
transaction has no such place: there a fault "within" leaves nothing of it behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from pipeline.model.errors import StoreError, TransientStoreError
from pipeline.store.bigtable.calls import Unwritten
from pipeline.store.contract import Cell, Ranges, Rows, Store

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone: nobody catches this but the test."""


class When(Enum):
    BEFORE = "before anything of it came to pass"
    WITHIN = "after the head moved and some rows were written"
    AFTER = "after all of it came to pass"


class Action(Enum):
    FAIL = "the caller is told that the outcome is unknown"
    REFUSE = "the caller is told an error for good"
    KILL = "the caller is gone"
    STALL = "others act meanwhile, then the call goes on"
    LATE = "the caller is told that the outcome is unknown; what is left lands when `land` says so"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call. `rows`: how many rows of a commit are written before a fault within it."""

    when: When
    action: Action
    rows: int = 0


Plan = Callable[[str], Fault | None]


def scripted(**faults: Sequence[Fault | None]) -> Plan:
    """A plan by operation, one entry a call: scripted(commit=[None, fault]) strikes the second commit."""
    left = {operation: list(entries) for operation, entries in faults.items()}
    return lambda operation: left[operation].pop(0) if left.get(operation) else None


class FaultyStore(Store):
    """See the module. `on_stall` is what the others do while a call stalls."""

    def __init__(self, inner: Store, plan: Plan, on_stall: Callable[[], object] = lambda: None) -> None:
        self.inner = inner
        self.in_flight: list[Callable[[], object]] = []
        self._plan = plan
        self._on_stall = on_stall

    def land(self, which: int = 0) -> None:
        """Let a late call arrive at the store."""
        self.in_flight.pop(which)()

    def take(self, shard: int) -> int:
        return self._call("take", lambda: self.inner.take(shard))

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return self._call("commit", lambda: self.inner.commit(shard, seq, cells))

    def settle(self, shards: Iterable[int]) -> None:
        self._call("settle", lambda: self.inner.settle(shards))

    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        return self._call("read", lambda: self.inner.read(table, rows, ranges))

    def scan(self, table: str, prefix: bytes) -> Rows:
        return self._call("scan", lambda: self.inner.scan(table, prefix))

    def put_meta_rows(self, rows: Mapping[bytes, Mapping[bytes, bytes]]) -> None:
        self._call("put_meta", lambda: self.inner.put_meta_rows(rows))

    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        return self._call("create_meta", lambda: self.inner.create_meta(row, qualifier, value))

    def flush(self) -> None:
        self._call("flush", self.inner.flush)

    def close(self) -> None:
        self.inner.close()

    def _call(self, operation: str, call: Callable[[], T]) -> T:
        fault = self._plan(operation)
        if fault is None:
            return call()
        if fault.when is When.AFTER:
            result = call()
            self._strike(fault)
            return result
        calls = getattr(self.inner, "_calls", None)
        if calls is None or (fault.when is When.BEFORE and fault.action is not Action.LATE):
            self._strike(fault)
            return call()
        return self._call_broken_off(calls, fault, call)

    def _call_broken_off(self, calls: Any, fault: Fault, call: Callable[[], T]) -> T:
        store: Any = self.inner
        store._calls = breaking = _BreakingCalls(calls, fault, self._strike, self.in_flight)
        try:
            result = call()
        except _BrokenOff as e:
            raise TransientStoreError("broken off: outcome unknown") from e
        finally:
            store._calls = calls
        if fault.action is not Action.STALL and not breaking.struck:  # fewer rows than the fault was to wait for
            self._strike(fault)
        return result

    def _strike(self, fault: Fault) -> None:
        if fault.action is Action.STALL:
            self._on_stall()
        elif fault.action is Action.KILL:
            raise Killed
        elif fault.action is Action.REFUSE:
            raise StoreError(f"a fault {fault.when.value}: refused")
        else:
            raise TransientStoreError(f"a fault {fault.when.value}: outcome unknown")


class _BrokenOff(Exception):
    """Not a TransientStoreError, which the store would answer with another attempt of its own."""


class _BreakingCalls:
    """The calls of a BigtableStore, broken off after some written rows."""

    def __init__(
        self, calls: Any, fault: Fault, strike: Callable[[Fault], None], in_flight: list[Callable[[], object]]
    ) -> None:
        self._calls = calls
        self._fault = fault
        self._strike = strike
        self._in_flight = in_flight
        self._rows_left = fault.rows
        self.struck = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calls, name)

    def check_and_mutate(self, *args: Any, **kwargs: Any) -> bool:
        if self._fault.when is When.BEFORE:
            self._in_flight.append(lambda: self._calls.check_and_mutate(*args, **kwargs))
            raise _BrokenOff
        return self._calls.check_and_mutate(*args, **kwargs)

    def mutate_rows(self, table: str, entries: Sequence[Any], timeout_s: float) -> Unwritten:
        if self.struck or self._rows_left >= len(entries):
            self._rows_left -= len(entries)
            return self._written(table, entries, timeout_s)
        self.struck = True
        written, rest = entries[: self._rows_left], entries[self._rows_left :]
        if written:
            self._written(table, written, timeout_s)
        if self._fault.action is Action.LATE:
            self._in_flight.append(lambda: self._written(table, rest, timeout_s))
            raise _BrokenOff
        try:
            self._strike(self._fault)
        except TransientStoreError as e:
            raise _BrokenOff from e
        return self._written(table, rest, timeout_s)

    def _written(self, table: str, entries: Sequence[Any], timeout_s: float) -> Unwritten:
        """Waited for at once, so that what lands before a fault doesn't depend on the moment."""
        answer = self._calls.mutate_rows(table, entries, timeout_s)()
        return lambda: answer
