"""Cuts what `terraform providers schema -json` prints down to the resources that `deploy/terraform` uses.

terraform -chdir=deploy/terraform providers schema -json | python -m tests.support.provider_schema
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from tests.support.tree import ROOT

TERRAFORM = ROOT / "deploy" / "terraform"
CUT = ROOT / "tests" / "deploy" / "google_provider.json"
_PROVIDER = "google-beta"  # all that the other one has, and Flex Template jobs
_USED = re.compile(r'^(resource|data) "(\w+)"', re.MULTILINE)

Shape = dict[str, Any]  # an argument -> required, optional or computed; a block -> {"min", "max", "of"}


def used() -> set[str]:
    """The kinds of resources that are used; those that are only read as `data.KIND`."""
    found = [pair for path in TERRAFORM.glob("*.tf") for pair in _USED.findall(path.read_text())]
    return {kind if what == "resource" else f"data.{kind}" for what, kind in found}


def cut(printed: Mapping[str, Any], kinds: set[str]) -> dict[str, Shape]:
    """The shapes of these kinds."""
    [provider] = [p for name, p in printed["provider_schemas"].items() if name.endswith(_PROVIDER)]
    read = {f"data.{kind}": schema for kind, schema in provider["data_source_schemas"].items()}
    there = {**read, **provider["resource_schemas"]}
    return {kind: _shape(there[kind]["block"]) for kind in sorted(kinds)}


def _shape(block: Mapping[str, Any]) -> Shape:
    arguments = {
        name: "required" if one.get("required") else "optional" if one.get("optional") else "computed"
        for name, one in block.get("attributes", {}).items()
    }
    blocks = {
        name: {"min": one.get("min_items", 0), "max": one.get("max_items", 0), "of": _shape(one["block"])}
        for name, one in block.get("block_types", {}).items()
    }
    return {**arguments, **blocks}


if __name__ == "__main__":
    shapes = cut(json.load(sys.stdin), used())
    lines = [f"{json.dumps(kind)}: {json.dumps(shape, sort_keys=True)}" for kind, shape in shapes.items()]
    CUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
