"""The content of a document: what its fields are called is read from the results of the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pandas as pd
from pydantic import BaseModel

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


def content(annotation: Any, source: Any, *, minimum: int) -> Any:
    """Return what a field of the document holds, read from a result by the field's type.

    Parameters
    ----------
    annotation : type
        A model of the schema, or the type of one of its fields.
    source : object
        Frozen result, mapping, `Variation`, rows (a table counts as its rows), estimate or value.
    minimum : int
        An estimate on fewer customers holds no number.

    Returns
    -------
    dict, list or plain JSON value
    """
    if source is None:
        return None
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (UnionType, Union):
        kinds = [kind for kind in inner if kind is not type(None)]
        return content(kinds[0] if len(kinds) == 1 else Any, source, minimum=minimum)
    if origin is dict and inner[1] is not Any:
        items = {name: content(inner[1], one, minimum=minimum) for name, one in source.items()}
        return dict(sorted(items.items()))
    if origin is tuple and inner[-1] is Ellipsis:
        rows = source.to_dict("records") if isinstance(source, pd.DataFrame) else source
        return [content(inner[0], row, minimum=minimum) for row in rows]
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return clean(source.value if isinstance(source, Estimate) else source)
    if isinstance(source, Estimate):
        return _estimate(source, minimum)
    return {
        name: content(field.annotation, _part(source, name), minimum=minimum)
        for name, field in annotation.model_fields.items()
    }


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
    return None if value is pd.NaT or value is pd.NA else value
