"""What the routes work with: stores, definitions, keys and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from readers.assigning import Assigner
from readers.auth import Auth, Caller
from readers.editing import Editor
from readers.explaining import Explainers
from readers.query import Answer, run_query
from readers.query.over_held import Holdings, NotHeld
from readers.query.source import Source
from readers.snapshots import Snapshots
from readers.stores import Stores

ROWS_IN_BETWEEN = 10_000  # of totals: some ten milliseconds, for which all others wait


@dataclass(frozen=True, slots=True)
class Service:
    """Passed to the app once; the routes find it in `app.state`. `editor` None: definitions can't be changed here."""

    stores: Stores
    snapshots: Snapshots
    auth: Auth
    now: Callable[[], datetime]
    editor: Editor | None = None
    explainers: Explainers = field(default_factory=Explainers)
    holdings: Holdings = field(default_factory=lambda: Holdings(time.monotonic, lambda: datetime.now(UTC)))
    assigner: Assigner = field(default_factory=Assigner)

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises Problem (401, 403), DefinitionsUnavailable."""
        return await self.auth.caller(request.headers.get("authorization"))

    def account(self, caller: Caller, named: object) -> str:
        """The account a request is about. Raises Problem (400, 403)."""
        asked = caller.account_for(named)
        # A key's account is taken as it is: its owner learns of no others.
        return caller.account or self.snapshots.account(asked)

    async def answer(self, caller: Caller, body: Any, form: Callable[[Answer], bytes]) -> bytes:
        """The answer to a query that this caller asks, in a form of it."""
        account = self.account(caller, body.get("account") if isinstance(body, dict) else None)
        definitions, now, warnings = self.snapshots.current, self.now(), self.warnings()

        def answer(source: Source) -> bytes:
            return form(run_query(source, definitions, account, body, now).warning(*warnings))

        try:  # a thread costs more than a small answer
            return answer(self.holdings.over(None, ROWS_IN_BETWEEN))
        except NotHeld:
            return await self.stores.run(lambda store: answer(self.holdings.over(store)))

    def warnings(self) -> list[str]:
        """What is to be said with every answer at present."""
        since = self.snapshots.stale_since
        if since is None:
            return []
        return [f"definitions can't be refreshed since {since:%Y-%m-%dT%H:%M:%SZ}: the last known stay in force"]


def service_of(request: Request) -> Service:
    """The service that answers this request."""
    service: Service = request.app.state.service
    return service
