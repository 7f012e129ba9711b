"""Owns how Redis is reached: bounded waiting, no retries, errors that name the server and the cure (no password)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.model.errors import UsageError

REDIS_SCHEMES = ("redis", "rediss", "unix")
_TIMEOUT_S = 3.0


class DefinitionsUnavailable(UsageError):
    """Definitions cannot be read now. Whoever holds a snapshot goes on with it."""


def connect(url: str) -> redis.Redis:
    """A client for `redis://`, `rediss://` or `unix://`. Only refuses a wrong URL: it connects at its first command."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"the URL of Redis is wrong ({error}); write redis://HOST:PORT/DB") from None
    database = parts.path.strip("/")
    if parts.scheme != "unix" and database and not database.isdecimal():
        raise UsageError(f"Redis at {address(url)}: {database} is not a database; write redis://HOST:PORT/DB, DB a number")
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        client.connection_pool.make_connection()  # refuses an unknown option of the URL; does not connect
    except (ValueError, TypeError) as error:
        reason = str(error).rpartition("argument ")[2]
        raise UsageError(f"Redis at {address(url)}: the URL is wrong ({reason}); write redis://HOST:PORT/DB") from None
    return client


def address(url: str) -> str:
    """Where a URL leads, without what is secret in it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return unquote(parts.path)
    server = parts.netloc.rpartition("@")[2] or "localhost"
    return server if ":" in server.rpartition("]")[2] else f"{server}:6379"


@contextmanager
def naming_the_server(url: str) -> Iterator[None]:
    """Turns what the client raises into one line about this server."""
    try:
        yield
    except (redis.RedisError, OSError, UnicodeError) as error:
        raise DefinitionsUnavailable(f"Redis at {address(url)} {_complaint(error)}") from error


def _complaint(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, (redis.AuthenticationError, redis.exceptions.NoPermissionError)):
        return f"refuses the login ({text}); write the URL as redis://USER:PASSWORD@HOST:PORT/DB"
    if isinstance(error, redis.BusyLoadingError):
        return "is still loading its data; try again in a moment"
    if isinstance(error, redis.ResponseError):
        return f"refuses the command ({text}); check the URL and the server's settings"
    return f"cannot be reached ({text}); start it, or correct the URL"
