"""Owns changes of definitions from outside: one metric put or deleted, by the mechanism of `daycount define`.

What may be written is judged there, in one transaction with what is stored at that moment. Here is what an editor over
HTTP adds: which change it expects to be the last one, and the errors of that protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definitions.connection import DefinitionsUnavailable
from pipeline.definitions.file import Located
from pipeline.definitions.plan import Report
from pipeline.definitions.plan_deletion import NotThere
from pipeline.definitions.pointer import pointer_of
from pipeline.definitions.push import delete, push
from pipeline.model.definition import AccountDefinitions, DefinitionError, Metric
from pipeline.model.definition_digest import digest_of
from pipeline.model.errors import UsageError
from readers.problem import LOG, Problem, unavailable

# What a metric is shown with beyond its definition: whoever edits what was shown and puts it back need not take it out.
SHOWN_ONLY = ("account", "timezone", "revision", "history", "outcome", "before", "notes")
_PUSHED = "metrics[0]"  # how the document's only metric is labelled in complaints


@dataclass(frozen=True, slots=True)
class Expected:
    """What the metric is expected to be: tags of `If-Match` and `If-None-Match`, None where the header is absent."""

    match: frozenset[str] | None
    none_match: frozenset[str] | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Expected:
        """From a request's headers."""
        return cls(_tags(headers.get("if-match")), _tags(headers.get("if-none-match")))

    def check(self, metric: Metric | None) -> None:
        """Raises Problem (412) where the metric is something else by now."""
        tag = None if metric is None else tag_of(metric)
        if self.match is not None and (tag is None or not self.match & {tag, "*"}):
            raise Problem(412, "the metric has changed since it was read: read it again, and change that")
        if self.none_match is not None and tag is not None and self.none_match & {tag, "*"}:
            raise Problem(412, "the metric is there already")


def tag_of(metric: Metric) -> str:
    """Stands for a metric's definition in an `ETag`: what an editor's change rests on."""
    return digest_of({**metric.document(), "revision": metric.revision})


class Editor:
    """Changes definitions in the Redis at a URL. Its methods block: call them in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, account: str, metric_id: str, written: Any, expected: Expected) -> Report:
        """Push one metric. Raises Problem (400, 412, 503). **Retry:** harmless; what is there already is `unchanged`."""
        if not isinstance(written, Mapping):
            raise Problem(400, "the body must be a metric, a JSON object with where and measures", pointer="")
        named = written.get("account", account)
        if named != account:
            raise Problem(400, f"the body is of another account than {account}; leave account out", pointer="/account")
        document = {"id": metric_id, **{key: value for key, value in written.items() if key not in SHOWN_ONLY}}
        if document["id"] != metric_id:
            raise Problem(400, f"the body's id is not {metric_id}, the address's; leave it out", pointer="/id")
        located = Located("", {"account": account, "metrics": [document]})
        try:
            (report,) = push(self._url, [located], lambda stored: expected.check(stored.metrics.get(metric_id)))
        except DefinitionError as error:
            raise _refusal(error, document) from None
        except UsageError as error:
            raise _unavailable(error) from None
        return report

    def delete(self, account: str, metric_id: str, expected: Expected) -> Report:
        """Delete one metric. Raises Problem (404, 412, 503). **Retry:** 404, for it is gone."""

        def expect(stored: AccountDefinitions) -> None:
            expected.check(stored.metrics.get(metric_id))

        try:
            return delete(self._url, account, (metric_id,), expect)
        except NotThere:
            raise Problem(404, f"account {account} has no metric {metric_id!r}") from None
        except UsageError as error:
            raise _unavailable(error) from None


def _refusal(error: DefinitionError, document: Any) -> Problem:
    if not error.path.startswith(_PUSHED):
        return Problem(400, str(error), pointer="")
    place = error.path.partition(": ")[2]
    detail = f"{place}: {error.message}" if place else error.message
    return Problem(400, detail, pointer=pointer_of(document, error.parts), title="This definition can't be counted")


def _unavailable(error: UsageError) -> Problem:
    LOG.error("definitions can't be changed: %s", error)
    if isinstance(error, DefinitionsUnavailable):
        return unavailable("definitions can't be changed just now: Redis does not answer; try again in a few seconds")
    return unavailable("the definitions are being changed by somebody else all the time; try again in a few seconds")


def _tags(header: str | None) -> frozenset[str] | None:
    """The definitions that the tags of a header stand for; behind a dash is what else was shown with them."""
    if header is None:
        return None
    tags = (one.strip().removeprefix("W/").strip('"') for one in header.split(","))
    return frozenset(tag.partition("-")[0] for tag in tags)
