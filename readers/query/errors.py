"""A query that can't be answered as asked."""

from __future__ import annotations

from pipeline.model.errors import UsageError


class QueryError(UsageError):
    """`pointer` (JSON pointer) is the place in the query, `detail` says what is wrong there and what would do."""

    def __init__(self, pointer: str, detail: str, title: str = "This query can't be answered") -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail
        self.title = title
