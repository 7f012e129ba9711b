"""Definitions where they are kept: read from Redis or a file, validated, pushed.

The data and its rules are `pipeline.model.definition` and its neighbours.
"""

from pipeline.definitions.validate import parse_account

__all__ = ["parse_account"]
