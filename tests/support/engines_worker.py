"""Starts a Beam worker as a task manager asks for it, in the same way as the start program of Beam's images does."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

import grpc
from apache_beam.portability.api import beam_provision_api_pb2 as provision
from apache_beam.portability.api import beam_provision_api_pb2_grpc as provision_grpc
from google.protobuf import json_format, text_format

PYTHON = [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"]
SMALL_JVM = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
JAVA_MAIN = "org.apache.beam.fn.harness.FnHarness"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    parser.add_argument("--classpath")
    # Prism puts quotes around the values, which no shell is there to take away.
    args, _ = parser.parse_known_args([word.replace("'", "") for word in sys.argv[1:]])
    with grpc.insecure_channel(args.provision_endpoint) as channel:
        service = provision_grpc.ProvisionServiceStub(channel)
        info = service.GetProvisionInfo(provision.GetProvisionInfoRequest(), metadata=[("worker_id", args.id)]).info
    told = {
        "WORKER_ID": args.id,
        "HARNESS_ID": args.id,  # that is what Java's worker calls it
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    words = java(args.classpath) if args.classpath else PYTHON
    os.execve(words[0], words, os.environ | told)


def java(classpath: str) -> list[str]:
    program = shutil.which("java")
    assert program, "the job server runs on it too"
    return [program, *SMALL_JVM, "-cp", classpath, JAVA_MAIN]


if __name__ == "__main__":
    main()
