"""The query engine: the JSON of a query in, an `Answer` out. Reads counters, never writes; knows nothing of HTTP."""

from readers.query.answer import Answer
from readers.query.errors import QueryError
from readers.query.run import run_query

__all__ = ["Answer", "QueryError", "run_query"]
