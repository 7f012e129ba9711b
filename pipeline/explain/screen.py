"""Owns the explanation as people read it on a terminal: a tree for each metric.

What an event holds is shown and never obeyed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

_YES, _NO, _OPEN = ("✓", "green"), ("✗", "red"), ("?", "yellow")
_LOGIC = {"$and": "all of", "$or": "any of", "$nor": "none of", "$not": "not"}
_FILE_WIDTH = 2_000  # lines in a file, or for another program, are not cut


def show(body: dict[str, Any], stream: TextIO) -> None:
    """Write an explanation to a terminal or a file."""
    width = None if stream.isatty() else _FILE_WIDTH
    console = Console(file=stream, highlight=False, emoji=False, width=width)
    for line in _head(body):
        console.print(line)
    for metric in sorted(body["metrics"], key=lambda metric: not metric["matches"]):
        console.print()
        console.print(_metric(metric))
    for experiment in body["experiments"]:
        console.print()
        console.print(_experiment(experiment))
    for warning in body["warnings"]:
        console.print(Text(f"note: {_plain(warning)}", "yellow"))


def _head(body: dict[str, Any]) -> Iterator[Text]:
    counted = body["counts_in"]
    if body["rejected"]:
        yield _marked(False, f"rejected, {body['rejected']['reason']}: {_plain(body['rejected']['cause'])}")
    elif counted:
        yield _marked(True, f"counts in {len(counted)} of {len(body['metrics'])}: {', '.join(counted)}")
    else:
        yield _marked(False, "counts in no metric")
    yield Text(f"  account  {body['account']}")
    yield Text(f"  event    {_json(body['event'])}")
    if body["visitor"]:
        yield Text(f"  visitor  {_json(body['visitor']['id'])} (from {body['visitor']['from']})")
    else:
        yield Text("  visitor  none: it is in no measure that counts one event of each visitor")
    identity = _json(body["message_id"]) if body["message_id"] else "none: its place in the source"
    yield Text(f"  id       {identity}")
    if body["time"]:
        yield from _time(body["time"])


def _time(time: dict[str, Any]) -> Iterator[Text]:
    yield Text(f"  day      {time['day']}, {time['local']} in {time['timezone']} (from {time['from']})")
    if time["clock"] == "corrected":
        yield Text(f"  clock    the device's was ahead: set back by {-time.get('corrected_by_s', Decimal())} s", "yellow")
    elif time["clock"] == "behind":
        yield Text("  clock    the device's seems behind, which may be a slow network: left as it is")
    if time["late"]:
        yield Text(f"  late     its day had ended more than 24 hours before it arrived ({time['arrival']})", "yellow")


def _metric(metric: dict[str, Any]) -> Tree:
    verdict = "matches" if metric["matches"] else "does not match"
    if metric["matches"] and not metric["counts"]:
        verdict = "matches, but was counted already" if metric.get("counted_before") else "would match, but is rejected"
    title = _marked(metric["counts"], metric["id"], bold=True)
    tree = Tree(title.append(f"  {verdict}", "default"))
    if metric["where"] is None:
        tree.add(Text("its condition is not shown"))
    else:
        _add_parts(tree, metric["where"]["parts"] or [], "every event matches")
    if "measures" in metric:
        _add_counts(tree, metric)
    return tree


def _experiment(experiment: dict[str, Any]) -> Tree:
    means = []
    if experiment["exposure"]:
        shown = f" to {_json(experiment['variation'])} in epoch {experiment['epoch']}" if "variation" in experiment else ""
        means.append(f"exposes{shown}")
    if experiment["goals"]:
        means.append(f"is of {', '.join(experiment['goals'])}, if at or after an exposure in epoch {experiment['epoch']}")
    why = f": {_plain(experiment['why'])}" if "why" in experiment else ""
    title = _marked(bool(means) and not why, f"experiment {experiment['id']}", bold=True)
    tree = Tree(title.append(f"  {' and '.join(means) or 'shows no exposure and no goal'}{why}", "default"))
    if experiment["where"] is None:
        tree.add(Text("its condition is not shown"))
    else:
        _add_parts(tree, experiment["where"]["parts"] or [], "every event exposes")
    return tree


def _add_parts(tree: Tree, parts: list[dict[str, Any]], empty: str) -> None:
    for part in parts:
        if "logic" in part:
            _add_parts(tree.add(_marked(part["holds"], _LOGIC[part["logic"]])), part["parts"], "nothing is asked")
        else:
            tree.add(_clause(part))
    if not parts:
        tree.add(Text(empty, "dim"))


def _clause(part: dict[str, Any]) -> Text:
    operand = part["operand"] if part.get("operand_cut") else _json(part["operand"])
    line = _marked(part["holds"], f"{_plain(part['path'])} {part['operator']} {_plain(operand)}")
    saw = part["type"] if part["type"] in ("absent", "null") else f"{_value(part)} ({part['type']})"
    return line.append(f"   saw {saw}", "dim")


def _add_counts(tree: Tree, metric: dict[str, Any]) -> None:
    counts = tree.add(Text("counts", "bold"))
    for measure in metric["measures"]:
        of = f" of {_plain(measure['field'])}" if "field" in measure else ""
        once = f" once per {measure['once_per']}" if "once_per" in measure else ""
        line = _marked(measure["counts"], f"{measure['name']}: {measure['aggregate']}{of}{once}")
        if measure["counts"] is not False:
            line.append(f"   {'+' if measure['aggregate'] in ('count', 'sum') else ''}{measure['adds']}")
        why = measure.get("why") or ("if it is the first; name a --store to see" if measure["counts"] is None else "")
        counts.add(line.append(f"   {_plain(why)}" if why else "", "dim"))
    for path, value in metric["breakdowns"].items():
        counts.add(Text(f"by {_plain(path)}: {_json(value)}"))


def _marked(holds: bool | None, text: str, bold: bool = False) -> Text:
    mark, colour = _OPEN if holds is None else _YES if holds else _NO
    return Text(f"{mark} ", colour).append(text, "bold default" if bold else "default")


def _value(part: dict[str, Any]) -> str:
    return _plain(part["value"]) if part.get("value_cut") else _json(part["value"])


def _json(value: Any) -> str:
    return _plain(json.dumps(value, ensure_ascii=False))


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
