"""The seeded benchmark workload: `generate` writes it, the same bytes for the same arguments.

Owns randomness, order, repeats and the shape of a line; what there is to draw from stands in `catalogue`.
Runs in one pass over batches: memory grows with the number of visitors only.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import catalogue as cat

EVENTS = 1_000_000
VISITORS = 100_000
START = np.datetime64("2026-10-01T00:00:00.000", "ms")
SPAN_MS = 30 * 86_400_000
REPEAT_EVERY = 50  # one line in each block of 50 repeats an earlier one: 2 %
REPEAT_BACK_MAX = 2_000
DISORDER_LINES = 400
_BATCH_LINES = 20_000
_EXPONENT = 0.7
_KNOWN_SHARE = 0.35


def generate(path: Path, events: int = EVENTS, seed: int = 1, visitors: int = VISITORS) -> None:
    """Write `events` JSON lines to `path`, which appears only when it is complete."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="ascii", newline="\n") as out:
        for batch in _batches(events, seed, visitors):
            out.write("\n".join(batch) + "\n")
    partial.rename(path)


def _batches(events: int, seed: int, visitors: int) -> Iterator[list[str]]:
    """Lines in order: fresh events, and one repeat of an earlier line in every block of `REPEAT_EVERY`."""
    random = np.random.RandomState(seed)  # its stream is frozen across numpy versions, `Generator`'s is not
    fresh = _fresh(random, events, visitors)
    recent: list[str] = []
    for first in range(0, events, _BATCH_LINES):
        count = min(_BATCH_LINES, events - first)
        draws = random.random_sample((count // REPEAT_EVERY + 1, 2))
        repeat_at = (1 + draws[:, 0] * (REPEAT_EVERY - 1)).astype(int).tolist()
        back = draws[:, 1].tolist()
        lines = recent
        for number in range(count):
            block, place = divmod(number, REPEAT_EVERY)
            if place == repeat_at[block]:
                lines.append(lines[-1 - int(back[block] * min(REPEAT_BACK_MAX, len(lines)))])
            else:
                lines.append(next(fresh))
        yield lines[-count:]
        recent = lines[-REPEAT_BACK_MAX:]


def _fresh(random: np.random.RandomState, events: int, visitors: int) -> Iterator[str]:
    """Distinct events for ever; the caller takes as many as `events` lines need."""
    crowd = _Crowd(random, visitors)
    properties = _Properties()
    bounds, groups = cat.pages()
    starts = [0.0, *bounds]
    distinct = events - events // REPEAT_EVERY
    for first in range(0, events, _BATCH_LINES):
        draws = random.random_sample((8, _BATCH_LINES))
        ids = random.bytes(16 * _BATCH_LINES).hex()
        who = np.minimum(np.searchsorted(crowd.shares, draws[0], "right"), visitors - 1).tolist()
        kinds = cat.choose(draws[1], cat.EVENT_SHARES).tolist()
        place = (first + np.arange(_BATCH_LINES) + draws[2] * DISORDER_LINES) / (distinct + DISORDER_LINES)
        times = np.datetime_as_string(START + (place * SPAN_MS).astype("timedelta64[ms]")).tolist()
        group = np.searchsorted(bounds, draws[3], "right")
        within = (draws[3] - np.take(starts, group)) / np.diff(starts)[group]
        rest = zip(group.tolist(), within.tolist(), draws[4].tolist(), draws[5:].T.tolist(), strict=True)
        for number, (page, inside, referrer, detail) in enumerate(rest):
            visitor, kind, key = who[number], kinds[number], _uuid(ids, number * 32)
            url = groups[page][int(inside * len(groups[page]))]
            yield (
                f'{{"messageId":"{key}","type":"track","event":"{_NAMES[kind]}",{crowd.ids[visitor]},'
                f'"timestamp":"{times[number]}Z","properties":{properties.of(kind, visitor, detail)},'
                f'"context":{{"page":{{"url":"{url}","referrer":"{cat.REFERRERS[int(referrer * 5)]}"}},'
                f"{crowd.contexts[crowd.context_of[visitor]]}}}}}"
            )


def _uuid(digits: str, at: int) -> str:
    """The 32 hexadecimal digits from `at` on, as a version 4 UUID."""
    return (
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-4{digits[at + 13 : at + 16]}"
        f"-a{digits[at + 17 : at + 20]}-{digits[at + 20 : at + 32]}"
    )


_NAMES = tuple(cat.EVENT_SHARES)


class _Crowd:
    """The visitors: how often each comes (cumulated), and the parts of their events that never change."""

    def __init__(self, random: np.random.RandomState, visitors: int) -> None:
        weights = np.arange(1, visitors + 1) ** -_EXPONENT
        self.shares = np.cumsum(weights / weights.sum())
        digits = random.bytes(8 * visitors).hex()
        known = (cat.spread(visitors, 5**0.5) < _KNOWN_SHARE).tolist()
        self.ids = [
            f'"anonymousId":"a-{digits[16 * n : 16 * n + 16]}","userId":' + (f'"user-{n}"' if known[n] else "null")
            for n in range(visitors)
        ]
        traits = (
            (cat.COUNTRY_SHARES, 2**0.5),
            (cat.GENDER_SHARES, 3**0.5),
            (cat.PLAN_SHARES, 7**0.5),
            (dict.fromkeys(cat.USER_AGENTS, 0.25), 11**0.5),
        )
        places = [cat.choose(cat.spread(visitors, step), shares) for shares, step in traits]
        self.context_of = np.ravel_multi_index(places, [len(shares) for shares, _ in traits]).tolist()
        self.contexts = [
            f'"location":{{"country":"{country}"}},"userAgent":"{agent}","traits":{{"plan":"{plan}","gender":"{gender}"}}'
            for country in cat.COUNTRY_SHARES
            for gender in cat.GENDER_SHARES
            for plan in cat.PLAN_SHARES
            for agent in cat.USER_AGENTS
        ]


class _Properties:
    """Makes the `properties` of an event as JSON text."""

    def __init__(self) -> None:
        self._products = cat.products()
        self._shirts, self._others = cat.queries()
        self._orders = ([0, 0.771, 1], [1_500, 49_900, 150_000])  # total in cents by draw: 23 % are 499 and more

    def of(self, kind: int, visitor: int, draws: list[float]) -> str:
        name = _NAMES[kind]
        first, second, third = draws
        if name == "Page Viewed":
            return f'{{"width":{int(first * 1_600) + 320},"scroll":{second:.2f}}}'
        if name in ("Product Viewed", "Coupon Applied"):
            return f'{{{self._product(first).members},"currency":"EUR"}}'
        if name == "Product Added":
            product, quantity = self._product(first), 1 + int(second * 3)
            return f'{{{product.members},"quantity":{quantity},"total":{cat.money(product.cents * quantity)}}}'
        if name == "Order Completed":
            total = cat.money(int(np.interp(first, *self._orders)))
            return f'{{"order_id":"O{third:.9f}","quantity":{1 + int(second * 8)},"total":{total},"currency":"EUR"}}'
        if name == "Products Searched":
            phrases = self._shirts if first < cat.SHIRT_SHARE else self._others
            return f'{{"query":"{phrases[int(second * len(phrases))]}","results":{int(third * 240)}}}'
        if name.startswith("Experiment"):
            variation = cat.VARIATIONS[visitor % len(cat.VARIATIONS)]
            return f'{{"experimentName":"{cat.EXPERIMENT}","variationName":"{variation}"}}'
        return f'{{"step":{1 + int(first * 4)},"items":{int(second * 9)}}}'

    def _product(self, draw: float) -> cat.Product:
        return self._products[int(draw * len(self._products))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workload", description="Write the benchmark workload.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--events", type=int, default=EVENTS, help="lines to write (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--visitors", type=int, default=VISITORS)
    arguments = parser.parse_args()
    generate(arguments.out, arguments.events, arguments.seed, arguments.visitors)


if __name__ == "__main__":
    main()
