"""The Flex Template: its description says what the command takes, and its launcher and workers start as they should."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import re
import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import click
import pytest
import requests
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.run_command import run
from tests.support.deploy import BEAMS, DEPLOY, parsed, script

GIVEN = {  # a parameter, and a value as people would type it
    "input": "pubsub://shop/daycount",
    "store": "bigtable://shop/daycount?profile=pipeline&prefix=a-",
    "definitions": "rediss://:secret@10.0.0.3:6378/0",
    "account": "acme",
    "rejects": "pubsub://shop/daycount-rejects",
    "refresh_s": "2.5",
    "shards": "64",
    "dedup_days": "14",
    "held_mb": "256",
    "sdk_container_image": "europe-docker.pkg.dev/shop/daycount/daycount-dataflow:1.0",
}
LAUNCHERS_OWN = ["--project=shop", "--region=europe-west1", "--template_location=gs://b/staging/template_launches/1/job"]
SECRET = "projects/shop/secrets/daycount-visitor-key/versions/1"


def metadata() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "dataflow" / "metadata.json").read_text())
    return found


def test_the_description_is_what_the_script_makes_of_the_commands_options() -> None:
    with script("dataflow/make_metadata.py") as made:
        assert metadata() == made.metadata(), "make -C deploy metadata"


def test_every_option_of_the_command_is_a_parameter_or_left_out_for_a_reason() -> None:
    flags = {p.opts[0] for p in run.params if isinstance(p, click.Option)}
    named = {"--" + p["name"].replace("_", "-") for p in metadata()["parameters"]} - {"--sdk-container-image"}
    with script("dataflow/make_metadata.py") as made:
        assert named | made.LEFT_OUT.keys() == flags
        assert not named & made.LEFT_OUT.keys()


@pytest.mark.parametrize("parameter", metadata()["parameters"], ids=lambda p: p["name"])
def test_a_parameter_takes_what_people_type_and_refuses_nonsense(parameter: dict[str, Any]) -> None:
    [regex] = parameter["regexes"]
    assert re.fullmatch(regex, GIVEN[parameter["name"]])
    assert not re.fullmatch(regex, "")
    assert not re.fullmatch(regex, "?!")
    assert parameter["helpText"].endswith(".")


def test_it_streams_in_both_modes() -> None:
    found = metadata()
    assert found["streaming"] and found["supportsExactlyOnce"] and found["supportsAtLeastOnce"]
    assert found["defaultStreamingMode"] in ("EXACTLY_ONCE", "AT_LEAST_ONCE")


def test_parameters_become_the_commands_options() -> None:
    words = [*(f"--{name}={value}" for name, value in GIVEN.items()), *LAUNCHERS_OWN]
    with script("dataflow/main.py") as main:
        context = parsed(main.command(words, main.ours()))
    assert context.params["inputs"] == (GIVEN["input"],)
    assert context.params["store_url"] == GIVEN["store"]
    assert context.params["definitions_url"] == GIVEN["definitions"]
    assert context.params["rejects"] == GIVEN["rejects"]
    assert (context.params["shards"], context.params["refresh_s"], context.params["dedup_days"]) == (64, 2.5, 14)
    assert context.params["follow"] and context.params["runner"] == "DataflowRunner"
    assert set(context.params["beam"]) == {*LAUNCHERS_OWN, f"--sdk_container_image={GIVEN['sdk_container_image']}"}


def test_a_parameter_that_was_left_empty_is_as_good_as_absent() -> None:
    words = [f"--{name}={'' if name in ('account', 'shards') else value}" for name, value in GIVEN.items()]
    with script("dataflow/main.py") as main:
        context = parsed(main.command(words, main.ours()))
    assert context.params["account"] is None and context.params["shards"] is None


def test_no_parameter_can_choose_another_runner() -> None:
    with script("dataflow/main.py") as main:
        assert (
            parsed(main.command([*(f"--{n}={v}" for n, v in GIVEN.items()), "--runner=DirectRunner"], main.ours())).params[
                "runner"
            ]
            == "DataflowRunner"
        )


def test_secrets_are_read_into_variables_that_are_not_set() -> None:
    with script("dataflow/secret_environment.py") as secrets:
        environ = {"DAYCOUNT_VISITOR_KEY_SECRET": "a", "DAYCOUNT_DEFINITIONS_SECRET": "b", "DAYCOUNT_DEFINITIONS": "set"}
        secrets.fill(environ, {"a": "key"}.__getitem__)
        assert (environ["DAYCOUNT_VISITOR_KEY"], environ["DAYCOUNT_DEFINITIONS"]) == ("key", "set")
        nothing = {"DAYCOUNT_VISITOR_KEY_SECRET": ""}
        secrets.fill(nothing, {}.__getitem__)
        assert "DAYCOUNT_VISITOR_KEY" not in nothing


@pytest.fixture
def service() -> Iterator[str]:
    """Answers as Secret Manager does: `SECRET` is known, everything else isn't."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == f"/v1/{SECRET}:access"
            body = {"payload": {"data": base64.b64encode("kæy".encode()).decode()}} if known else {"error": "denied"}
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_secret_is_read_as_the_service_gives_it_and_one_that_may_not_be_read_is_an_error(service: str) -> None:
    with script("dataflow/secret_environment.py") as secrets, requests.Session() as session:
        assert secrets.read_secret(SECRET, session, service) == "kæy"
        with pytest.raises(requests.HTTPError, match="403"):
            secrets.read_secret(SECRET + "2", session, service)


def test_a_worker_starts_beams_own_start_with_its_secrets_and_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: started.append((path, words)))
    monkeypatch.setenv("DAYCOUNT_VISITOR_KEY_SECRET", "")
    monkeypatch.setattr("sys.argv", ["boot.py", "--id=1", "--worker_pool"])
    monkeypatch.syspath_prepend(str(DEPLOY / "dataflow"))
    runpy.run_path(str(DEPLOY / "dataflow" / "boot.py"), run_name="__main__")
    assert started == [("/opt/apache/beam/boot", ["/opt/apache/beam/boot", "--id=1", "--worker_pool"])]


def test_beam_has_its_options_that_are_used() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        with contextlib.suppress(argparse.ArgumentError):  # two of them may share an option
            options._add_argparse_args(parser)
    assert set(parser._option_string_actions) >= BEAMS
