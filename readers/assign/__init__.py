"""Which variation a unit gets: pure functions of allocations, unit and attributes. README.md says how, for any language.

Knows no store, no Redis and no HTTP: an application that holds the answer of `/v1/allocations` decides with this alone.
"""

from readers.assign.allocations import allocations_of
from readers.assign.bucket import bucket_of
from readers.assign.decide import ASSIGNED, NOT_ALLOCATED, NOT_ELIGIBLE, assign
from readers.assign.prepared import Allocations

__all__ = [
    "ASSIGNED",
    "NOT_ALLOCATED",
    "NOT_ELIGIBLE",
    "Allocations",
    "allocations_of",
    "assign",
    "bucket_of",
]
