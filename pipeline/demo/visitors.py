"""Who comes to the demo's shop: new visitors and regulars, each with a country and a variation for good.

The variation is not ours to draw: it is what the read service's allocations assign to the visitor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

VARIATIONS = ("control", "friendly")  # "Join now" and "Count me in!", see shop.yaml
Assign = Callable[[str], str]
"""The variation of a visitor, by id."""

REGULARS_MAX = 20_000  # remembered; a regular beyond it makes room
RETURNING = 0.45
NAMELESS = 0.01  # of visits: nothing may be stored in the browser, so that there is no id
KNOWN = 0.35  # of visitors have an account at the shop
COUNTRIES = {"GB": 46, "DE": 14, "FR": 11, "US": 10, "IN": 8, "DK": 6, "NL": 3, "JP": 2}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser. `ids`: what its events say of who it is, nothing for a nameless one."""

    ids: dict[str, str]
    country: str
    variation: str

    @property
    def key(self) -> str | None:
        return self.ids.get("anonymousId")


class Visitors:
    """Everybody who has been here."""

    def __init__(self, rng: Random, assign: Assign) -> None:
        self._rng = rng
        self._assign = assign
        self._regulars: list[Visitor] = []
        self._countries = list(COUNTRIES)
        self._weights = list(COUNTRIES.values())

    def welcome(self) -> Visitor:
        """The next one to come in."""
        rng = self._rng
        if self._regulars and rng.random() < RETURNING:
            return rng.choice(self._regulars)
        country = rng.choices(self._countries, self._weights)[0]
        if rng.random() < NAMELESS:
            return Visitor({}, country, self._assign(f"{rng.getrandbits(64):016x}"))
        anonymous = f"a-{rng.getrandbits(64):016x}"
        ids = {"anonymousId": anonymous}
        if rng.random() < KNOWN:
            ids["userId"] = f"u-{rng.getrandbits(32):08x}"
        visitor = Visitor(ids, country, self._assign(anonymous))
        self._remember(visitor)
        return visitor

    def _remember(self, visitor: Visitor) -> None:
        if len(self._regulars) < REGULARS_MAX:
            self._regulars.append(visitor)
        else:
            self._regulars[self._rng.randrange(REGULARS_MAX)] = visitor
