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
    "decisions.items": ("kind",),
    "paradoxes": ("name",),
    "changes": ("id",),
    "findings": ("id",),
    "surveys": ("kind",),
    "moments_of_truth": ("touchpoint", "outcome"),
    "presence": ("touchpoint", "outcome"),
    "tipping_points": ("segment",),
    "detectors": ("detector",),
}

BOUNDED = ("events", "journeys", "customers", "share")


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
    at_least : bool
        Whether the document calls it a lower bound.
    """

    place: str
    labels: tuple[Any, ...]
    value: Any
    at_least: bool

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
    value: Any, keys: tuple[str, ...] = (), labels: tuple[Any, ...] = (), least: Any = False
) -> Iterator[Number]:
    """Yield every number and estimate of a document, but for what is true or false.

    `least` is what the part above says of lower bounds: of all its counts, or of which.
    """
    place, key = ".".join(keys), keys[-1] if keys else ""
    bound = key in least if isinstance(least, list) else bool(least) and key in BOUNDED
    if isinstance(value, dict):
        if {"value", "abstain", "n_customers"} <= set(value):
            yield Number(place, labels, value, bound)
            return
        for own, part in value.items():
            yield from numbers(part, (*keys, own), labels, value.get("at_least", least))
    elif isinstance(value, list | tuple):
        for position, part in enumerate(value):
            fields = NAMES.get(place) if isinstance(part, dict) else None
            names = tuple(part[field] for field in fields) if fields else (position,)
            yield from numbers(part, (*keys, "*"), (*labels, *names), least)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Number(place, labels, value, bound)
    elif value is None and key in may_be_missing():
        yield Number(place, labels, None, bound)
