"""The style that a linter doesn't know: names, docstrings, sizes, words, and the `Retry:` line of what writes."""

from __future__ import annotations

import ast
import re

from tests.support.tree import PROGRAMS, PYTHON_FOLDERS, ROOT, Definition, Function, Module, modules

LINES_MAX = 300
LONGER = {
    "tests.contract.store_contract": "one suite, read from top to bottom as the store's promises",
    "tests.e2e.test_run_measures": "a short test for each thing that the contract says of a measure",
    "tests.contract.test_bigtable_store": "one store's own promises beside that suite",
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:work|root|home|Users|mnt)/")
FOLDERS = (*PYTHON_FOLDERS, "deploy")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".html", ".txt", ""}

# Calls that change what others read. Whatever public function leads to one says what a second call of it does.
WRITES = {"commit", "put_meta", "put_meta_rows", "create_meta", "settle", "hset", "hdel"}
HANDED_ON = {
    "pipeline.store.sqlite": "the contract says it",
    "pipeline.store.bigtable.store": "the contract says it",
    "pipeline.pool": "the worker says it",
    "pipeline.local": "a whole run: the README says it",
}
CONTRACT_READS = {"Store.read", "Store.scan", "Store.seqs", "Store.flush", "Store.close"}

RETRY = "**Retry:**"

SKIP = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail)|importorskip")
MAY_SKIP = {
    "tests.support.missing": "no server, browser or data on this machine; a failure where CI is set",
    "tests.e2e.test_retail": "holds that absence is told",
    "tests.unit.test_embedded_redis": "only Linux ends a child with its parent",
}
ABOUT_SKIPS = {"tests.tidy.test_style", "tests.tidy.test_left_out"}
TEST_NAME = re.compile(r"test(?:_[a-z0-9]+){3,}")


def test_every_module_says_what_it_owns() -> None:
    silent = [m.name for m in modules(*PYTHON_FOLDERS) if not ast.get_docstring(m.tree) and not _is_empty_test_package(m)]
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
    assert {str(p.relative_to(ROOT)): found[0] for p, text in texts.items() if (found := MACHINE_PATH.search(text))} == {}


def test_every_write_of_the_contract_says_what_a_second_call_does() -> None:
    contract = next(m for m in modules("pipeline") if m.name == "pipeline.store.contract")
    methods = {name: node for name, node, owner in contract.functions() if owner and owner.name == "Store"}
    assert methods.keys() > CONTRACT_READS
    assert [n for n, node in methods.items() if n not in CONTRACT_READS and RETRY not in _docstrings(node, None)] == []


def test_every_function_that_leads_to_a_write_says_what_a_second_call_does() -> None:
    silent = [
        f"{module.name}.{name}"
        for module in modules(*PROGRAMS)
        if module.name not in HANDED_ON
        for name, node, owner in _writing(module)
        if not node.name.startswith("_") and RETRY not in _docstrings(node, owner)
    ]
    assert silent == []


def test_tests_have_sentences_for_names() -> None:
    for module in modules("tests"):
        names = [node.name for _, node, _ in module.functions() if node.name.startswith("test")]
        assert [name for name in names if not TEST_NAME.fullmatch(name)] == [], module.name


def test_only_a_missing_server_lets_a_test_be_left_out() -> None:
    skipping = {m.name for m in modules("tests") if SKIP.search(m.text)} - ABOUT_SKIPS
    assert skipping == MAY_SKIP.keys()


def _is_empty_test_package(module: Module) -> bool:
    return module.name.startswith("tests") and module.path.name == "__init__.py" and not module.text


def _writing(module: Module) -> list[Function]:
    """The module's functions that call a write, or one another that does."""
    found = list(module.functions())
    calls = {name: _called(node) for name, node, _ in found}
    reaching = set(WRITES)
    while more := {n.rpartition(".")[2] for n, called in calls.items() if called & reaching} - reaching:
        reaching |= more
    return [function for function in found if calls[function[0]] & reaching]


def _called(node: ast.AST) -> set[str]:
    functions = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    attributes = {f.attr for f in functions if isinstance(f, ast.Attribute)}
    return attributes | {f.id for f in functions if isinstance(f, ast.Name)}


def _docstrings(node: Definition, owner: ast.ClassDef | None) -> str:
    """A class may say it once for all its methods."""
    return (ast.get_docstring(node) or "") + ((ast.get_docstring(owner) or "") if owner else "")
