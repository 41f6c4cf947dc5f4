"""The content of a document: what its fields are called is read from the results of the rooms."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from journeylib.audits.document.document_schema import Node, resolved, types
from journeylib.core import Estimate, rounded

Reader = Callable[[Any], Any]
_PLAIN = frozenset({str, int, bool, type(None)})


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
    return _reader(node, minimum)(source)


def _reader(node: Node, minimum: int) -> Reader:
    """Return what reads a part of the document: the schema is asked once, not for each row."""
    node = resolved(node)
    if "properties" in node:
        fields = {name: _reader(part, minimum) for name, part in node["properties"].items()}
        read: Reader = partial(_fields, fields, minimum)
    elif "additionalProperties" in node:
        read = partial(_named, _reader(node["additionalProperties"], minimum))
    elif "items" in node:
        read = partial(_rows, _reader(node["items"], minimum))
    else:
        read = partial(_value, float if "number" in types(node) else int)

    def part(source: Any) -> Any:
        absent = source is None or (isinstance(source, float) and math.isnan(source))
        return None if absent else read(source)

    return part


def _fields(fields: Mapping[str, Reader], minimum: int, source: Any) -> dict[str, Any]:
    if isinstance(source, Estimate):
        return estimate_entry(source, minimum)
    part_of = _parts(source)
    return {name: read(part_of(name)) for name, read in fields.items()}


def _parts(source: Any) -> Reader:
    """Return what finds a part of a result by its name."""
    if isinstance(source, Variation):
        values, others = source.values, _parts(source.result)
        return lambda name: values[name] if name in values else others(name)
    return source.get if isinstance(source, Mapping) else partial(getattr, source)


def _named(read: Reader, source: Any) -> dict[str, Any]:
    return {name: read(source[name]) for name in sorted(source)}


def _rows(read: Reader, source: Any) -> list[Any]:
    return [
        read(row)
        for row in (source.to_dict("records") if isinstance(source, pd.DataFrame) else source)
    ]


def _value(number: Callable[[Any], float], source: Any) -> Any:
    value = clean(source.value if isinstance(source, Estimate) else source)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if is_number else value


def estimate_entry(estimate: Estimate, minimum: int) -> dict[str, Any]:
    """Return an estimate as the document holds it: of too few customers without its numbers."""
    entry = estimate.to_dict()
    if 0 < estimate.n_customers < minimum:
        entry |= dict.fromkeys(("value", "lo", "hi")) | {"n_customers": 0, "n_journeys": 0}
        entry["abstain"] = entry["abstain"] or "privacy"
    return entry


def clean(value: Any) -> Any:
    """Return plain JSON values: numpy scalars unwrapped, floats rounded, NaN as None."""
    if type(value) in _PLAIN:  # most are, and the next question takes long
        return value
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
