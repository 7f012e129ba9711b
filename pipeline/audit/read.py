"""Reads an input from front to back, once or several times, and recounts it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from pipeline.audit.recount import Recount
from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import RunError, UsageError
from pipeline.model.judged import Judged
from pipeline.sources.blocks import Block
from pipeline.sources.files import STDIN, blocks, find_files

_KEY = b"an audit's own"  # of hashes that are never stored: no number depends on it, so the store's key isn't needed

Progressed = Callable[[str, int], None]  # (what is being done, input bytes read since the last call)


def find_inputs(names: Sequence[str], passes: int) -> list[str]:
    """The files to read. Raises UsageError for what is none, or can't be read so many times."""
    for name in names:
        if "://" in name:
            raise UsageError(
                f"--input {name.partition('://')[0]}://: an audit reads what can be read again; name the files, or a glob, "
                "or - for standard input"
            )
    paths = find_files(names)
    once = [p for p in paths if p == STDIN or not stat.S_ISREG(os.stat(p).st_mode)]
    if passes > 1 and once:
        raise UsageError(f"--passes {passes}: {once[0]} can be read once only; name files, or leave --passes out")
    return paths


def chosen(snapshot: Snapshot, account: str | None, metrics: Sequence[str]) -> Snapshot:
    """The definitions to audit. Raises UsageError for an account or a metric that has none."""
    if account is not None and account not in snapshot.accounts:
        known = ", ".join(sorted(snapshot.accounts)[:5]) or "none"
        raise UsageError(f"--account {account}: there are no definitions of it (there: {known}); correct the name")
    accounts = [a for a in snapshot.accounts.values() if account in (None, a.account)]
    for metric in metrics:
        if not any(metric in a.metrics for a in accounts):
            known = ", ".join(sorted({m for a in accounts for m in a.metrics})[:10]) or "none"
            raise UsageError(f"--metric {metric}: there is no such metric (there: {known}); correct the name")
    if not metrics:
        return Snapshot.of(accounts)
    return Snapshot.of(
        AccountDefinitions.of(a.account, a.settings, [m for m in a.metrics.values() if m.id in metrics]) for a in accounts
    )


def recount_files(
    paths: Sequence[str], snapshot: Snapshot, account: str | None, passes: int, now_ns: int, progressed: Progressed
) -> Recount:
    """What the files come to under these definitions. account: as for a run, the one that the input is of.

    Raises RunError where a file can't be read to its end.
    """
    recount = Recount({a.account: Judged.of(a) for a in snapshot.accounts.values()})
    matcher = BlockMatcher(snapshot, 1, _KEY)
    for part in range(passes):
        gathered = recount.gather(part, passes)
        reading = "reading" if passes == 1 else f"reading, pass {part + 1} of {passes}"
        for block in blocks(paths, {}):
            matched = matcher.match(_read(block), Span(block.source, block.offset, account), now_ns)
            gathered.add(hits for _, hits in matched.hits)
            if part == 0:
                recount.trials.add(hits for _, hits in matched.hits)
                recount.tally.update(matched.tally)
            progressed(reading, block.input_bytes)
        progressed("recounting", 0)
        recount.add(gathered)
    return recount


def _read(block: Block) -> bytes:
    try:
        return block.read()
    except OSError as e:
        raise RunError(f"{block.source}: not readable to its end ({e}); let it be while it is audited") from e
