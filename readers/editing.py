"""Owns changes of definitions from outside: one metric, layer or experiment put or deleted, by the mechanism of
`daycount define`.

What may be written is judged there, in one transaction with what is stored at that moment. Here is what an editor over
HTTP adds: which change it expects to be the last one, and the errors of that protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pipeline.definitions.connection import DefinitionsUnavailable, connect
from pipeline.definitions.file import Located
from pipeline.definitions.history import read_history
from pipeline.definitions.plan import Report
from pipeline.definitions.plan_deletion import InUse, NotThere
from pipeline.definitions.pointer import pointer_of
from pipeline.definitions.push import delete, push
from pipeline.model.definition import AccountDefinitions, DefinitionError, Metric
from pipeline.model.definition_digest import digest_of
from pipeline.model.errors import UsageError
from pipeline.model.experiment import Experiment, Layer
from readers.problem import LOG, Problem, unavailable

# What a definition is shown with beyond what it says: whoever edits what was shown and puts it back need not take it out.
SHOWN_ONLY = ("account", "timezone", "revision", "epoch", "epochs", "history", "outcome", "before", "fields", "notes")
METRIC, LAYER, EXPERIMENT = "metric", "layer", "experiment"
HISTORY_READ_MAX = 1_000  # changes of the account, to show those of one definition

Definition = Metric | Layer | Experiment


def found(definitions: AccountDefinitions | None, kind: str, item_id: str) -> Definition | None:
    """The definition of this kind and id, if it is there."""
    if definitions is None:
        return None
    known: Mapping[str, Mapping[str, Definition]] = {
        METRIC: definitions.metrics,
        LAYER: definitions.layers,
        EXPERIMENT: definitions.experiments,
    }
    return known[kind].get(item_id)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the definition is expected to be: tags of `If-Match` and `If-None-Match`, None where the header is absent."""

    match: frozenset[str] | None
    none_match: frozenset[str] | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Expected:
        """From a request's headers."""
        return cls(_tags(headers.get("if-match")), _tags(headers.get("if-none-match")))

    def check(self, definition: Definition | None, kind: str) -> None:
        """Raises Problem (412) where the definition is something else by now."""
        tag = None if definition is None else tag_of(definition)
        if self.match is not None and (tag is None or not self.match & {tag, "*"}):
            raise Problem(412, f"the {kind} has changed since it was read: read it again, and change that")
        if self.none_match is not None and tag is not None and self.none_match & {tag, "*"}:
            raise Problem(412, f"the {kind} is there already")


def tag_of(definition: Definition) -> str:
    """Stands for a definition in an `ETag`: what an editor's change rests on."""
    if isinstance(definition, Layer):
        return digest_of(definition.document())
    epochs = {"epoch": definition.epoch.document()} if isinstance(definition, Experiment) else {}
    return digest_of({**definition.document(), "revision": definition.revision, **epochs})


@dataclass(frozen=True, slots=True)
class Address:
    """Which definition is meant, and who means it."""

    account: str
    kind: str
    id: str
    by: str = ""


class Editor:
    """Changes definitions in the Redis at a URL. Its methods block: call them in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, address: Address, written: Any, expected: Expected) -> Report:
        """Push one definition. Raises Problem (400, 412, 503). **Retry:** harmless; what is there is `unchanged`."""
        kind, account = address.kind, address.account
        document = _document(address, written)
        located = Located("", {"account": account, f"{kind}s": [document]})

        def expect(stored: AccountDefinitions) -> None:
            expected.check(found(stored, kind, address.id), kind)

        try:
            (report,) = push(self._url, [located], expect, address.by)
        except DefinitionError as error:
            raise _refusal(error, document, kind) from None
        except UsageError as error:
            raise _unavailable(error) from None
        return report

    def delete(self, address: Address, expected: Expected) -> Report:
        """Delete one definition. Raises Problem (404, 409, 412, 503). **Retry:** 404, for it is gone."""
        kind = address.kind

        def expect(stored: AccountDefinitions) -> None:
            expected.check(found(stored, kind, address.id), kind)

        try:
            return delete(self._url, address.account, (f"{kind}:{address.id}",), expect, address.by)
        except NotThere:
            raise missing(address.account, kind, address.id) from None
        except InUse as error:
            raise Problem(409, str(error), title="It is needed") from None
        except UsageError as error:
            raise _unavailable(error) from None

    def history(self, account: str, kind: str, item_id: str) -> list[dict[str, Any]]:
        """What was done to a definition, by whom and when, oldest first, as far as the account's last changes tell.
        Raises UsageError.
        """
        with closing(connect(self._url)) as client:
            entries = read_history(client, self._url, account, HISTORY_READ_MAX)
        return [{k: v for k, v in entry.items() if k != kind} for entry in entries if entry.get(kind) == item_id]


def missing(account: str, kind: str, item_id: str) -> Problem:
    """404, in the same words wherever it is noticed."""
    return Problem(404, f"account {account} has no {kind} {item_id!r}")


def _document(address: Address, written: Any) -> dict[str, Any]:
    """The definition that is meant, from what is written. Raises Problem (400)."""
    if not isinstance(written, Mapping):
        raise Problem(400, f"the body must be {_A[address.kind]}", pointer="")
    if written.get("account", address.account) != address.account:
        detail = f"the body is of another account than {address.account}; leave account out"
        raise Problem(400, detail, pointer="/account")
    document = {"id": address.id, **{key: value for key, value in written.items() if key not in SHOWN_ONLY}}
    if document["id"] != address.id:
        raise Problem(400, f"the body's id is not {address.id}, the address's; leave it out", pointer="/id")
    return document


_A = {
    METRIC: "a metric, a JSON object with where and measures",
    LAYER: "a layer, a JSON object with buckets",
    EXPERIMENT: "an experiment, a JSON object with layer, status, variations, exposure and goals",
}


def _refusal(error: DefinitionError, document: Any, kind: str) -> Problem:
    if not error.path.startswith(f"{kind}s[0]"):  # how the document's only definition is labelled in complaints
        return Problem(400, str(error), pointer="")
    place = error.path.partition(": ")[2]
    detail = f"{place}: {error.message}" if place else error.message
    title = (
        "This definition can't be counted" if kind == METRIC else f"The {kind} {document['id']} can't be as it is written"
    )
    return Problem(400, detail, pointer=pointer_of(document, error.parts), title=title)


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
