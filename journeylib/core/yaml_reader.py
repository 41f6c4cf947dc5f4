"""YAML that people write: read as data, refused where a small text becomes a huge value."""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 40  # levels of lists and keys within each other
MOST = 100_000  # values, every alias counted as what it stands for


def read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """Return what a YAML text holds, and its nodes, which know their lines.

    Parameters
    ----------
    text : str

    Raises
    ------
    yaml.YAMLError
        The text is not YAML, lies too deep, holds too many values, or stands for itself.
    """
    _refuse_bombs(text)
    return yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)


def _refuse_bombs(text: str) -> None:
    """Count what a text stands for, event by event: nothing is built meanwhile."""
    sizes: dict[str, int] = {}
    open_parts: list[tuple[str | None, int]] = []  # anchor, and the count when it began
    count = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        problem = None
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                problem = "an alias stands for what holds it, or for nothing"
            count += sizes.get(str(event.anchor), 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_parts.append((event.anchor, count))
            count += 1
            if event.anchor is not None:
                sizes.pop(event.anchor, None)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_parts.pop()
            if anchor is not None:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(open_parts) > DEEPEST:
            problem = f"more than {DEEPEST} levels within each other"
        elif count > MOST:
            problem = f"more than {MOST} values, aliases counted as what they stand for"
        if problem is not None:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
