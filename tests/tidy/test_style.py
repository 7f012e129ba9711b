"""The style that a linter doesn't know: names, docstrings, sizes, words, and the `Retry:` line of what writes."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.tree import PROGRAMS, PYTHON_FOLDERS, ROOT, Module, modules

LINES_MAX = 300
LONGER = {
    "tests.contract.store_contract": "one suite, read from top to bottom as the store's promises",
    "tests.contract.test_bigtable_store": "one store's own promises beside that suite",
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:work|root|home|Users|mnt)/")
FOLDERS = (*PYTHON_FOLDERS, "deploy")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".html", ".txt", ""}

# Modules that write somewhere others read, and their functions that don't.
READS = {
    "pipeline.store.contract": {
        "Store.read",
        "Store.scan",
        "Store.close",
        "Store.flush",
        "by_row",
        "merged_ranges",
        "prefix_end",
    },
    "pipeline.store.fixed": set(),
    "pipeline.shard.keeper": {"ShardKeeper.adopt"},
    "pipeline.progress": {"bounded_run_name", "following_run_name"},
    "pipeline.adopt": set(),
    "pipeline.definitions.push": set(),
    "pipeline.worker": {"Worker.adopt"},
}

SKIP = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail)|importorskip")
MAY_SKIP = {
    "tests.support.emulators": "no Bigtable emulator on this machine",
    "tests.support.redis_server": "no Redis on this machine",
    "tests.support.retail": "the retail month is not on this machine",
    "tests.e2e.test_retail": "holds that absence is told",
    "tests.unit.test_embedded_redis": "only Linux ends a child with its parent",
}
TEST_NAME = re.compile(r"test(?:_[a-z0-9]+){3,}")


def test_every_module_says_what_it_owns() -> None:
    silent = [
        m.name for m in modules(*PYTHON_FOLDERS) if not ast.get_docstring(m.tree) and not _is_empty_test_package(m)
    ]
    assert silent == []


def test_no_module_outgrows_what_one_can_hold_in_the_head() -> None:
    long = {m.name: n for m in modules(*PYTHON_FOLDERS) if (n := m.text.count("\n")) > LINES_MAX}
    assert {name: n for name, n in long.items() if name not in LONGER} == {}
    assert LONGER.keys() <= long.keys(), "these have become short again"


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [m.name for m in modules(*PYTHON_FOLDERS) if NAMELESS & set(m.name.rpartition(".")[2].split("_"))] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    files = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()]
    files += [p for p in ROOT.iterdir() if p.is_file() and p.suffix in TEXT_SUFFIXES] + [ROOT / ".ci" / "run"]
    texts = {p: p.read_text() for p in files if p.suffix in TEXT_SUFFIXES and "__pycache__" not in p.parts}
    assert {
        str(p.relative_to(ROOT)): found[0] for p, text in texts.items() if (found := MACHINE_PATH.search(text))
    } == {}


@pytest.mark.parametrize("name", READS)
def test_every_write_says_what_a_second_call_does(name: str) -> None:
    module = next(m for m in modules(*PROGRAMS) if m.name == name)
    writes = [
        (f, node, owner) for f, node, owner in module.functions() if "_" not in (node.name[0],) and f not in READS[name]
    ]
    silent = [f for f, node, owner in writes if "**Retry:**" not in _docstrings(node, owner)]
    assert silent == []


def test_tests_have_sentences_for_names() -> None:
    for module in modules("tests"):
        names = [node.name for _, node, _ in module.functions() if node.name.startswith("test")]
        assert [name for name in names if not TEST_NAME.fullmatch(name)] == [], module.name


def test_only_a_missing_server_lets_a_test_be_left_out() -> None:
    skipping = {m.name for m in modules("tests") if SKIP.search(m.text) and m.path.name != "test_style.py"}
    assert skipping == MAY_SKIP.keys()


def _is_empty_test_package(module: Module) -> bool:
    return module.name.startswith("tests") and module.path.name == "__init__.py" and not module.text


def _docstrings(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef | None) -> str:
    """A class may say it once for all its methods."""
    return (ast.get_docstring(node) or "") + ((ast.get_docstring(owner) or "") if owner else "")
