"""The errors that cross module borders. Rejected events are data, not errors: see `rejects`."""

from __future__ import annotations


class UsageError(Exception):
    """Wrong usage or configuration. The message is one line that names the place and the cure; the process exits with 2."""


class StoreAway(UsageError):
    """The store can't be opened now, and may be later: it doesn't answer, or others hold on to it."""


class RunError(Exception):
    """It ran and found something wrong. What was committed holds; the message is one line, the process exits with 1."""


class StoreError(Exception):
    """The store refused or failed for good: trying the same again does not help."""


class DamagedStore(StoreError):
    """The store holds what this program never wrote: see `damage`."""


class TransientStoreError(StoreError):
    """The store may answer later. **Retry:** the outcome of a write is unknown; reload before trying again."""


class RejectsUnavailable(TransientStoreError):
    """Rejects can't be kept now, and may be later. **Retry:** some of them may be kept, and are kept again."""


class Fenced(StoreError):
    """Another writer has committed to this shard. **Retry:** drop what is held of it and start the unit again."""
