"""Stray times: a few events that lie years from all others and would stretch the log's span."""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np

from journeylib.core import US_PER_DAY

_SILENT_DAYS = 365
_FEW = 0.005


def usual_span(rows: ir.Table, ends: tuple[int, int]) -> tuple[int, int] | None:
    """Return where the log lies, where a few events lie far outside.

    Parameters
    ----------
    rows : ibis.Table
        Events with ``t_us``, microseconds since 1970 UTC.
    ends : pair of int
        The first and the last of these times.

    Returns
    -------
    tuple of int or None
        First microsecond of the span, and the one after its last. None where no event is stray:
        the log is not broken by a year of silence, or more than half a percent of its events
        lie beyond it.
    """
    first, last = (end // US_PER_DAY for end in ends)
    if last - first < _SILENT_DAYS:
        return None
    day = (rows["t_us"] // US_PER_DAY).cast("int64")
    counted = rows.group_by(day=day).aggregate(n=rows.count()).order_by("day").to_pyarrow()
    days, n = counted["day"].to_numpy(), counted["n"].to_numpy()
    run = np.concatenate([[0], np.cumsum(np.diff(days) >= _SILENT_DAYS)])
    events = np.bincount(run, weights=n)
    usual = int(events.argmax())
    if len(events) == 1 or events.sum() - events[usual] > _FEW * events.sum():
        return None
    within = days[run == usual]
    return int(within[0]) * US_PER_DAY, (int(within[-1]) + 1) * US_PER_DAY
