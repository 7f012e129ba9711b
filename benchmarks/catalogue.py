"""The small world of the benchmark workload: names, shares, products, pages.

Owns what events are made of and how often each thing occurs; draws nothing at random (`workload` does).
The shares are set so that the twelve metrics of `definitions.yaml` get 1.29 hits a line.
"""

from dataclasses import dataclass

import numpy as np

EVENT_SHARES = {
    "Page Viewed": 0.45,
    "Product Viewed": 0.18,
    "Product Added": 0.08,
    "Order Completed": 0.02,
    "Products Searched": 0.08,
    "Experiment Viewed": 0.08,
    "Experiment Clicked": 0.03,
    "Cart Viewed": 0.03,
    "Checkout Started": 0.02,
    "Product List Viewed": 0.015,
    "Signed Up": 0.01,
    "Coupon Applied": 0.005,
}
COUNTRY_SHARES = {
    "IN": 0.25, "US": 0.15, "DE": 0.09, "GB": 0.08, "FR": 0.06, "BR": 0.05, "NL": 0.04, "ES": 0.04, "IT": 0.04,
    "PL": 0.03, "SE": 0.03, "CA": 0.03, "AU": 0.02, "JP": 0.02, "MX": 0.02, "DK": 0.01, "PT": 0.01, "CH": 0.01,
    "AT": 0.01, "IE": 0.01,
}  # fmt: skip
GENDER_SHARES = {"female": 0.492, "male": 0.448, "other": 0.06}
PLAN_SHARES = {"free": 0.6, "plus": 0.25, "team": 0.12, "enterprise": 0.03}
CATEGORY_SHARES = {
    "shoes": 0.18, "bags": 0.13, "watches": 0.107, "shirts": 0.15, "trousers": 0.12, "jackets": 0.1, "hats": 0.08,
    "socks": 0.08, "belts": 0.053,
}  # fmt: skip
USER_AGENTS = (
    "Mozilla/5.0 (iPhone) Mobile",
    "Mozilla/5.0 (Android 16)",
    "Mozilla/5.0 (Windows NT 10.0)",
    "Mozilla/5.0 (X11) Firefox/143",
)
REFERRERS = (
    "",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://shop.example/",
    "https://news.example/style/autumn",
)
EXPERIMENT = "hero_cta"
VARIATIONS = ("control", "friendly", "urgent", "plain")
PRODUCTS = 2_000
SHIRT_SHARE = 0.378
_COLOURS = ("red", "blue", "black", "white", "green", "linen", "summer", "slim", "cheap", "vintage")
_SHIRTS = ("shirt", "t-shirt", "shirts for work", "polo shirt", "shirt long sleeve")
_OTHERS = ("shoes", "jacket", "wool socks", "leather bag", "watch", "belt", "hat", "running shorts")


def spread(count: int, step: float) -> np.ndarray:
    """`count` numbers in [0, 1) that fill it evenly at any length: shares hold among heavy visitors, too."""
    return np.arange(1, count + 1) * step % 1.0


def choose(draws: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """For each draw of [0, 1) the index of the share it falls into."""
    return np.minimum(np.searchsorted(np.cumsum(list(shares.values())), draws, "right"), len(shares) - 1)


@dataclass(frozen=True, slots=True)
class Product:
    """A product: its price in cents and its JSON members."""

    cents: int
    members: str


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def products() -> list[Product]:
    """The shop's range; 64 % of it costs 50 or more."""
    categories = list(CATEGORY_SHARES)
    kinds = choose(spread(PRODUCTS, 2**0.5), CATEGORY_SHARES).tolist()
    prices = np.interp(spread(PRODUCTS, 3**0.5), [0, 0.359, 0.9, 1], [500, 5_000, 30_000, 90_000]).astype(int).tolist()
    return [
        Product(cents, f'"product_id":"P{number:04d}","category":"{categories[kind]}","price":{money(cents)}')
        for number, (kind, cents) in enumerate(zip(kinds, prices, strict=True))
    ]


def queries() -> tuple[list[str], list[str]]:
    """Search phrases: those that contain "shirt", and the others."""
    return ([f"{c} {s}" for c in _COLOURS for s in _SHIRTS], [f"{c} {o}" for c in _COLOURS for o in _OTHERS])


def pages() -> tuple[list[float], list[list[str]]]:
    """The site's addresses, 8,000 in all, in groups: the upper bound of each group's share, and the groups."""
    site = "https://shop.example"
    sources = ("", "?utm_source=newsletter", "?utm_source=google", "?plan=plus", "?plan=team", "?currency=EUR")
    groups = [
        [f"{site}/pricing{part}{source}" for part in ("", "/enterprise", "/compare") for source in sources],
        [f"{site}/p/{number}/{tab}" for number in range(PRODUCTS) for tab in ("reviews", "specs")],
        [f"{site}/p/{number}" for number in range(PRODUCTS)],
        [f"{site}/c/{category}?page={page}" for category in CATEGORY_SHARES for page in range(1, 201)],
        [f"{site}{path}" for path in ("/", "/cart", "/search", "/help", "/about", "/account", "/p/new/reviews")],
    ]
    return [0.25, 0.501, 0.7, 0.85, 1.0], groups
