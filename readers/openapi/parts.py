"""Owns the parts that descriptions of routes are put together from: parameters, bodies, answers and problems."""

from __future__ import annotations

from typing import Any

from readers.problem import RETRY_AFTER_S

Part = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
WARNING = "daycount-warning"
HEADERS = {
    "etag": {"description": "Stands for this answer; goes back as If-None-Match.", "schema": {"type": "string"}},
    WARNING: {"description": "What to be warned of just now, as in meta.warnings.", "schema": {"type": "string"}},
    "retry-after": {"description": f"Seconds to wait: {RETRY_AFTER_S}.", "schema": {"type": "integer"}},
    "www-authenticate": {"schema": {"type": "string", "const": "Bearer"}},
    "allow": {"description": "The methods that are possible here.", "schema": {"type": "string"}},
    "location": {"description": "Where it is from now on.", "schema": {"type": "string"}},
}  # fmt: skip
PROBLEMS = {
    400: "It can't be answered as asked; `pointer` is the place in the body, or the name of a parameter.",
    401: "There is no API key, or it is not known.",
    403: "The key is for another account, or its role does not allow this.",
    404: "There is no such metric, layer, experiment or account.",
    405: "The definitions are a file here, and can't be changed over HTTP.",
    408: "The body took too long.",
    409: "Something else needs it.",
    412: "It has changed since it was read, or is there already.",
    413: "The body is larger than 1 MiB.",
    415: "The body is said to be something else than JSON, or packed.",
    503: "The store or Redis does not answer, or too many queries are waiting. Try again in a few seconds.",
}
OF_PROBLEM = {401: ("www-authenticate",), 405: ("allow",), 503: ("retry-after",)}
KEY = (401, 403, 503)  # what asking with a key may come to


def ref(kind: str, name: str) -> Part:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Part:
    return ref("schemas", name)


def headers(*names: str) -> Part:
    return {name: ref("headers", name) for name in names}


def json_answer(description: str, of: Part, *named: str, example: Any = None) -> Part:
    """An answer in JSON, with these headers."""
    content = {"schema": of, **({"example": example} if example is not None else {})}
    return {"description": description, "headers": headers(*named), "content": {"application/json": content}}


def cached(description: str, of: Part, example: Any = None) -> Part:
    """200 with its tag, and 304 to who has it."""
    unchanged = {"description": "It is as it was.", "headers": headers("etag", WARNING)}
    return {"200": json_answer(description, of, "etag", WARNING, example=example), "304": unchanged}


def problems(*statuses: int) -> Part:
    """Answers of these statuses as problems."""
    return {str(status): ref("responses", f"problem{status}") for status in sorted(set(statuses))}


def problem_responses() -> Part:
    """The components that `problems` refers to."""
    content = {PROBLEM_TYPE: {"schema": schema("Problem")}}
    return {
        f"problem{status}": {"description": text, "headers": headers(*OF_PROBLEM.get(status, ())), "content": content}
        for status, text in PROBLEMS.items()
    }


def in_query(name: str, description: str, of: Part, *, required: bool = False) -> Part:
    return {"name": name, "in": "query", "description": description, "required": required, "schema": of}


def in_header(name: str, description: str) -> Part:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def body(of: Part, examples: dict[str, Any]) -> Part:
    """A body in JSON, with examples by their names."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {"application/json": {"schema": of, "examples": shown}}}


def array(items: Part, **bounds: int) -> Part:
    return {"type": "array", "items": items, **bounds}


def row(*items: Part) -> Part:
    """An array with exactly these."""
    return {"type": "array", "prefixItems": list(items), "minItems": len(items), "maxItems": len(items)}


def record(required: dict[str, Part], optional: dict[str, Part] | None = None) -> Part:
    """An object with these and nothing else."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def nullable(of: Part) -> Part:
    return {"anyOf": [of, {"type": "null"}]}
