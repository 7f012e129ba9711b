"""Kills real processes on every step, on both stores, until each step has had its share; `make kills` runs it.

`--seed` is the first story's seed and `--kills` each step's share. A story that went wrong is told again by what is
printed of it: its store, seed and steps. A moment is a time, so such a story is not quite the same again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from random import Random

from pipeline.embedded_redis import embedded_redis
from tests.support.emulators import BigtableEmulator, find_bigtable_emulator
from tests.support.feeds import feeds
from tests.support.forked import forking
from tests.support.kill_points import HALF_MADE, OF_A_HEAD, steps_of, steps_to_stall_at
from tests.support.kill_story import ALL_OF_TWO, MOMENTS, Place, Places, Story, Told

KILLS = 20
AT_MOMENTS = 0.25  # of a step's share of kills, that of a random moment
STRIKES = 4  # of a story, each at another step
STALLS = 0.2  # of these, how many are no kills
STORIES_MAX = 30  # for one kill of each step; past that there are steps that no run comes by
REPORT_STORIES = 20
STORES = ("sqlite", "bigtable")
WIDTH, SHOWN = 48, 400


@dataclass(slots=True)
class Histogram:
    """What came of all stories on one store, by step."""

    kills: Counter[str] = field(default_factory=Counter)
    stalls: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    wrong: list[Told] = field(default_factory=list)
    stories: int = 0

    def add(self, told: Told) -> None:
        """Take in a story."""
        self.kills.update(told.killed)
        self.stalls.update(told.stalled)
        self.runs.update(dict.fromkeys({*told.killed, *told.stalled}, told.runs))
        if told.wrong:
            self.wrong.append(told)

    def lacking(self, store: str, kills: int) -> list[str]:
        """Steps that have not had their share of so many kills."""
        return [step for step in all_steps(store) if self.kills[step] < share(step, kills)]

    def wrong_at(self, step: str) -> int:
        """Stories that were struck there and went wrong."""
        return sum(step in (*told.killed, *told.stalled) for told in self.wrong)


def share(step: str, kills: int) -> int:
    """So many kills a step is to have."""
    return ceil(kills * AT_MOMENTS) if step in MOMENTS else kills


def all_steps(store: str) -> list[str]:
    """Steps and moments."""
    return [*steps_of(store), *MOMENTS]


def tell(seed: int, place: Place, steps: Sequence[str], stalls: float = STALLS) -> Told:
    """One story that strikes at these steps. What doesn't end as it should is as wrong as a number."""
    names = sorted(feeds(place.redis_url))
    story = Story(seed, place, names[seed % len(names)])
    try:
        for step in steps:
            if step in _to_stall_at(place.store) and story.random.random() < stalls:
                story.stall(step)
            else:
                story.strike(step)
        return story.finish()
    except AssertionError as failure:
        story.told.wrong.append(str(failure))
        return story.told
    finally:
        story.close()


def _to_stall_at(store: str) -> list[str]:
    """Whoever stops at any moment may hold SQLite's lock."""
    return steps_to_stall_at(store) + [ALL_OF_TWO] * (store != "sqlite")


def tell_all(
    places: Places,
    store: str,
    first_seed: int,
    kills: int,
    only: Sequence[str] = (),
    say: Callable[[str], object] = print,
) -> Histogram:
    """Stories until each step has had its share of so many kills. only: one story, with these steps in this order."""
    found = Histogram()
    for seed in range(first_seed, first_seed + (1 if only else kills * STORIES_MAX)):
        lacking = found.lacking(store, kills)
        if not lacking:
            break
        steps = only or _steps_of_story(store, seed, lacking)
        told = tell(seed, places.new(), steps)
        found.stories += 1
        found.add(told)
        if told.wrong:
            say(f"wrong: --store {store} --seed {seed} {' '.join(f'--step {s!r}' for s in steps)}: {shown(told.wrong)}")
        if found.stories % REPORT_STORIES == 0:
            say(f"{store}: {found.stories} stories, {found.kills.total()} kills, {len(found.wrong)} wrong")
    return found


def _steps_of_story(store: str, seed: int, lacking: Sequence[str]) -> list[str]:
    """Some of those that lack kills, and others. A store is made once and then has a head, so these are first and last."""
    random = Random(seed)
    chosen = random.sample(lacking, min(STRIKES, len(lacking)))
    others = [step for step in steps_of(store) if step not in chosen]
    chosen += random.sample(others, STRIKES - len(chosen))
    return sorted(chosen, key=lambda step: (step in OF_A_HEAD) - (step == HALF_MADE))


def shown(wrong: Sequence[str]) -> str:
    """The first of these, not all of a long one."""
    return f"{wrong[0] if len(wrong[0]) < SHOWN else f'... {wrong[0][-SHOWN:]}'}, and {len(wrong) - 1} more"


def as_text(histograms: dict[str, Histogram]) -> str:
    """The table: for each step and store the kills, the stalls, the runs of their stories, and the wrong stories."""
    heads = f"{'':{WIDTH}}" + "".join(f"{store:>32}" for store in histograms)
    lines = [heads, f"{'step':{WIDTH}}" + "   kills  stalls    runs   wrong" * len(histograms)]
    for step in dict.fromkeys(step for store in histograms for step in all_steps(store)):
        line = f"{step:{WIDTH}}"
        for store, h in histograms.items():
            numbers = (h.kills[step], h.stalls[step], h.runs[step], h.wrong_at(step))
            line += "".join(f"{n:8}" for n in numbers) if step in all_steps(store) else f"{'-':>8}" * 4
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    """0: every number of every story is the truth, and every step was come by."""
    asked = _asked()
    say = partial(print, flush=True)
    stores = asked.store or STORES
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end, too
    begun = time.monotonic()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        redis_url = held.enter_context(embedded_redis(folder / "redis", durable=False))
        threads = held.enter_context(ThreadPoolExecutor(len(stores)))
        told = {}
        for store in stores:
            emulator = _emulator(held) if store == "bigtable" else None
            places = Places(held.enter_context(forking()), folder / store, redis_url, emulator)
            told[store] = threads.submit(tell_all, places, store, asked.seed, asked.kills, asked.step, say)
        histograms = {store: future.result() for store, future in told.items()}
    print(as_text(histograms))
    lacking = (
        [f"{step} ({s})" for s, h in histograms.items() for step in h.lacking(s, asked.kills)] if not asked.step else []
    )
    if lacking:
        print(f"too few runs came by: {', '.join(lacking)}")
    stories = sum(h.stories for h in histograms.values())
    print(f"{stories} stories, seeds from {asked.seed} on, {time.monotonic() - begun:.0f} s")
    return 1 if lacking or any(h.wrong for h in histograms.values()) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill real processes on every step, and recount.")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--store", action="append", choices=STORES)
    parser.add_argument("--step", action="append", default=[])
    return parser.parse_args()


def _emulator(held: ExitStack) -> str:
    program = find_bigtable_emulator()
    if program is None:
        sys.exit("no Bigtable emulator: install google-cloud-cli-bigtable-emulator, or choose --store sqlite")
    emulator = BigtableEmulator(program)
    held.callback(emulator.stop)
    os.environ["BIGTABLE_EMULATOR_HOST"] = emulator.host
    return emulator.host


if __name__ == "__main__":
    sys.exit(main())
