"""Kafka: a topic as a source (`topic`), what its URL says (`url`), the client (`group`), which offsets are done with
(`offsets`), and its records as blocks (`gathering`).
"""

from pipeline.sources.kafka.topic import KafkaTopic

__all__ = ["KafkaTopic"]
