"""Which topic an `--input` names, and how its cluster is reached: `kafka://[USER:PASSWORD@]HOST:PORT[,…]/TOPIC[?…]`.

Owns which of the client's settings may be given, by the client's own names. Those that decide what is acknowledged, and
those by which the client would run or write something, can't.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from pipeline.model.errors import UsageError

GROUP_DEFAULT = "daycount"
ALLOWED = (
    "client.id",
    "client.rack",
    "fetch.wait.max.ms",
    "group.instance.id",
    "isolation.level",
    "max.poll.interval.ms",
    "sasl.mechanism",
    "security.protocol",
    "session.timeout.ms",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
)
_URL = re.compile(r"kafka://(?:(?P<login>[^/?#]*)@)?(?P<servers>[^/?#@]+)/(?P<topic>[^/?#]+)/?(?:\?(?P<query>[^#]*))?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # what Kafka takes
_SERVER = re.compile(r"(?:[^:,\[\]\s]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
_WRITE = "write kafka://HOST:PORT/TOPIC"


@dataclass(frozen=True, slots=True)
class KafkaUrl:
    """`servers`: HOST:PORT, any of the cluster's, with commas between. `settings`: of the client, with its password."""

    servers: str
    topic: str
    group: str = GROUP_DEFAULT
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, url: str) -> KafkaUrl:
        """Raises UsageError for what is missing, doubled or not to be set."""
        found = _URL.fullmatch(url)
        if found is None:
            raise UsageError(f"--input kafka://: the URL is wrong; {_WRITE}")
        servers, topic = found["servers"], unquote(found["topic"])
        shown = f"--input kafka://{servers}/{topic}"
        for server in servers.split(","):
            if not _SERVER.fullmatch(server):
                raise UsageError(f"{shown}: {server or 'a comma'} is no HOST:PORT; {_WRITE}")
        if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
            raise UsageError(f"{shown}: a topic's name has letters, digits, dots, - and _; correct it")
        pairs = parse_qsl(found["query"] or "", keep_blank_values=True)
        given = dict(pairs)
        _check(shown, given, doubled=len(pairs) > len(given))
        group = given.pop("group", GROUP_DEFAULT)
        return cls(servers, topic, group, {**_login(shown, found["login"]), **given})

    def __str__(self) -> str:
        """For people: without a password."""
        return f"topic {self.topic} of Kafka at {self.servers}"


def _check(shown: str, given: Mapping[str, str], doubled: bool) -> None:
    if doubled:
        raise UsageError(f"{shown}: each setting may be said once")
    for name, value in given.items():
        if name in ("sasl.username", "sasl.password"):
            raise UsageError(f"{shown}: write the login as kafka://USER:PASSWORD@HOST:PORT/TOPIC")
        if name not in ("group", *ALLOWED):
            raise UsageError(f"{shown}: {name} can't be set; group can, and {', '.join(ALLOWED)}")
        if not value:
            raise UsageError(f"{shown}: {name}= says nothing; name it, or leave it out")


def _login(shown: str, login: str | None) -> dict[str, str]:
    """A login goes over TLS, unless `security.protocol` says otherwise."""
    if login is None:
        return {}
    user, separator, password = login.partition(":")
    if not user or not separator:
        raise UsageError(f"{shown}: write the login as kafka://USER:PASSWORD@HOST:PORT/TOPIC")
    named = {"sasl.username": unquote(user), "sasl.password": unquote(password)}
    return {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", **named}
