"""Bot sessions: checked once, put in order once, and handed to every model of the time in a bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from journeylib.core import Floats, RunError, refuse_unknown
from journeylib.judge.estimation.design_matrix import Bools, Ints, content_order

Clock = Literal["minutes", "turns"]

OPEN, FRUSTRATED, RESOLVED, SCRIPTED = 0, 1, 2, 3
EVERYONE = "all"
PLACES = 40
BEYOND_CHANCE = 1.645  # standard errors: independent sessions look alike one time in twenty


@dataclass(frozen=True)
class SessionTimes:
    """Sessions in the order of their end, with one kind of end as the event.

    Attributes
    ----------
    end : ndarray of float64, shape (n,)
        Minutes (or turns) from the first bot turn to the end, sorted.
    event : ndarray of bool, shape (n,)
        Whether the end is the event of interest.
    entry : ndarray of float64, shape (n,)
        Minute from which the session was seen; 0 unless it began before the log.
    customer : ndarray of int64, shape (n,)
        0..customers − 1.
    """

    end: Floats
    event: Bools
    entry: Floats
    customer: Ints

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    @property
    def exposure(self) -> float:
        """Minutes at risk."""
        return float((self.end - self.entry).sum())


@dataclass(frozen=True)
class BotSessions:
    """Bot sessions in the order of their end, then of what they hold.

    Attributes
    ----------
    frame : DataFrame
        One row per session, as `bot_sessions` takes it; ``entry`` (float64) is always there and
        ``customer`` is 0..customers − 1.
    clock : {"minutes", "turns"}
    """

    frame: pd.DataFrame
    clock: Clock

    @property
    def customers(self) -> int:
        """Number of distinct customers."""
        return int(self.frame["customer"].max()) + 1 if len(self.frame) else 0

    def ending(self, *codes: int) -> SessionTimes:
        """Return the times, with an end of one of these codes as the event.

        Rows and customers are in the same order whatever the codes, so that one resample of
        customers serves several hazards.
        """
        frame = self.frame
        return SessionTimes(
            frame[self.clock].to_numpy(np.float64),
            np.isin(frame["event"].to_numpy(), codes),
            frame["entry"].to_numpy(np.float64),
            frame["customer"].to_numpy(np.int64),
        )


def bot_sessions(sessions: pd.DataFrame, clock: Clock = "minutes", *more: str) -> BotSessions:
    """Check a table of bot sessions and put it in order.

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
    needed, columns = (clock, "event", "customer", *more), [str(name) for name in sessions.columns]
    problem = "column '{name}' is not in the table of bot sessions.{near}"
    refuse_unknown(needed, columns, problem, RunError)
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
    return _in_order(sessions, clock)


def segments_of(sessions: BotSessions, column: str | None = None) -> Mapping[str, BotSessions]:
    """Return all sessions as ``"all"``, then those of each value of `column`, by its name."""
    segments = {EVERYONE: sessions}
    if column is not None:
        parts = sessions.frame.dropna(subset=[column]).groupby(column)
        for name, part in sorted(parts, key=lambda pair: str(pair[0])):
            segments[str(name)] = _in_order(part, sessions.clock)
    return segments


def _in_order(sessions: pd.DataFrame, clock: Clock) -> BotSessions:
    end, code = (sessions[name].to_numpy(np.float64) for name in (clock, "event"))
    entry = sessions["entry"].to_numpy(np.float64) if "entry" in sessions else np.zeros(len(end))
    signature = np.column_stack([end, code, entry])
    content, customer = content_order(signature, sessions["customer"].to_numpy())
    order = np.lexsort((customer, entry[content], code[content], end[content]))
    rows = content[order]
    frame = sessions.iloc[rows].reset_index(drop=True)
    return BotSessions(frame.assign(customer=customer[order], entry=entry[rows]), clock)


def resampled_customers(customer: Ints, rng: np.random.Generator) -> Ints:
    """Draw customers with replacement and return how often each row counts."""
    customers = int(customer.max()) + 1
    counts = np.bincount(rng.integers(0, customers, customers), minlength=customers)
    return np.asarray(counts[customer])


def design_effects(sessions: SessionTimes, at: Floats) -> Floats:
    """Return by how much dependence within customers inflates the statistic of each break.

    Parameters
    ----------
    sessions : SessionTimes
    at : ndarray of float64
        Possible breaks.

    Returns
    -------
    ndarray of float64
        Like `at`, at least 1; exactly 1 where every customer has one session, or theirs are no
        more alike than independent ones are by chance.

    Notes
    -----
    Variance of the score of a break, with customers as witnesses, over the same with sessions:
    the first-order correction of a likelihood ratio by Rao and Scott (1984), Annals of
    Statistics 12, 46–60, taken at 40 places and interpolated between them. The score of a
    session is M(τ) − s·M(∞), with M its events less those that a constant hazard expects of its
    time at risk, and s the share of all time at risk before τ.
    """
    if int(sessions.customer.max(initial=-1)) + 1 == len(sessions.end) or not len(at):
        return np.ones(len(at))
    places = np.unique(np.quantile(at, np.linspace(0, 1, PLACES), method="nearest"))
    rate = sessions.events / sessions.exposure
    ended = sessions.event.astype(np.float64)
    whole = ended - rate * (sessions.end - sessions.entry)
    effects = np.empty(len(places))
    for k, time in enumerate(places):
        risk = np.minimum(sessions.end, time) - np.minimum(sessions.entry, time)
        before = ended * (sessions.end <= time) - rate * risk
        score = before - risk.sum() / sessions.exposure * whole
        total, squares, fourth = (
            np.bincount(sessions.customer, weights=score**power) for power in (1, 2, 4)
        )
        alone = float(squares.sum())
        excess = float((total**2 - squares).sum())
        chance = float(np.sqrt(max(2 * (squares**2 - fourth).sum(), 0.0)))
        effects[k] = 1 + excess / alone if excess > BEYOND_CHANCE * chance else 1.0
    return np.asarray(np.interp(at, places, effects))
