"""Terraform's files: formatted, of arguments that the provider has, and of the names that the programs have.

`terraform validate` needs the provider, which is downloaded; what it knows of the resources used here stands in
`google_provider.json` (see `tests/support/provider_schema.py`). `make -C deploy validate` asks the real one.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import hcl2
import pytest
from hcl2.utils import SerializationOptions

from pipeline.definitions.connection import connect
from pipeline.model.layout import TABLES
from pipeline.store.bigtable.connect import PREFIX
from pipeline.store.bigtable.unit import FAMILY
from tests.support.deploy import DEPLOY, parsed, read_by_the_programs, tool
from tests.support.provider_schema import CUT, TERRAFORM, Shape, used

PLAIN = SerializationOptions(strip_string_quotes=True, with_comments=False, explicit_blocks=False)
TERRAFORMS_OWN = {"for_each", "count", "provider", "depends_on", "lifecycle"}
FILES = sorted(TERRAFORM.glob("*.tf"))
TEXT = "\n".join(p.read_text() for p in FILES)
README = (TERRAFORM / "README.md").read_text()
EXPRESSION = re.compile(r"\$\{[^{}]*\}")
SHAPES: dict[str, Shape] = json.loads(CUT.read_text())

Body = dict[str, Any]


def parts(kind: str) -> Iterator[Any]:
    """All blocks of one kind, of all files."""
    for path in FILES:
        with path.open() as file:
            yield from hcl2.load(file, serialization_options=PLAIN).get(kind, [])


def resources() -> Iterator[tuple[str, str, Body]]:
    """Their kind (`data.KIND` of those that are only read), name and body."""
    for what in ("resource", "data"):
        for part in parts(what):
            for kind, bodies in part.items():
                for name, body in bodies.items():
                    yield kind if what == "resource" else f"data.{kind}", name, body


def resource(type_: str, name: str) -> Body:
    return next(body for t, n, body in resources() if (t, n) == (type_, name))


def local(name: str) -> Any:
    return next(part[name] for part in parts("locals") if name in part)


def named(kind: str) -> dict[str, Body]:
    return {name: body for part in parts(kind) for name, body in part.items()}


def test_the_formatter_would_change_nothing() -> None:
    done = subprocess.run(
        [tool("terraform"), "fmt", "-check", "-diff", TERRAFORM], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("at", list(resources()), ids=lambda r: f"{r[0]}.{r[1]}")
def test_the_provider_has_all_arguments_and_gets_those_it_needs(at: tuple[str, str, Body]) -> None:
    type_, _, body = at
    assert list(wrong(body, SHAPES[type_], type_)) == []


def wrong(body: Body, shape: Shape, place: str) -> Iterator[str]:
    dynamic = {name: one["content"][0] for part in body.get("dynamic", []) for name, one in part.items()}
    given = {**{name: value for name, value in body.items() if name != "dynamic"}, **{n: [c] for n, c in dynamic.items()}}
    for name, value in given.items():
        known = shape.get(name)
        if name in TERRAFORMS_OWN:
            continue
        if known is None or known == "computed":
            yield f"{place} has no argument {name}"
        elif isinstance(known, dict):
            if known["max"] and len(value) > known["max"]:
                yield f"{place}.{name} may stand there {known['max']} times"
            for one in value:
                yield from wrong(one, known["of"], f"{place}.{name}")
    for name, known in shape.items():
        if name not in given and (known == "required" or (isinstance(known, dict) and known["min"])):
            yield f"{place} needs {name}"


def test_a_wrong_argument_is_found_out() -> None:
    topic = resource("google_pubsub_topic", "events")
    assert list(wrong({**topic, "retention": "1s"}, SHAPES["google_pubsub_topic"], "it")) == ["it has no argument retention"]
    assert list(wrong({}, SHAPES["google_pubsub_topic"], "it")) == ["it needs name"]


def test_what_is_known_of_the_provider_is_what_is_used() -> None:
    assert SHAPES.keys() == used()


def test_every_name_that_is_referred_to_is_declared() -> None:
    there = {f"{type_}.{name}" for type_, name, _ in resources()}
    assert set(re.findall(r"(?<![\w\".])((?:data\.)?google_\w+\.\w+)", TEXT)) <= there
    assert set(re.findall(r"\bvar\.(\w+)", TEXT)) == named("variable").keys(), "declared and used are not the same"
    locals_ = {name for part in parts("locals") for name in part}
    assert set(re.findall(r"\blocal\.(\w+)", TEXT)) == locals_


def test_what_is_read_of_a_resource_is_there() -> None:
    for type_, attribute in re.findall(r"(?<![\w\".])((?:data\.)?google_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)", TEXT):
        assert attribute in SHAPES[type_] or attribute == "id", f"{type_} has no {attribute}"


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_every_variable_and_output_is_described_here_and_in_the_readme(kind: str) -> None:
    found = named(kind)
    assert found
    assert [name for name, body in found.items() if not str(body.get("description", "")).endswith(".")] == []
    assert [name for name in found if f"`{name}`" not in README] == []


def test_tables_family_and_collection_of_garbage_are_the_stores() -> None:
    assert local("tables") == list(TABLES)
    assert local("family") == FAMILY
    table = resource("google_bigtable_table", "of_store")
    assert [f["family"] for f in table["column_family"]] == ["${local.family}"]
    policy = resource("google_bigtable_gc_policy", "one_version")
    assert policy["max_version"] == [{"number": 1}]
    assert not {"max_age", "gc_rules"} & policy.keys(), "cells' timestamps aren't times"


def test_whoever_commits_goes_to_one_cluster_in_transactions() -> None:
    routing = resource("google_bigtable_app_profile", "by_use")["single_cluster_routing"][0]
    assert routing["allow_transactional_writes"] == "${each.value}"
    assert local("uses")["pipeline"] is True


def test_a_prefix_that_terraform_takes_is_one_that_the_store_takes() -> None:
    condition = named("variable")["table_prefixes"]["validation"][0]["condition"]
    pattern = re.search(r'regex\("(\^.*\$)"', condition)
    assert pattern
    for prefix in ("", "r1-", "a" * 41, "a" * 42, "-a", "a/b", "_x.y"):
        assert bool(re.fullmatch(pattern[1], prefix)) == bool(PREFIX.fullmatch(prefix)), prefix


def test_the_job_gets_parameters_that_its_template_takes() -> None:
    given = resource("google_dataflow_flex_template_job", "counts")["parameters"]
    described = {p["name"]: p for p in json.loads((DEPLOY / "dataflow" / "metadata.json").read_text())["parameters"]}
    assert given.keys() <= described.keys()
    assert [name for name, p in described.items() if not p["isOptional"] and name not in given] == []
    for name, value in given.items():
        assert re.fullmatch(described[name]["regexes"][0], filled(name, value)), f"{name}={value}"


def filled(name: str, value: str) -> str:
    """A value as it might come out."""
    known = {"store": "bigtable://p/i?profile=pipeline&prefix=r1-", "shards": "32", "dedup_days": "8"}
    return known.get(name) or EXPRESSION.sub("x", value)


def test_services_run_commands_that_exist_at_the_port_that_is_asked() -> None:
    for name, service in local("run").items():
        words = [EXPRESSION.sub("x", str(word)).replace("local.stores", "bigtable://p/i") for word in service["args"]]
        words = [
            "bigtable://p/i?profile=readers" if "stores" in str(w) else v
            for w, v in zip(service["args"], words, strict=True)
        ]
        context = parsed([*words, "--definitions", "redis://localhost/0"])
        assert words[0] == name
        assert context.params["port"] == service["port"]
        assert context.params["host"] == "0.0.0.0"
        assert set(service["secrets"]) <= local("secret_env").keys()


def test_the_programs_read_the_variables_that_are_set() -> None:
    assert set(local("secret_env")) <= read_by_the_programs()


def test_the_url_of_redis_is_one_that_the_programs_take() -> None:
    form = re.search(r'"(rediss://[^"]*)"', TEXT)
    assert form
    authority = "-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n"
    url = form[1] % ("0f-secret", "10.0.0.3", 6378, quote_plus(authority))
    given = connect(url).connection_pool.connection_kwargs
    assert (given["host"], given["port"], given["password"]) == ("10.0.0.3", 6378, "0f-secret")
    assert given["ssl_ca_data"] == authority
    assert given["ssl_check_hostname"] is False


def test_alerts_send_people_to_sections_that_the_runbook_has() -> None:
    sections = set(re.findall(r"^## (.+)$", (DEPLOY / "runbook.md").read_text(), re.MULTILINE))
    assert {one["runbook"] for one in local("watched").values()} <= sections


def test_no_account_has_a_role_over_everything() -> None:
    roles = set(re.findall(r"roles/[\w.]+", TEXT))
    assert not {r for r in roles if r.endswith((".admin", "/owner", "/editor", "/viewer"))}
    projectwide = resource("google_project_iam_member", "works")["for_each"]
    assert set(re.findall(r"roles/[\w.]+", projectwide)) == {"roles/dataflow.worker", "roles/monitoring.metricWriter"}
