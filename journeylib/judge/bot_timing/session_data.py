"""Bot sessions as the tipping-point modules take them: checked, then in the order of time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from journeylib.core import RunError, did_you_mean
from journeylib.judge.bot_timing.spells import Spells
from journeylib.judge.moments.design_matrix import content_order

Clock = Literal["minutes", "turns"]

OPEN, FRUSTRATED, RESOLVED, SCRIPTED = 0, 1, 2, 3


def check_sessions(sessions: pd.DataFrame, clock: Clock, *more: str) -> None:
    """Raise unless the table of bot sessions can be used.

    Parameters
    ----------
    sessions : DataFrame
        One row per bot session: `minutes` (or `turns`) from the first bot turn to its end;
        `event`: 0 still open at the log's end, 1 frustrated exit, 2 resolved, 3 scripted
        transfer; `customer`; optionally `entry`, the time from which it was seen, where it
        began before the log.
    clock : {"minutes", "turns"}
    *more : str
        Further columns that are needed.

    Raises
    ------
    RunError
        Where a column is absent, a time is missing or negative, or a code is unknown.
    """
    for name in (clock, "event", "customer", *more):
        if name not in sessions.columns:
            raise RunError(
                f"column '{name}' is not in the table of bot sessions."
                f"{did_you_mean(name, map(str, sessions.columns))}"
            )
    unknown = int((~sessions["event"].isin((OPEN, FRUSTRATED, RESOLVED, SCRIPTED))).sum())
    if unknown:
        raise RunError(
            f"{unknown} sessions have an unknown 'event'. Codes: 0 open, 1 frustrated, "
            "2 resolved, 3 scripted transfer"
        )
    first = 1 if clock == "turns" else 0
    usable = (sessions[clock] >= first) & np.isfinite(sessions[clock])
    if "entry" in sessions.columns:
        usable &= (sessions["entry"] >= 0) & (sessions["entry"] <= sessions[clock])
    wrong = int((~usable).sum())
    if wrong:
        raise RunError(
            f"{wrong} sessions have no usable '{clock}' (missing, below {first}, or before "
            "'entry'); leave them out first"
        )


def spells_of(sessions: pd.DataFrame, clock: Clock, *events: int) -> Spells:
    """Return sessions in order of their end, with the given codes as the event.

    Rows and customers are in the same order whatever the codes, so that one resample of
    customers serves both hazards.
    """
    time = sessions[clock].to_numpy(np.float64)
    code = sessions["event"].to_numpy(np.float64)
    entry = sessions["entry"].to_numpy(np.float64) if "entry" in sessions else np.zeros(len(time))
    signature = np.column_stack([time, code, entry])
    content, cluster = content_order(signature, sessions["customer"].to_numpy())
    order = np.lexsort((cluster, entry[content], code[content], time[content]))
    rows = content[order]
    return Spells(time[rows], np.isin(code[rows], events), entry[rows], cluster[order])
