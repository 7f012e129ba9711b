"""How the Bigtable store meets a service that refuses, hangs or isn't there: over real gRPC, without an emulator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.bigtable_v2.types import bigtable

from pipeline.model.errors import StoreError, TransientStoreError, UsageError
from pipeline.store.bigtable import BigtableStore
from pipeline.store.bigtable.patience import Patience

PATIENT = Patience(deadline_s=30)
# Where it runs out. With pauses that chance doesn't shorten the last attempt has more than a second, also on a busy machine.
IMPATIENT = Patience(deadline_s=2.5, chance=lambda: 1.0)


class Service(grpc.GenericRpcHandler):
    """A Bigtable that answers every call as `answer` says and keeps the headers it was called with."""

    def __init__(self) -> None:
        self.answer: Callable[[str, grpc.ServicerContext], list[bytes]] = lambda method, context: []
        self.headers: dict[str, str] = {}
        self.requests: list[bytes] = []

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        self.headers = dict(details.invocation_metadata)
        name = details.method.rpartition("/")[2]

        def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            self.requests.append(request)
            yield from self.answer(name, context)

        if name == "CheckAndMutateRow":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: next(stream(request, context)))
        return grpc.unary_stream_rpc_method_handler(stream)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[service])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("BIGTABLE_EMULATOR_HOST", f"127.0.0.1:{port}")
    yield service
    server.stop(None).wait()


def refuse(code: grpc.StatusCode, details: str) -> Callable[[str, grpc.ServicerContext], list[bytes]]:
    def answer(_: str, context: grpc.ServicerContext) -> list[bytes]:
        context.abort(code, details)
        return []

    return answer


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "roles/bigtable.user"),
        (grpc.StatusCode.UNAUTHENTICATED, "gcloud auth application-default login"),
        (grpc.StatusCode.NOT_FOUND, "--create-tables"),
        (grpc.StatusCode.UNAVAILABLE, "BIGTABLE_EMULATOR_HOST"),
    ],
)
def test_a_refusal_at_the_start_is_one_line_with_its_cure(service: Service, code: grpc.StatusCode, cure: str) -> None:
    service.answer = refuse(code, "the service\nsays so")
    with pytest.raises(UsageError) as raised:
        BigtableStore("p", "i", patience=IMPATIENT)
    assert str(raised.value).startswith("bigtable://p/i: the service says so; ")
    assert cure in str(raised.value) and "\n" not in str(raised.value)


def test_a_service_that_hangs_is_named_when_the_patience_is_over(service: Service) -> None:
    released = threading.Event()
    service.answer = lambda method, context: [b""] * released.wait(30)
    with pytest.raises(UsageError, match="start the emulator at"):
        BigtableStore("p", "i", patience=IMPATIENT)
    released.set()


def test_nobody_at_the_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGTABLE_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(UsageError, match=r"start the emulator at 127\.0\.0\.1:1 or unset BIGTABLE_EMULATOR_HOST"):
        BigtableStore("p", "i", patience=IMPATIENT)


def test_credentials_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BIGTABLE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(UsageError, match=r"none\.json was not found; .*`gcloud auth application-default login"):
        BigtableStore("p", "i", patience=IMPATIENT)


def test_every_call_says_where_it_is_to_be_routed(service: Service) -> None:
    store = BigtableStore("p", "i", prefix="x-", app_profile="single", patience=PATIENT)
    params = "table_name=projects/p/instances/i/tables/x-{}&app_profile_id=single"
    assert service.headers["x-goog-request-params"] == params.format("meta")
    assert "gapic" in service.headers["x-goog-api-client"]
    assert bigtable.ReadRowsRequest.deserialize(service.requests[-1]).app_profile_id == "single"
    store.take(0)
    assert service.headers["x-goog-request-params"] == params.format("shards")
    service.answer = refuse(grpc.StatusCode.UNAVAILABLE, "later")
    with pytest.raises(TransientStoreError):
        store.commit(0, 0, [])
    assert service.headers["x-goog-request-params"] == params.format("shards")
    sent = bigtable.CheckAndMutateRowRequest.deserialize(service.requests[-1])
    assert (sent.table_name, sent.app_profile_id) == ("projects/p/instances/i/tables/x-shards", "single")
    store.close()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, TransientStoreError),
        (grpc.StatusCode.INTERNAL, TransientStoreError),
        (grpc.StatusCode.ABORTED, TransientStoreError),
        (grpc.StatusCode.FAILED_PRECONDITION, UsageError),
        (grpc.StatusCode.PERMISSION_DENIED, UsageError),
        (grpc.StatusCode.INVALID_ARGUMENT, StoreError),
    ],
)
def test_a_commit_that_fails_is_asked_for_once(service: Service, code: grpc.StatusCode, error: type) -> None:
    store = BigtableStore("p", "i", patience=PATIENT)
    store.take(0)
    service.requests.clear()
    service.answer = refuse(code, "no")
    with pytest.raises(error) as raised:
        store.commit(0, 0, [])
    assert type(raised.value) is error
    assert len(service.requests) == 1
    store.close()


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_every_attempt_has_time_for_an_answer(chance: float) -> None:
    now, left_s = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def attempt(left: Callable[[], float]) -> None:
        left_s.append(left())
        now[0] += 0.01
        raise TransientStoreError("not now")

    for deadline_s in (2.5, 5.0, 60.0):
        now[0] = 0.0
        with pytest.raises(TransientStoreError):
            Patience(deadline_s, sleep, lambda: now[0], lambda: chance).repeat(attempt)
    assert len(left_s) > 20 and min(left_s) >= 0.6
