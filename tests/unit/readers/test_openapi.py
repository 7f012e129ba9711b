"""The document of the API says what the routes are, and its page asks nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from pipeline.store.sqlite import SqliteStore
from readers.app import ROUTES
from readers.auth import NoAuth
from readers.openapi import document
from readers.query import limits
from readers.routes import page
from readers.routes.docs import FILES
from tests.support.http_client import TestClient
from tests.unit.readers.test_http import QUERY, open_house

METHODS = ("get", "put", "post", "delete", "patch")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with open_house(SqliteStore(tmp_path / "numbers.db"), NoAuth(), "acme").client as client:
        yield client


def test_the_document_has_every_route_with_every_method_and_no_other() -> None:
    shown = [r for r in ROUTES if isinstance(r, Route) and r.include_in_schema and r not in page.ROUTES]
    routes = {(r.path, method) for r in shown for method in (r.methods or ()) if method != "HEAD"}
    paths: dict[str, Any] = document()["paths"]
    assert {(path, method.upper()) for path, of in paths.items() for method in of if method in METHODS} == routes


def test_its_schemas_are_json_schema_and_every_reference_leads_somewhere() -> None:
    whole = document()
    for schema in whole["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for kind, name in re.findall(r"'#/components/(\w+)/(\w[\w-]*)'", str(whole)):
        assert name in whole["components"][kind], f"{kind}/{name}"
    names = [of["operationId"] for path in whole["paths"].values() for m, of in path.items() if m in METHODS]
    assert len(names) == len(set(names))


def test_bounds_are_those_of_the_query() -> None:
    fields = document()["components"]["schemas"]["Query"]["properties"]
    assert fields["metrics"]["maxItems"] == limits.METRICS_MAX
    assert fields["limit"]["anyOf"][0]["maximum"] == limits.LIMIT_MAX


def test_the_document_is_served_with_a_tag(client: TestClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.json() == document() and answer.json()["openapi"] == "3.1.0"
    assert client.get("/openapi.json", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_its_examples_are_of_the_form_it_describes() -> None:
    schemas = document()["components"]["schemas"]
    post = document()["paths"]["/v1/query"]["post"]["requestBody"]["content"]["application/json"]
    for example in [*(one["value"] for one in post["examples"].values()), QUERY]:
        jsonschema_rs.validate({**schemas["Query"], "components": {"schemas": schemas}}, example)


def test_the_page_loads_only_from_here_and_runs_nothing_of_its_own(client: TestClient) -> None:
    page_ = client.get("/docs")
    policy = page_.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert re.findall(r"<script>|style=| on\w+=", page_.text) == []
    named = re.findall(r'(?:src|href)="(/[^"]*)"', page_.text)
    assert {"/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"} <= set(named)
    for address in [*named, *(f"/docs/{name}" for name in FILES)]:
        assert client.get(address).status_code == 200, address
    plain = client.get("/docs/swagger-ui.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == client.get("/docs/swagger-ui.css").content
    assert client.get("/docs/..%2f__init__.py").status_code == 404
