"""Kubernetes' manifests: what the API server would say, and that they agree with each other and with the programs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deploy import DEPLOY, parsed, read_by_the_programs, tool
from tests.support.missing import missing

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = {name: [d for d in yaml.safe_load_all((FOLDER / name).read_text()) if d] for name in KUSTOMIZATION["resources"]}
OBJECTS = [one for documents in MANIFESTS.values() for one in documents]
OPERATORS = Path("~/.cache/daycount-tests/flink-operator-1.10.0").expanduser()
IN_SECRET = {  # as the README makes it
    "DAYCOUNT_DEFINITIONS": "redis://redis:6379/0",
    "DAYCOUNT_VISITOR_KEY": "k",
    "EVENTS": "redis://redis:6379/0?stream=events&trim=1",
    "REJECTS": "redis://redis:6379/0?stream=rejects",
}
OUR_IMAGES = ("daycount-pipeline", "daycount-serve")
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [one for one in OBJECTS if one["kind"] == kind]


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"] for one in OBJECTS if one["kind"] in ("Deployment", "Job")]


def containers() -> list[dict[str, Any]]:
    return [container for pod in pods() for container in pod["spec"]["containers"]]


def task_managers_pod() -> dict[str, Any]:
    [cluster] = of_kind("FlinkDeployment")
    found: dict[str, Any] = cluster["spec"]["taskManager"]["podTemplate"]["spec"]
    return found


def test_every_manifest_is_applied() -> None:
    settings = {"kustomization.yaml", *KUSTOMIZATION["configurations"]}
    assert {p.name for p in FOLDER.glob("*.yaml")} - settings == MANIFESTS.keys()


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `kubectl apply -k` would send."""
    done = subprocess.run([tool("kubectl"), "kustomize", FOLDER], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    file = tmp_path_factory.mktemp("applied") / "all.yaml"
    file.write_text(done.stdout)
    return file


def test_the_api_server_and_the_operator_would_take_all_of_them(applied: Path) -> None:
    validate = tool("kubectl-validate")
    if not OPERATORS.exists():
        missing(f"the Flink operator's definitions: not in {OPERATORS}; .ci/deploy_tools gets them")
    words = [validate, "--version", "1.30", "--local-crds", OPERATORS, applied]
    # It reads no cluster's configuration: there is none it could ask.
    environ = {**os.environ, "KUBECONFIG": os.devnull}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_image_of_ours_comes_from_the_registry_that_is_named(applied: Path) -> None:
    images = set(re.findall(r"^\s*(?:- )?image: (\S+)", applied.read_text(), re.MULTILINE))
    renamed = {f"{one['newName']}:{one['newTag']}" for one in KUSTOMIZATION["images"]}
    assert {image for image in images if "daycount-" in image} == renamed
    assert all(re.search(r":[\w.-]*\d", image) for image in images)


def test_a_wrong_field_is_found_out(tmp_path: Path) -> None:
    validate = tool("kubectl-validate")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((FOLDER / "serve.yaml").read_text().replace("minReplicas:", "leastReplicas:"))
    done = subprocess.run([validate, "--version", "1.30", wrong], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "leastReplicas" in done.stdout + done.stderr


@pytest.mark.parametrize("container", containers(), ids=lambda c: c["name"])
def test_a_containers_command_is_one_of_ours(container: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    [config] = of_kind("ConfigMap")
    given = {**config["data"], **IN_SECRET, **{e["name"]: e["value"] for e in container.get("env", [])}}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if container["image"] in OUR_IMAGES:
        context = parsed([re.sub(r"\$\((\w+)\)", lambda found: given[found[1]], word) for word in container["args"]])
        ports = [port["containerPort"] for port in container.get("ports", [])]
        assert ports == ([context.params["port"]] if ports else [])


def test_the_programs_read_the_variables_that_are_set() -> None:
    [config] = of_kind("ConfigMap")
    in_arguments = set(re.findall(r"\$\((\w+)\)", "".join(word for c in containers() for word in c["args"])))
    assert {*config["data"], *IN_SECRET} <= read_by_the_programs() | in_arguments
    page = (FOLDER / "README.md").read_text()
    assert set(re.findall(r"--from-literal=(\w+)=", page)) == IN_SECRET.keys()


def test_the_job_asks_for_workers_and_job_server_where_they_are() -> None:
    [submit] = [c for c in containers() if c["name"] == "submit"]
    [workers] = [c for c in task_managers_pod()["containers"] if c["name"] == "workers"]
    [service] = [s for s in of_kind("Service") if s["metadata"]["name"] == "daycount-job-server"]
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    words = dict(word.split("=", 1) for word in submit["args"] if "=" in word)
    assert words["--environment_config"] == f"localhost:{workers['ports'][0]['containerPort']}"
    assert words["--job_endpoint"] == f"daycount-job-server:{ports['jobs']}"
    assert words["--artifact_endpoint"] == f"daycount-job-server:{ports['artifacts']}"
    assert workers["args"] == ["--worker_pool"] and {"secretRef": {"name": "daycount"}} in workers["envFrom"]


def test_nobody_is_root_and_nobody_writes_to_an_image() -> None:
    for pod in pods():
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert [c["name"] for c in pod["spec"]["containers"] if c["securityContext"] != RESTRICTED] == []
    assert all(c["securityContext"]["allowPrivilegeEscalation"] is False for c in task_managers_pod()["containers"][1:])


def test_all_that_is_selected_is_there() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods()]
    selectors = [s["spec"]["selector"] for s in of_kind("Service")]
    for kind in ("PodDisruptionBudget", "Deployment"):
        selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(kind)]
    assert len(selectors) > 5
    assert [s for s in selectors if not any(s.items() <= label.items() for label in labels)] == []
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind("HorizontalPodAutoscaler")}
    assert scaled == {"daycount-serve", "daycount-collect"}
    assert scaled <= {one["metadata"]["name"] for one in of_kind("Deployment")}
    accounts = {one["metadata"]["name"] for one in of_kind("ServiceAccount")}
    assert {pod["spec"]["serviceAccountName"] for pod in pods()} <= accounts


def test_memory_is_bounded_everywhere() -> None:
    everywhere = [*containers(), *(c for c in task_managers_pod()["containers"] if "image" in c)]
    assert [c["name"] for c in everywhere if "memory" not in c["resources"].get("limits", {})] == []
