"""Owns how a message reaches a webhook: Slack's incoming-webhook shape, bounded waiting, a few tries with growing pauses.

The address of a webhook is a secret: whoever has it can write. It stands in no error and no log; its host does.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pipeline.model.errors import UsageError
from readers.watch.judgement import Message

TRIES = 4
FIRST_PAUSE_S = 1.0  # then twice as long each time
PAUSE_MAX_S = 30.0  # also of what a webhook asks for; it is tried again at the next look anyway
TIMEOUT_S = 10.0
LATER = {408, 425, 429, 500, 502, 503, 504}  # what may be taken later

Wait = Callable[[float], bool]  # seconds; True: an end was asked for


class Untold(Exception):
    """No try has succeeded. The message may have been taken all the same."""


class Webhook:
    """Takes messages. wait: a pause that an end cuts short."""

    def __init__(self, url: str, wait: Wait) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("--webhook is no address; write it as https://hooks.slack.com/services/...")
        self._url, self._wait = url, wait
        self.host = parts.hostname
        self._opener = urllib.request.build_opener(_Stay)

    def tell(self, message: Message) -> None:
        """Raises Untold. **Retry:** the message may come twice, with the same id both times."""
        for again in range(TRIES):
            problem, asked_s = self._try(message)
            if problem is None:
                return
            pause_s = min(max(asked_s, FIRST_PAUSE_S * 2**again), PAUSE_MAX_S)
            if asked_s < 0 or again == TRIES - 1 or self._wait(pause_s):
                raise Untold(f"{self.host} {problem}")

    def _try(self, message: Message) -> tuple[str | None, float]:
        """What went wrong, and how many seconds are to be waited; -1 where trying again soon is no use."""
        try:
            with self._opener.open(self._request(message), timeout=TIMEOUT_S) as answer:
                answer.read(1024)
            return None, 0.0
        except urllib.error.HTTPError as error:
            error.close()
            asked = error.headers.get("retry-after", "")
            later = float(asked) if asked.isascii() and asked.isdecimal() else 0.0
            return f"answers {error.code}", later if error.code in LATER else -1.0
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            return f"can't be reached ({type(reason).__name__})", 0.0

    def _request(self, message: Message) -> urllib.request.Request:
        text = f"{_escaped(message.text)} [message {message.id}]"
        headers = {"content-type": "application/json", "idempotency-key": message.id, "user-agent": "daycount"}
        return urllib.request.Request(self._url, json.dumps({"text": text}).encode(), headers, method="POST")


class _Stay(urllib.request.HTTPRedirectHandler):
    """A message goes where it was meant to go, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _escaped(text: str) -> str:
    """The three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
