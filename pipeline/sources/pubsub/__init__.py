"""Pub/Sub: a subscription as a source (`subscription`), what is pulled (`pulling`) and held (`leases`), and the calls.

Pulled by unary calls with the library's own messages: the library's streaming pull takes six times the CPU per message.
"""

from pipeline.sources.pubsub.subscription import PubSubSubscription

__all__ = ["PubSubSubscription"]
