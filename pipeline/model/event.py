"""What an event is made of: the fields every event has a use for, and how scalars are read as text.

An event is one JSON object in the Segment spec's shape. Times are nanoseconds since 1970 UTC (int64), so event times
lie between 1678 and 2261; a timestamp outside is a bad one.
"""

from __future__ import annotations

import math
from decimal import Decimal

MESSAGE_ID = "messageId"
EVENT = "event"
ACCOUNT = "account"
TIMESTAMP = "timestamp"
SENT_AT = "sentAt"
RECEIVED_AT = "receivedAt"
BATCH = "batch"

# Read from every event, whatever the definitions refer to.
ENVELOPE = (MESSAGE_ID, EVENT, ACCOUNT, TIMESTAMP, SENT_AT, RECEIVED_AT, BATCH)

NONE_VALUE = "(none)"  # of a breakdown: absent, empty or not a scalar
OTHER_VALUE = "(other)"  # of a breakdown: too long, or beyond the bound of named values
BREAKDOWN_VALUE_BYTES_MAX = 256

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1


def scalar_text(value: object) -> str | None:
    """A scalar's text, numbers as plain decimals (1 and 1.0 alike); None for null, `""` and what is no scalar."""
    if isinstance(value, str):
        return value or None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return decimal_text(value)
    if isinstance(value, float):
        return decimal_text(value)
    return None


def decimal_text(number: int | float) -> str:
    """A JSON number as the shortest plain decimal, without exponent; beyond the doubles it is "Infinity".

    Integers beyond 64 bits are read as doubles, as any JavaScript does and as one of our two JSON parsers does: an id
    must be the same text whether its event comes alone or in a batch.
    """
    if isinstance(number, int) and _INT_MIN <= number <= _INT_MAX:
        return str(number)
    try:
        number = float(number)
    except OverflowError:
        number = math.inf if number > 0 else -math.inf
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text and number else text if number else "0"


def breakdown_value(value: object) -> str:
    """The name under which a breakdown counts this value."""
    text = scalar_text(value)
    if text is None:
        return NONE_VALUE
    if len(text) > BREAKDOWN_VALUE_BYTES_MAX or len(text.encode("utf-8", "surrogatepass")) > BREAKDOWN_VALUE_BYTES_MAX:
        return OTHER_VALUE
    return text
