"""The steps of journeys as a table, for whoever looks at single events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from journeylib.journeys.walk.event_columns import MISSING, Codes, Numbers
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import as_words

_NUMBERS = ("customer_no", "group", "touchpoint_no")


def step_table(events: Events, names: Mapping[int, str]) -> pa.Table:
    """Return one row per event, in the order of the journeys; columns of `Journeys.steps`."""
    words = pa.array([names[number] for number in range(len(names))], pa.string())
    left_out = (*_NUMBERS, "case_no", "touchpoint")
    own = [name for name in events.columns.source.columns if name not in left_out]
    table: dict[str, Any] = {name: _as_arrow(events.column(name)) for name in own}
    table |= {name: events.column(name).astype(np.int64) for name in _NUMBERS}
    visit_step = events.step[events.visit_row]
    table |= {
        "touchpoint": words.take(pa.array(events.touchpoint)),
        "journey": events.key,
        "step": events.step.astype(np.int64),
        "steps": np.diff(events.begins)[events.journey],
        "visit": events.visit.astype(np.int64),
        "starts_visit": events.starts_visit,
        "ends_visit": events.ends_visit,
        "visit_step": visit_step.astype(np.int64),
        "next_touchpoint": words.take(_or_null(events.next_touchpoint, -1)),
        "next_touchpoint_no": _or_null(events.next_touchpoint.astype(np.int64), -1),
    }
    if events.has("actor"):
        actor = events.column("actor")
        table["next_actor"] = as_words(Codes(events.next_of(actor.held, -1), actor.words))
    if events.has("t_us"):
        table |= {
            "visit_us": events.t_us[events.visit_row],
            "next_us": _or_null(events.next_us, MISSING),
            "service_us": _or_null(events.service_us, MISSING),
            "wait_us": _or_null(events.wait_us, MISSING),
        }
    if events.has("boundary_micro"):
        table["boundary_micro"] = _or_null(events.column("boundary_micro"), MISSING)
    return pa.table(table)


def _as_arrow(column: Any) -> pa.Array:
    if isinstance(column, Codes):
        return as_words(column)
    if column.dtype == np.int8:
        return pa.array(column == 1, mask=column < 0)
    if column.dtype.kind == "f":
        return pa.array(column, from_pandas=True)
    return _or_null(column, MISSING)


def _or_null(values: Numbers, missing: int) -> pa.Array:
    return pa.array(values, mask=values == missing)
