"""The content of a document: what its fields are called is read from the results of the rooms."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.audits.document.document_schema import Node, resolved, types
from journeylib.core import Estimate, rounded


@dataclass(frozen=True)
class Variation:
    """A result, some of whose values the document holds under another name or in another form.

    Attributes
    ----------
    result : object or mapping
    values : mapping of str to object
        By the name of the document's field; all others are read from the result.
    """

    result: Any
    values: Mapping[str, Any]


def varied(result: Any, **values: Any) -> Variation:
    """Return a result with values that the document holds otherwise."""
    return Variation(result, values)


def content(node: Node, source: Any, *, minimum: int) -> Any:
    """Return what a part of the document holds, read from a result as the schema names it.

    Parameters
    ----------
    node : mapping
        A part of the schema.
    source : object
        Frozen result, mapping, `Variation`, rows (a table counts as its rows), estimate or value.
    minimum : int
        An estimate on fewer customers holds no number.
    """
    node = resolved(node)
    if source is None or (isinstance(source, float) and math.isnan(source)):
        return None
    if "properties" in node:
        if isinstance(source, Estimate):
            return _estimate(source, minimum)
        return {
            name: content(part, _part(source, name), minimum=minimum)
            for name, part in node["properties"].items()
        }
    if "additionalProperties" in node:
        part = node["additionalProperties"]
        return {name: content(part, source[name], minimum=minimum) for name in sorted(source)}
    if "items" in node:
        rows = source.to_dict("records") if isinstance(source, pd.DataFrame) else source
        return [content(node["items"], row, minimum=minimum) for row in rows]
    value = clean(source.value if isinstance(source, Estimate) else source)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if "number" in types(node) else int(value)
    return value


def _part(source: Any, name: str) -> Any:
    if isinstance(source, Variation):
        return source.values[name] if name in source.values else _part(source.result, name)
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name)


def _estimate(estimate: Estimate, minimum: int) -> dict[str, Any]:
    entry = estimate.to_dict()
    if 0 < estimate.n_customers < minimum:
        entry |= dict.fromkeys(("value", "lo", "hi")) | {"n_customers": 0, "n_journeys": 0}
        entry["abstain"] = entry["abstain"] or "privacy"
    return entry


def clean(value: Any) -> Any:
    """Return plain JSON values: numpy scalars unwrapped, floats rounded, NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, pd.DataFrame):
        return clean(value.to_dict("records"))
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if value is pd.NaT or value is pd.NA else value
