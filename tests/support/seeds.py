"""Which seeds a randomised test runs: a default number of them, or what `DAYCOUNT_SEEDS` says.

`DAYCOUNT_SEEDS=1000` runs that many, `DAYCOUNT_SEEDS=17,250-300` exactly these. A seed stands in its test's name.
"""

from __future__ import annotations

import os


def seeds(default: int, *found: int) -> list[int]:
    """The seeds 0, 1, ... and those that once found something wrong."""
    asked = os.environ.get("DAYCOUNT_SEEDS", "")
    if "," in asked or "-" in asked:
        return [seed for part in asked.split(",") for seed in _span(part)]
    return sorted({*range(int(asked) if asked else default), *found})


def _span(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def replay(seed: int) -> str:
    """The command that runs one seed of the test in work again."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return f"seed {seed}: DAYCOUNT_SEEDS={seed}-{seed} python -m pytest '{test}'"
