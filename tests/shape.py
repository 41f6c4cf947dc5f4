"""The shape of the library, counted: ``make shape`` prints it, `test_shape.py` holds its limits."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "journeylib"
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Participles say that something was done to a value, adverbs where or when; neither what it is.
NO_NAMES = {
    *("found", "known", "told", "said", "kept", "place"),
    *("came", "gone", "heard", "picked", "hands", "there", "again", "amiss"),
}


@dataclass(frozen=True)
class Size:
    """A function: lines below its docstring, parameters but for `self` and `cls`."""

    name: str
    lines: int
    parameters: int


def modules() -> list[Path]:
    """Return every module of the library."""
    return sorted(PACKAGE.rglob("*.py"))


@cache
def parsed(module: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(module.read_text(encoding="utf-8"))


def room_of(module: Path) -> str:
    """Return the room that a module stands in; the top is called by the library's name."""
    parts = module.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else PACKAGE.name


def entries() -> dict[str, int]:
    """Return how many entries each folder shows; no caches, a module and its stub are one."""
    folders = [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    return {
        str(folder.relative_to(PACKAGE.parent)): len(
            {path.with_suffix(path.suffix.replace(".pyi", ".py")) for path in folder.iterdir()}
            - {folder / "__pycache__"}
        )
        for folder in folders
        if folder.name != "__pycache__"
    }


def stems() -> dict[str, set[str]]:
    """Return the rooms in which a module of each name stands."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        if not module.stem.startswith("__"):
            rooms[module.stem].add(room_of(module))
    return dict(rooms)


def code_lines(module: Path) -> int:
    """Return the lines that hold a token other than a docstring, comment or blank."""
    source = module.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node):
            text = node.body[0]
            documented |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def lines_of_rooms() -> Counter[str]:
    """Return the lines of code of each room."""
    lines: Counter[str] = Counter()
    for module in modules():
        lines[room_of(module)] += code_lines(module)
    return lines


def functions() -> Iterator[Size]:
    """Yield every function with its size."""
    for module in modules():
        for node in ast.walk(parsed(module)):
            if isinstance(node, Function):
                named, begin = node.args, node.body[0]
                if ast.get_docstring(node) and len(node.body) > 1:
                    begin = node.body[1]
                names = [one.arg for one in named.posonlyargs + named.args + named.kwonlyargs]
                yield Size(
                    f"{module.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}",
                    (node.end_lineno or begin.lineno) - begin.lineno + 1,
                    len(names) - (names[:1] in (["self"], ["cls"])),
                )


def vague_names() -> Counter[str]:
    """Return in how many functions of each room a value is called by none of its names."""
    counts: Counter[str] = Counter()
    for module in modules():
        for node in ast.walk(parsed(module)):
            if isinstance(node, Function):
                stored = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)} | {
                    one.id
                    for one in ast.walk(node)
                    if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
                }
                counts[room_of(module)] += len(stored & NO_NAMES)
    return counts


def main() -> None:
    """Print the shape."""
    write = sys.stdout.write
    lines = lines_of_rooms()
    for room, count in sorted(lines.items()):
        write(f"{count:7,} lines of code  {room}\n")
    write(f"{sum(lines.values()):7,} lines of code  in all\n\nfullest folders\n")
    for folder, count in sorted(entries().items(), key=lambda pair: -pair[1])[:8]:
        write(f"{count:7} entries  {folder}\n")
    write("\nnames of modules in more than one room\n")
    for stem, rooms in sorted(stems().items()):
        if len(rooms) > 1:
            write(f"        {stem}: {', '.join(sorted(rooms))}\n")
    vague = vague_names()
    write(f"\n{sum(vague.values())} values called {', '.join(sorted(NO_NAMES))}: ")
    write(", ".join(f"{room} {count}" for room, count in vague.most_common() if count) + "\n")
    sizes = list(functions())
    write(f"\n{len(sizes):,} functions; longest, and those with most parameters\n")
    for size in sorted(sizes, key=lambda size: -size.lines)[:8]:
        write(f"{size.lines:7} lines  {size.name}\n")
    for size in sorted(sizes, key=lambda size: -size.parameters)[:8]:
        write(f"{size.parameters:7} parameters  {size.name}\n")


if __name__ == "__main__":
    main()
