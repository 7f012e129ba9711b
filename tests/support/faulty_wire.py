"""Requests of a Bigtable store on which faults strike, between its calls and the real service.

The plan is asked once per request, with the method's name and the table (`check shards`, `mutate counters`, `read meta`
...), and answers with a fault or None. What the caller is told is an error of gRPC, so all that the store itself does
about it is at work: which errors it takes for passing, what it repeats, how it goes on with half an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import grpc
from google.cloud.bigtable_v2.types import bigtable

from pipeline.model.layout import TABLES
from pipeline.store import Store
from pipeline.store.bigtable import BigtableStore
from tests.support.faulty_store import Killed

Code = grpc.StatusCode
SERVICE_S = 60.0
Land = Callable[[], object]


class Blow(Enum):
    """What happens to one request."""

    REFUSED = "nothing of it comes to pass"
    UNHEARD = "all of it comes to pass, the answer is lost"
    CUT = "the first parts come to pass and are answered, then the stream breaks"
    PARTLY = "the first rows are written, each of the others is refused in the answer"
    LATE = "the caller is told that its time is over; the request arrives when it lands"
    TWICE = "it is answered; a copy of it arrives when it lands"
    KILL_BEFORE = "the caller is gone, the request was never sent"
    KILL_AFTER = "the caller is gone, the request came to pass"


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow. `code`: what the caller is told; `parts`: rows of a write, cells of a read, that it does not touch."""

    blow: Blow
    code: grpc.StatusCode = Code.UNAVAILABLE
    parts: int = 0


WirePlan = Callable[[str], Struck | None]


class Refused(grpc.RpcError):
    """As gRPC raises it."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return f"a fault: {self._code.name}"


class FaultyWire:
    """Puts itself under a store. `in_flight`: requests that have not arrived yet; calling one lets it arrive."""

    def __init__(self, store: Store, plan: WirePlan, in_flight: list[Land]) -> None:
        assert isinstance(store, BigtableStore)
        self._plan = plan
        self._in_flight = in_flight
        calls: Any = store._calls
        self._check, self._mutate, self._read = calls._check, calls._mutate, calls._read
        calls._check, calls._mutate, calls._read = self.check, self.mutate, self.read

    def check(self, request: Any, **options: Any) -> Any:
        """CheckAndMutateRow."""
        return self._meet(self._plan(_name("check", request)), lambda: self._check(request, **_patient(options)))

    def mutate(self, request: Any, **options: Any) -> Iterator[Any]:
        """MutateRows. It is at the service before this returns, so that a run is the same each time."""
        struck, options = self._plan(_name("mutate", request)), _patient(options)
        if struck is not None and struck.blow in (Blow.CUT, Blow.PARTLY):
            return self._some_rows(struck, request, options)
        return self._stream(struck, lambda: list(self._mutate(request, **options)))

    def read(self, request: Any, **options: Any) -> Iterator[Any]:
        """ReadRows."""
        struck, options = self._plan(_name("read", request)), _patient(options)
        if struck is None:
            return self._read(request, **options)
        if struck.blow is Blow.CUT:
            return _cut(list(self._read(request, **options)), struck)
        if struck.blow in (Blow.LATE, Blow.TWICE, Blow.PARTLY):  # of a read all that is seen is that no answer comes
            struck = Struck(Blow.REFUSED, struck.code)
        return self._stream(struck, lambda: list(self._read(request, **options)))

    def _stream(self, struck: Struck | None, send: Callable[[], Sequence[Any]]) -> Iterator[Any]:
        """As gRPC does: what is wrong with a stream is told when it is read."""
        try:
            return iter(self._meet(struck, send))
        except Refused as e:
            return _broken_off([], e)

    def _meet(self, struck: Struck | None, send: Callable[[], Any]) -> Any:
        """What the caller gets of a request that is struck as a whole, or not at all."""
        if struck is None:
            return send()
        match struck.blow:
            case Blow.KILL_BEFORE:
                raise Killed
            case Blow.KILL_AFTER:
                send()
                raise Killed
            case Blow.UNHEARD:
                send()
                raise Refused(struck.code)
            case Blow.LATE:
                self._in_flight.append(send)
                raise Refused(Code.DEADLINE_EXCEEDED)
            case Blow.TWICE:
                self._in_flight.append(send)
                return send()
        raise Refused(struck.code)

    def _some_rows(self, struck: Struck, request: Any, options: Any) -> Iterator[Any]:
        """Writes the first rows; the others are answered with `code`, or not at all."""
        some = type(request)()
        some.CopyFrom(request)
        del some.entries[struck.parts :]
        answers = list(self._mutate(some, **options)) if some.entries else []
        if struck.blow is Blow.CUT:
            return _broken_off(answers, Refused(struck.code))
        return iter([*answers, _refusing(range(len(some.entries), len(request.entries)), struck.code)])


def _name(method: str, request: Any) -> str:
    return f"{method} {next(table for table in TABLES if request.table_name.endswith(table))}"


def _patient(options: dict[str, Any]) -> dict[str, Any]:
    """The service always answers in time: when it does not is up to the plan, whatever else the machine is doing."""
    return {**options, "timeout": SERVICE_S}


def _broken_off(answers: Sequence[Any], error: Refused) -> Iterator[Any]:
    yield from answers
    raise error


def _refusing(indices: range, code: grpc.StatusCode) -> Any:
    """An answer that refuses these entries."""
    answer = bigtable.MutateRowsResponse.pb()()
    for index in indices:
        entry = answer.entries.add(index=index)
        entry.status.code, entry.status.message = code.value[0], f"a fault: {code.name}"
    return answer


def _cut(responses: Sequence[Any], struck: Struck) -> Iterator[Any]:
    """The first cells of an answer, one in each response; then the stream breaks, in the middle of a row if need be."""
    chunks = [chunk for response in responses for chunk in response.chunks]
    kind = bigtable.ReadRowsResponse.pb()
    return _broken_off([kind(chunks=[chunk]) for chunk in chunks[: struck.parts]], Refused(struck.code))
