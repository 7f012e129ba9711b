"""A Kafka topic on an engine, by Beam's own cross-language source: read in Java, one reader per partition.

That source's own way to tell offsets isn't used: it tells what the engine has, not what is counted, and Flink's and Prism's
runners don't get along with it. They are told by `TellOffsets` instead, once the store has what is before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka
from apache_beam.options.pipeline_options import CrossLanguageOptions
from apache_beam.utils.subprocess_server import JavaJarServer

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.kafka.gathering import ACCOUNT, RECORD_MAX, place
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.kafka.url import KafkaUrl
from pipeline.sources.records import account_named
from pipeline.streaming.gathering import Gather, Item
from pipeline.streaming.kafka_offsets import Runs

POLL_S = 1  # Kafka's client waits so long for the first record
_IN_JAVA = {"fetch.wait.max.ms": "fetch.max.wait.ms"}  # named otherwise there
_ONLY_HERE = ("ssl.certificate.location", "ssl.key.location", "group.instance.id")


def check(url: str) -> None:
    """Raises UsageError where the topic can't be read, or not by Java."""
    named = KafkaUrl.parse(url)
    java_settings(named)
    group = Group(named)
    try:
        group.partitions()
    except (Away, RunError) as e:
        raise UsageError(f"--input {e}") from e
    finally:
        group.close()


def java_settings(url: KafkaUrl) -> dict[str, str]:
    """The settings of Kafka's Java client that say the same. Raises UsageError for what it can't be told."""
    given = dict(url.settings)
    for name in _ONLY_HERE:
        if name in given:
            raise UsageError(f"--input {url}: {name} can't be given to an engine; leave it out")
    user, password = given.pop("sasl.username", None), given.pop("sasl.password", None)
    settings = {_IN_JAVA.get(name, name): value for name, value in given.items()}
    if authorities := settings.pop("ssl.ca.location", None):
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": authorities}
    if "security.protocol" in settings:
        settings["security.protocol"] = settings["security.protocol"].upper()
    if settings.get("ssl.endpoint.identification.algorithm") == "none":
        settings["ssl.endpoint.identification.algorithm"] = ""
    if user is not None:
        kind = "scram.Scram" if settings["sasl.mechanism"].startswith("SCRAM") else "plain.Plain"
        login = f"username={_quoted(user)} password={_quoted(password or '')}"
        settings["sasl.jaas.config"] = f"org.apache.kafka.common.security.{kind}LoginModule required {login};"
    fixed = {"auto.offset.reset": "earliest", "enable.auto.commit": "false"}
    isolated = {"isolation.level": "read_committed"}  # as the other client does by itself
    return {**isolated, **settings, **fixed, "bootstrap.servers": url.servers, "group.id": url.group}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def take_records(root: beam.Pipeline, number: int, url: str) -> beam.PCollection:
    """The records of a topic, as `Taken` in bytes; each block's ids are `Runs`.

    The source is expanded by the service that Beam brings along; `--beam_services` names another.
    """
    named = KafkaUrl.parse(url)
    services = root.options.view_as(CrossLanguageOptions).beam_services
    with JavaJarServer.beam_services(services):  # Beam looks at them only where its pipeline is used as a context
        reading = ReadFromKafka(java_settings(named), [named.topic], with_metadata=True, consumer_polling_timeout=POLL_S)
        rows = root | f"Read records of input {number}" >> reading
    return rows | f"Gather records of input {number}" >> beam.ParDo(GatherRecords(number, named.topic)).with_output_types(
        bytes
    )


class GatherRecords(Gather):
    """Rows of Kafka's source; where: (partition, offset). **Retry:** harmless."""

    def item_of(self, element: Any) -> Item:
        record = (element.value or b"")[:RECORD_MAX]
        return Item(record, (element.partition, element.offset), account_of(element.headers or ()))

    def place_of(self, where: tuple[int, int]) -> str:
        return place(self._source, *where)

    def ids_of(self, wheres: Iterable[tuple[int, int]]) -> Sequence[str]:
        return Runs.of(wheres).to_ids()


def account_of(headers: Sequence[Any]) -> str | None:
    """What the last header of that name says."""
    return account_named(next((header.value for header in reversed(headers) if header.key == ACCOUNT), None))
