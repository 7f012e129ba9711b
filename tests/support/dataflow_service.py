"""Owns a stand-in for what a launch on Dataflow talks to: the jobs' API, Google's sign-in, and a bucket.

The bucket is an emulator of Cloud Storage. For Dataflow itself there is none: this takes jobs as its REST API does, keeps
them to be looked at, and runs nothing.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from apache_beam.portability.api import beam_runner_api_pb2
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.support.ports import free_port

PROJECT, REGION, BUCKET = "test-project", "europe-west1", "daycount-jobs"
ENDPOINT = "http://dataflow-sandbox.test"  # Beam speaks REST to a sandbox, and to all others gRPC
_JOBS = re.compile(rf"{ENDPOINT}/v1b3/projects/{PROJECT}/locations/{REGION}/jobs")
_SIGN_IN = "/token"


class DataflowService:
    """Takes jobs, by launchers that `environment` and `words` lead here. `jobs`: as they came, newest last.

    refusal: a status and message that the next jobs are answered with.
    """

    def __init__(self, folder: Path) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.running: list[dict[str, str]] = []
        self.refusal: tuple[int, str] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._url = f"http://127.0.0.1:{self._server.server_port}"
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()
        self._key = folder / "key.json"
        self._key.write_text(json.dumps(_service_account(f"{self._url}{_SIGN_IN}")))
        self._storage_url = f"http://127.0.0.1:{free_port()}"
        host, _, port = self._storage_url.removeprefix("http://").partition(":")
        self._storage = create_server(host, int(port), in_memory=True, default_bucket=BUCKET)
        self._storage.start()

    def environment(self) -> dict[str, str]:
        """Variables for a launcher."""
        proxied = {"http_proxy": self._url, "no_proxy": "127.0.0.1,localhost"}
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(self._key), "STORAGE_EMULATOR_HOST": self._storage_url, **proxied}

    def words(self) -> list[str]:
        """Options of `daycount run`."""
        return [
            *("--runner", "DataflowRunner", "--project", PROJECT, "--region", REGION),
            *("--temp_location", f"gs://{BUCKET}/temp", "--staging_location", f"gs://{BUCKET}/staging"),
            *("--dataflow_endpoint", ENDPOINT),
        ]

    def staged(self) -> dict[str, bytes]:
        """What launches left in the bucket, by path."""
        with self._client() as client:
            return {blob.name: blob.download_as_bytes() for blob in client.list_blobs(BUCKET)}

    def graphs(self) -> list[beam_runner_api_pb2.Pipeline]:
        """The jobs' graphs, as workers get them."""
        staged = self.staged()
        return [beam_runner_api_pb2.Pipeline.FromString(staged[_graph_of(job)]) for job in self.jobs]

    def _client(self) -> storage.Client:
        endpoint = {"api_endpoint": self._storage_url}
        return storage.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=endpoint)

    def close(self) -> None:
        self._storage.stop()
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()

    def take(self, job: dict[str, Any]) -> dict[str, Any]:
        self.jobs.append(job)
        return {**job, "id": f"job-{len(self.jobs)}", "projectId": PROJECT, "location": REGION}


def _graph_of(job: dict[str, Any]) -> str:
    place: str = job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]
    return place.removeprefix(f"gs://{BUCKET}/")


def _service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    named = {"client_email": f"launcher@{PROJECT}.iam.gserviceaccount.com", "project_id": PROJECT}
    return {"type": "service_account", "private_key_id": "1", "private_key": pem, "token_uri": token_uri, **named}


def _handler(service: DataflowService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if _JOBS.match(self.path):
                self._answer(200, {"jobs": service.running})
            else:
                self._answer(404, {"error": {"message": self.path}})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == _SIGN_IN:
                self._answer(200, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
            elif not _JOBS.match(self.path):
                self._answer(404, {"error": {"message": self.path}})
            elif service.refusal:
                code, message = service.refusal
                self._answer(code, {"error": {"code": code, "message": message}})
            else:
                self._answer(200, service.take(json.loads(body)))

        def _answer(self, code: int, body: dict[str, Any]) -> None:
            said = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
