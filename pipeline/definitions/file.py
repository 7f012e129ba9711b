"""Owns definitions files as a whole: every account in them, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definitions.documents import read_file
from pipeline.definitions.validate import examine_account
from pipeline.model.definition import AccountDefinitions, DefinitionError, Snapshot
from pipeline.model.definition_place import quoted
from pipeline.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class Located:
    """One account's document, and how complaints name it."""

    place: str
    document: Any

    def error(self, error: DefinitionError) -> DefinitionError:
        """A complaint about the document, told from outside the file."""
        return DefinitionError(": ".join(filter(None, (self.place, error.path))), error.message, error.parts)


def locate_documents(path: str, account: str | None = None) -> list[Located]:
    """The accounts' documents of a file; `account` takes the place of what the file names."""
    documents = read_file(path)
    if account is not None:
        if len(documents) > 1:
            raise UsageError(f"{path}: it holds {len(documents)} accounts; --account goes with a file of one")
        documents = [
            {**document, "account": account} if isinstance(document, Mapping) else document for document in documents
        ]
    if len(documents) == 1:
        return [Located(path, documents[0])]
    return [Located(f"{path}: {_name(index, document)}", document) for index, document in enumerate(documents)]


def examine_file(path: str, account: str | None = None) -> tuple[list[AccountDefinitions], list[DefinitionError]]:
    """The accounts of a file as far as they are valid, and everything that is wrong with them."""
    accounts: dict[str, AccountDefinitions] = {}
    errors: list[DefinitionError] = []
    for located in locate_documents(path, account):
        definitions, found = examine_account(located.document)
        errors += map(located.error, found)
        if definitions is None:
            continue
        if definitions.account in accounts:
            errors.append(located.error(DefinitionError("account", "written twice; make one document of the two")))
        accounts[definitions.account] = definitions
    return list(accounts.values()), errors


def load_file(path: str) -> Snapshot:
    """All accounts of a file. Raises the first DefinitionError: a file is right as a whole, or not taken."""
    accounts, errors = examine_file(path)
    if errors:
        raise errors[0]
    return Snapshot.of(accounts)


def _name(index: int, document: Any) -> str:
    account = document.get("account") if isinstance(document, Mapping) else None
    return account if isinstance(account, str) and account.isprintable() else f"documents[{index}] {quoted(account)}"
