"""What the routes work with: stores, definitions, keys and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request

from readers.assigning import Assigner
from readers.auth import Auth, Caller
from readers.editing import Editor
from readers.explaining import Explainers
from readers.query import Answer, run_query
from readers.snapshots import Snapshots
from readers.stores import Stores


@dataclass(frozen=True, slots=True)
class Service:
    """Passed to the app once; the routes find it in `app.state`. `editor` None: definitions can't be changed here."""

    stores: Stores
    snapshots: Snapshots
    auth: Auth
    now: Callable[[], datetime]
    editor: Editor | None = None
    explainers: Explainers = field(default_factory=Explainers)
    assigner: Assigner = field(default_factory=Assigner)

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises Problem (401, 403), DefinitionsUnavailable."""
        return await self.auth.caller(request.headers.get("authorization"))

    def account(self, caller: Caller, named: object) -> str:
        """The account a request is about. Raises Problem (400, 403)."""
        asked = caller.account_for(named)
        # A key's account is taken as it is: its owner learns of no others.
        return caller.account or self.snapshots.account(asked)

    async def answer(self, caller: Caller, body: Any) -> Answer:
        """The answer to a query that this caller asks."""
        account = self.account(caller, body.get("account") if isinstance(body, dict) else None)
        definitions, now = self.snapshots.current, self.now()
        answer = await self.stores.run(lambda store: run_query(store, definitions, account, body, now))
        return answer.warning(*self.warnings())

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
