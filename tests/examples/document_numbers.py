"""Every number of an audit's document, by its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "formats" / "audit.schema.json"
# What tells one entry of a list from another; entries of other lists have their number.
NAMES = {
    "log.quality": ("check", "role"),
    "touchpoints": ("touchpoint",),
    "transitions": ("source", "target"),
    "handoffs.actor_changes": ("source", "target"),
    "handoffs.waterfall": ("step",),
    "structure.chain": ("touchpoint",),
    "structure.ends": ("touchpoint", "end"),
    "structure.points_of_no_return": ("touchpoint",),
    "structure.maps.*.ledger": ("what",),
    "cut_sensitivity": ("cut", "gap_days", "threshold"),
    "stories.stories.*.ends": ("end",),
    "stories.segments": ("segment",),
    "decisions.bots": ("touchpoint",),
    "decisions.items": ("id",),
    "paradoxes": ("name",),
    "changes": ("id",),
    "findings": ("id",),
    "surveys": ("survey",),
    "moments_of_truth": ("touchpoint", "outcome"),
    "presence": ("touchpoint",),
    "tipping_points": ("segment",),
    "detectors": ("detector",),
}


@dataclass(frozen=True)
class Number:
    """A number, or an estimate with its base.

    Attributes
    ----------
    place : str
        Keys from the top of the document, with ``*`` for an entry of a list.
    labels : tuple
        Names of those entries, from the outermost to the innermost.
    value : int, float, None or dict
        None where the schema lets a whole number be missing; a dict is an estimate.
    holder : dict
        What the number stands in.
    """

    place: str
    labels: tuple[Any, ...]
    value: Any
    holder: dict[str, Any]

    @property
    def is_estimate(self) -> bool:
        return isinstance(self.value, dict)


@cache
def may_be_missing() -> frozenset[str]:
    """Return the keys of whole numbers that the schema lets be null."""
    parts = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"].values()
    return frozenset(
        key
        for part in parts
        for key, kind in part.get("properties", {}).items()
        if {"integer", "null"} <= set(types_of(kind))
    )


def types_of(kind: dict[str, Any]) -> list[str]:
    """Return the types that a property may have."""
    own = kind.get("type", [])
    either = [name for option in kind.get("anyOf", []) for name in types_of(option)]
    return [*([own] if isinstance(own, str) else own), *either]


def numbers(
    value: Any, keys: tuple[str, ...] = (), labels: tuple[Any, ...] = (), holder: Any = None
) -> Iterator[Number]:
    """Yield every number and estimate of a document, but for what is true or false."""
    place = ".".join(keys)
    if isinstance(value, dict):
        if {"value", "abstain", "n_customers"} <= set(value):
            yield Number(place, labels, value, holder)
            return
        for key, part in value.items():
            yield from numbers(part, (*keys, key), labels, value)
    elif isinstance(value, list | tuple):
        for position, part in enumerate(value):
            fields = NAMES.get(place) if isinstance(part, dict) else None
            own = tuple(part[field] for field in fields) if fields else (position,)
            yield from numbers(part, (*keys, "*"), (*labels, *own), holder)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Number(place, labels, value, holder)
    elif value is None and keys and keys[-1] in may_be_missing():
        yield Number(place, labels, None, holder)
