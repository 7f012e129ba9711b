"""Which stream of which Redis an `--input` names, and how it is read: `redis://HOST:PORT/DB?stream=NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipeline.definitions.connection import address
from pipeline.model.errors import UsageError

OURS = ("stream", "group", "consumer", "trim")  # the rest of the query is the client's: timeouts, certificates
NAME_DEFAULT = "daycount"
_WRITE = "write redis://HOST:PORT/DB?stream=NAME"


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """`server`: the URL without what is ours, with its password. `trim`: entries are deleted when acknowledged."""

    server: str
    stream: str
    group: str = NAME_DEFAULT
    consumer: str = NAME_DEFAULT
    trim: bool = False

    @classmethod
    def parse(cls, url: str) -> StreamUrl:
        """Raises UsageError for what is missing, doubled or no choice."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise UsageError(f"--input redis://: the URL is wrong ({error}); {_WRITE}") from None
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        given = {key: value for key, value in pairs if key in OURS}
        _check(f"--input Redis at {address(url)}", given, doubled=sum(key in OURS for key, _ in pairs) > len(given))
        server = urlunsplit(parts._replace(query=urlencode([pair for pair in pairs if pair[0] not in OURS])))
        group, consumer = given.get("group", NAME_DEFAULT), given.get("consumer", NAME_DEFAULT)
        return cls(server, given["stream"], group, consumer, given.get("trim") == "1")

    def __str__(self) -> str:
        """For people: without a password."""
        return f"stream {self.stream} of Redis at {address(self.server)}"


def _check(shown: str, given: Mapping[str, str], doubled: bool) -> None:
    if doubled:
        raise UsageError(f"{shown}: {', '.join(OURS)} may each be said once; {_WRITE}")
    if not given.get("stream"):
        raise UsageError(f"{shown}: name the stream; {_WRITE}")
    for key in (key for key, value in given.items() if not value):
        raise UsageError(f"{shown}: {key}= says nothing; name it, or leave it out")
    if given.get("trim", "0") not in ("0", "1"):
        raise UsageError(f"{shown}: write trim=1 to delete entries once they are counted, or leave it out")
