"""A query that can't be answered as asked."""

from __future__ import annotations

from pipeline.model.errors import UsageError

DETAIL_CHARS_MAX = 2_000  # what was asked is repeated in it, and may be a megabyte


class QueryError(UsageError):
    """`pointer` (JSON pointer) is the place in the query, `detail` says what is wrong there and what would do."""

    def __init__(self, pointer: str, detail: str, title: str = "This query can't be answered") -> None:
        detail = detail if len(detail) <= DETAIL_CHARS_MAX else f"{detail[: DETAIL_CHARS_MAX - 1]}…"
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail
        self.title = title
