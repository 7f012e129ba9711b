"""Variables whose values lie in Secret Manager: `NAME_SECRET` in the environment names the secret of `NAME`."""

from __future__ import annotations

import base64
from collections.abc import Callable, MutableMapping
from typing import Any

VARIABLES = ("DAYCOUNT_VISITOR_KEY", "DAYCOUNT_DEFINITIONS")
SERVICE = "https://secretmanager.googleapis.com"
TIMEOUT_S = 30.0


def fill(environ: MutableMapping[str, str], read: Callable[[str], str]) -> None:
    """Set what has a secret and isn't set. Raises what `read` raises: without its key nothing may be counted."""
    for name in VARIABLES:
        secret = environ.get(f"{name}_SECRET")
        if secret and not environ.get(name):
            environ[name] = read(secret)


def read_secret(name: str, session: Any = None, service: str = SERVICE) -> str:
    """The secret `projects/P/secrets/S/versions/V`, as the machine's service account sees it."""
    answer = (session or _session()).get(f"{service}/v1/{name}:access", timeout=TIMEOUT_S)
    answer.raise_for_status()
    return base64.b64decode(answer.json()["payload"]["data"]).decode()


def _session() -> Any:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    return AuthorizedSession(credentials)
