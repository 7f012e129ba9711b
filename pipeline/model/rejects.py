"""Rejects: records that can't be counted, with the reason and the original bytes. They are data, never exceptions."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum

RAW_FIELDS = ("raw", "raw_base64")  # of a rejects record: what was rejected, in one of these


class RejectReason(StrEnum):
    """Every reason there is. The values appear in summaries, files and metrics."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_ACCOUNT = "no_account"
    WRONG_ACCOUNT = "wrong_account"
    UNKNOWN_ACCOUNT = "unknown_account"
    BAD_TIMESTAMP = "bad_timestamp"
    IN_THE_FUTURE = "in_the_future"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that was not counted. `source` says where it stood; `raw` is the record as it came.

    `account`: whose it is, as far as its source vouched for it or it is beyond doubt. `arrived`: when, RFC 3339.
    """

    stage: str
    reason: RejectReason
    cause: str
    source: str
    raw: bytes
    account: str | None = None
    arrived: str | None = None

    def to_record(self) -> dict[str, str]:
        """As one JSON object; `raw` is text where the bytes are UTF-8, else `raw_base64`. Both give the bytes back."""
        record = {"stage": self.stage, "reason": self.reason.value, "cause": self.cause, "source": self.source}
        if self.account:
            record["account"] = self.account
        if self.arrived:
            record["arrived"] = self.arrived
        try:
            return {**record, "raw": self.raw.decode()}
        except UnicodeDecodeError:
            return {**record, "raw_base64": base64.b64encode(self.raw).decode()}
