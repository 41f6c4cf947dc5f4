"""Benchmarks and examples import only what the library has; running them takes too long here."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
PROGRAMS = sorted([*(HOME / "benchmarks").glob("*.py"), *(HOME / "examples").glob("*.py")])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_program_imports_is_there(program: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("journeylib"):
            module = importlib.import_module(str(node.module))
            missing += [name.name for name in node.names if not hasattr(module, name.name)]
    assert missing == []
