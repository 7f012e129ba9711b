"""The project's own files, for the tests that hold its order: what modules import, what lies on the disk."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("pipeline", "readers")
PYTHON_FOLDERS = (*PROGRAMS, "benchmarks", "tests")
NOT_OURS = ("build", "dist")  # made by tools; hidden names and *.egg-info too

Definition = ast.FunctionDef | ast.AsyncFunctionDef
Function = tuple[str, Definition, ast.ClassDef | None]  # its qualified name, and the class it belongs to


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """Its dotted name; a package's is that of its `__init__`."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every dotted name it imports, wherever in the module; `from a import b` gives a and a.b."""
        return frozenset(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{self.name}: imports are absolute here"
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
                yield str(node.module)

    def functions(self) -> Iterator[Function]:
        """Its functions and methods."""
        for node in self.tree.body:
            if isinstance(node, Definition):
                yield node.name, node, None
            elif isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, Definition):
                        yield f"{node.name}.{part.name}", part, node


def modules(*folders: str) -> list[Module]:
    """All modules in these folders."""
    return [Module(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def within(name: str, *packages: str) -> bool:
    """Is a dotted name one of these, or inside of one?"""
    return any(name == package or name.startswith(package + ".") for package in packages)


def top_level() -> set[str]:
    """What lies at the top of the tree and is ours; folders end with a slash. Of hidden things only the CI's script."""
    ours = [p for p in ROOT.iterdir() if not p.name.startswith(".") and p.name not in NOT_OURS]
    names = {p.name + "/" if p.is_dir() else p.name for p in ours if not p.name.endswith(".egg-info")}
    return names | {".ci/run"}


def packages(folder: str) -> set[str]:
    """The folders right below one that hold files of ours, each with a slash at its end."""
    below = [p for p in (ROOT / folder).iterdir() if p.is_dir() and p.name != "__pycache__"]
    return {p.name + "/" for p in below if any(f.is_file() and "__pycache__" not in f.parts for f in p.rglob("*"))}
