"""A Kafka topic on an engine, by Beam's own cross-language source: read in Java, one reader per partition.

That source's own way to tell offsets isn't used: it tells what the engine has, not what is counted, and Flink's and Prism's
runners don't get along with it. They are told by `TellOffsets` instead, once the store has what is before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka
from apache_beam.options.pipeline_options import CrossLanguageOptions
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.subprocess_server import JavaJarServer
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.accounts import in_few_groups
from pipeline.sources.blocks import block_of_records
from pipeline.sources.kafka.gathering import ACCOUNT, RECORD_MAX, place
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.kafka.url import KafkaUrl
from pipeline.streaming.kafka_offsets import Runs
from pipeline.streaming.taken import Taken, taken

BLOCK_BYTES = 4 * 1024 * 1024
POLL_S = 1  # Kafka's client waits so long for the first record
_ACCOUNT_MAX = 128  # what is longer is none, and needn't be carried along
_IN_JAVA = {"fetch.wait.max.ms": "fetch.max.wait.ms"}  # named otherwise there
_ONLY_HERE = ("ssl.certificate.location", "ssl.key.location", "group.instance.id")

Item = tuple[bytes, int, int]  # a record, its partition and offset


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


class GatherRecords(beam.DoFn):
    """Rows of Kafka's source -> `Taken` in bytes, as many together as the engine works on at once. **Retry:** harmless."""

    def __init__(self, number: int, topic: str) -> None:
        self._number = number
        self._topic = topic

    def start_bundle(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self._by_account: dict[str | None, list[Item]] = {}
        self._bytes = 0

    def process(self, row: Any) -> Iterable[bytes]:
        record = (row.value or b"")[:RECORD_MAX]
        self._by_account.setdefault(account_of(row.headers or ()), []).append((record, row.partition, row.offset))
        self._bytes += len(record)
        if self._bytes >= BLOCK_BYTES:
            yield from self._gathered()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for element in self._gathered():
            yield WindowedValue(element, GlobalWindow().max_timestamp(), (GlobalWindow(),))

    def _gathered(self) -> list[bytes]:
        by_account = self._by_account
        self._empty()
        groups = in_few_groups(by_account, itemgetter(0))
        return [self._taken(account, items).to_bytes() for account, items in groups if items]

    def _taken(self, account: str | None, items: Sequence[Item]) -> Taken:
        places = [place(self._topic, partition, offset) for _, partition, offset in items]
        block = block_of_records(self._topic, 0, [record for record, _, _ in items], places, account)
        return taken(block, self._number, Runs.of((partition, offset) for _, partition, offset in items).to_ids())


def account_of(headers: Sequence[Any]) -> str | None:
    """What the last header of that name says."""
    said = next((header.value for header in reversed(headers) if header.key == ACCOUNT), None)
    return said[:_ACCOUNT_MAX].decode(errors="replace") or None if said else None
