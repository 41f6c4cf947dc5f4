"""The journey graph as an absorbing Markov chain: where journeys go from here, and how surely.

States are `START` and the touchpoints; journeys are absorbed into their ends. A journey that is
still open is censored: the moves it made count, its unfinished last visit says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import (
    DRAWS,
    GROUPS,
    Grade,
    Resampled,
    named_parts,
    refuse_other,
    refuse_unknown,
    resample,
    working,
)
from journeylib.journeys.graph.ends import ENDS, journey_ends
from journeylib.journeys.graph.markov_order import OrderTest, order_test
from journeylib.journeys.graph.public_moves import public_moves
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import count_units
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.journeys.walk.tables import OTHER, START

Floats = npt.NDArray[np.float64]

# From here on what still happens hardly changes how the journey ends.
SETTLED = 0.95
# The chain is solved for every resample: its cost grows with the cube of its states.
MOST = 100
# Where more than half of the paths run into visits that nobody has yet left, ends are a guess.
MAX_OPEN = 0.5
# Where more than this share of the moves from a touchpoint is hidden, where they lead is a guess.
MAX_HIDDEN = 0.4
WHOLE = 4096  # parts of a move: a chain is the same in any unit, and whole numbers add up fast
_BATCH = 64
GRADE: Grade = "C"

MEASURES: dict[str, str] = {
    "visited": "share",
    "visits": "visits/journey",
    "steps_to_end": "steps",
    **{f"p_{end}": "share" for end in ENDS},
    "removal_effect": "share",
}
COUNTED = ("visited", "visits")
FORESEEN = tuple(measure for measure in MEASURES if measure not in COUNTED)
# What all journeys say of a touchpoint; the others rest on the journeys that come by.
OF_ALL = ("visited", "visits", "removal_effect")


@dataclass(frozen=True)
class Absorbed:
    """An absorbing chain solved; leading axes are those of the counts.

    Attributes
    ----------
    visits : ndarray of float64, shape (..., m, m)
        Expected visits to each state from each state, the fundamental matrix N.
    ends : ndarray of float64, shape (..., m, ends)
        Probability of each end from each state, B; rows add up to 1.
    """

    visits: Floats
    ends: Floats

    @property
    def visited(self) -> Floats:
        """Probability that a journey ever comes to each state."""
        own = np.diagonal(self.visits, axis1=-2, axis2=-1)
        return np.asarray(self.visits[..., 0, :] / own)

    @property
    def removal_effect(self) -> Floats:
        """Share of goals that are reached through each state; NaN where no goal is reached.

        Sending every visit of i to a bad end leaves the paths to the goal that avoid i, so
        the loss is P(ever at i) · P(goal from i); START itself has the effect 1.
        """
        goal = self.ends[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.visited * goal / goal[..., :1])


def absorb(counts: npt.ArrayLike) -> Absorbed:
    """Solve the absorbing chain of transition counts.

    Parameters
    ----------
    counts : array, shape (..., m, m + ends)
        Moves from each state, `START` first, to each state and then to each end; the last end
        holds visits that nobody has left yet (censored), which are no moves.

    Returns
    -------
    Absorbed
        From states whose exits are all unseen, or that only lead among such states, the last
        end is certain.

    Notes
    -----
    With P = [Q R; 0 I]: N = (I − Q)⁻¹, B = N R (Kemeny and Snell, Finite Markov Chains, 1960,
    chapter 3). The inverse is by elimination without pivoting, which is safe because I − Q is
    an M-matrix, and, unlike LAPACK's, adds in an order that no number of threads changes.
    """
    table = np.asarray(counts, dtype=np.float64)
    m = table.shape[-2]
    flat = table.reshape(-1, m, table.shape[-1])
    visits, ends = [], []
    for start in range(0, len(flat), _BATCH):
        Q, R = _probabilities(flat[start : start + _BATCH], m)
        N = _inverse(np.eye(m) - Q)
        visits.append(N)
        ends.append(np.einsum("bij,bje->bie", N, R))
    lead = table.shape[:-2]
    return Absorbed(
        np.concatenate(visits).reshape(*lead, m, m), np.concatenate(ends).reshape(*lead, m, -1)
    )


def _probabilities(counts: Floats, m: int) -> tuple[Floats, Floats]:
    moves = counts.copy()
    moves[..., -1] = 0.0
    # Who can leave for good: states with an exit, then those that lead to one.
    leaves: npt.NDArray[np.bool_] = np.any(moves[..., m:] > 0, axis=-1)
    leads = moves[..., :m] > 0
    while True:
        further = leaves | np.any(leads & leaves[:, None, :], axis=-1)
        if (further == leaves).all():
            break
        leaves = further
    moves[~leaves] = 0.0
    moves[~leaves, -1] = 1.0
    shares = moves / moves.sum(axis=-1, keepdims=True)
    return shares[..., :m], shares[..., m:]


def _inverse(a: Floats) -> Floats:
    """Invert a batch of M-matrices by Gauss and Jordan, in place of LAPACK."""
    m = a.shape[-1]
    for k in range(m):
        pivot = a[:, k, k].copy()
        a[:, k, k] = 1.0
        a[:, k, :] /= pivot[:, None]
        factor = a[:, :, k].copy()
        factor[:, k] = 0.0
        a[:, :, k] = np.where(np.arange(m) == k, a[:, :, k], 0.0)
        a -= factor[:, :, None] * a[:, k, None, :]
    return a


@dataclass(frozen=True)
class Chain:
    """Where journeys go from each touchpoint; grade C throughout.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per touchpoint (and `START`, for the journey as a whole) and measure:
        ``touchpoint``, ``measure``, ``value``, ``lo``, ``hi``, ``unit``, ``n_journeys``,
        ``n_customers``, ``grade``, ``abstain``. Measures: ``visited`` (share of journeys that
        come here) and ``visits`` (per journey), both counted; ``steps_to_end`` (at least 1),
        ``p_goal``, ``p_bad_end``, ``p_other``, ``p_open`` (how journeys that are here end;
        open: the log does not show), ``removal_effect`` (share of goals reached through here:
        connectivity, not a cause).
    points_of_no_return : pandas.DataFrame
        ``touchpoint``, ``towards`` (``goal`` or ``no goal``), ``p_goal``, ``lo``, ``hi``,
        ``visited``, ``n_customers``; declared goals and bad ends themselves are left out. Judged
        by all transitions, also those that are not shown; its numbers are those of `table`.
    order : OrderTest
        Whether one step of memory is enough for all of this.
    suppressed : int
        Touchpoints left out for having too few customers.
    """

    table: pd.DataFrame
    points_of_no_return: pd.DataFrame
    order: OrderTest
    suppressed: int

    __repr__ = named_parts

    def value(self, touchpoint: str, measure: str) -> float:
        """Return one number of `table`.

        Raises
        ------
        ConfigError
            If there is no such measure, or no touchpoint of this name with enough customers.
        """
        rows = self.table
        for column, name in (("touchpoint", touchpoint), ("measure", measure)):
            problem = (
                "the chain has no {column} '{name}'.{near} Touchpoints of too few customers, and "
                "goals and bad ends themselves, are left out."
            )
            refuse_unknown([name], list(rows[column].unique()), problem, column=column)
        values = rows.loc[
            (rows["touchpoint"] == touchpoint) & (rows["measure"] == measure), "value"
        ]
        return float(values.iloc[0])


@working("reading the chain of touchpoints")
def journey_chain(
    journeys: Journeys, *, most: int = MOST, ends: pd.DataFrame | None = None
) -> Chain:
    """Read the journeys as an absorbing Markov chain.

    Parameters
    ----------
    journeys : Journeys
        With goals declared, else what concerns the goal abstains.
    most : int
        States of the chain: where there are more touchpoints, those of fewest journeys are one
        state, ``(other)``.
    ends : pandas.DataFrame, optional
        How journeys end, where that has been counted; see `journey_ends`.

    Returns
    -------
    Chain
        The measures of each touchpoint, the points of no return, the test of order, and how many
        touchpoints have too few customers to be shown.

    Notes
    -----
    The chain is made of the transitions that may be shown, so that nobody can solve it for the
    others; these are spread over what is left of each touchpoint (`public_moves`). Where more than
    two fifths of its moves are hidden, what a touchpoint foresees abstains with ``privacy``.

    Intervals are from the 64 customer groups: the transitions of each group are counted, and
    the chain solved without each group in turn. Open journeys are censored, which assumes that
    they will go on as the others did.

    The removal effect (Anderl et al., International Journal of Research in Marketing, 2016) is
    a measure of connectivity: any obligatory step has the effect 1, whether or not it helps.

    A point of no return: the chance of the goal, given all that is still to come, is a
    martingale, and the sum of its expected squared changes from touchpoint i on is p(1 − p).
    So what follows no longer matters exactly where p is 0 or 1; here, where its interval lies
    above 0.95 or below 0.05.
    """
    refuse_other(journeys, "Journeys")
    folded = _folded(journeys, most)
    counts, names = _counted(journeys, folded)
    people = journeys.touchpoints.set_index("touchpoint")[["journeys", "customers"]]
    if folded:
        events = journeys.events
        own = np.array([journeys.names[number] in folded for number in sorted(journeys.names)])
        here = own[events.touchpoint]
        people.loc[OTHER] = [len(np.unique(one[here])) for one in (events.journey, events.customer)]
    people.loc[START] = [len(journeys.outline), journeys.outline.customers]
    base = people.loc[names]
    public, hidden = counts, np.zeros(len(names))
    if journeys.settings.min_customers > 1:
        ended = journey_ends(journeys) if ends is None else ends
        moves, hidden = public_moves(counts.sum(axis=0), names, journeys, ended)
        public = _as_shown(counts, moves)
    measures = _estimated(public, base) | _passing(journeys, counts, names, base)
    shown = (base["customers"] >= journeys.settings.min_customers).to_numpy()
    goals = bool(journeys.settings.every_goal)
    table = _table(measures, base, shown, hidden > MAX_HIDDEN, goals=goals)
    # Whether what follows still matters is judged by all transitions; the numbers are those shown.
    judged = measures if public is counts else _estimated(counts, base, ("p_goal",))
    sure = pd.DataFrame({end: getattr(judged["p_goal"], end) for end in ("lo", "hi")}, index=names)
    declared = {*journeys.settings.every_goal, *journeys.settings.bad_ends, START}
    few = sum({START: 0, OTHER: len(folded)}.get(name, 1) for name in base.index[~shown])
    return Chain(table, _settled(table, sure, declared), order_test(journeys), few)


def _as_shown(counts: Floats, public: Floats) -> Floats:
    """Return moves by customer group that add up to those that may be shown."""
    total = counts.sum(axis=0)
    evenly = np.broadcast_to(public / GROUPS, counts.shape)
    moved = total > 0
    shares = np.where(moved, counts * (public / np.where(moved, total, 1.0)), evenly)
    return np.asarray(np.rint(WHOLE * shares), dtype=np.float64)


def _folded(journeys: Journeys, most: int) -> set[str]:
    """Return the touchpoints of fewest journeys, beyond the number of states."""
    order = journeys.touchpoints.sort_values(["journeys", "touchpoint"], ascending=[False, True])
    return set(order["touchpoint"].iloc[most:])


def _counted(journeys: Journeys, folded: set[str]) -> tuple[Floats, list[str]]:
    """Count moves per customer group, shape (groups, m, m + ends), and name the states."""
    touchpoints = sorted(set(journeys.touchpoints["touchpoint"]) - folded)
    names = [START, *touchpoints, *([OTHER] if folded else [])]
    m = len(names)
    events, outline, columns = journeys.events, journeys.outline, m + len(ENDS)
    states = _states(journeys, names)
    rows = np.flatnonzero(events.ends_visit)
    end = m + np.array([ENDS.index(kind) for kind in END_KINDS])[outline.end_kind]
    onward = np.append(states, -1)[events.next_touchpoint[rows]]
    target = np.where(events.is_last[rows], end[events.journey[rows]], onward)
    moves = (events.group[rows].astype(np.int64) * m + states[events.touchpoint[rows]]) * columns
    begun = outline.group.astype(np.int64) * m * columns + states[outline.first]
    cells = np.concatenate([moves + target, begun])
    counts = np.bincount(cells, minlength=GROUPS * m * columns).astype(np.float64)
    return counts.reshape(GROUPS, m, columns), names


def _states(journeys: Journeys, names: list[str]) -> npt.NDArray[np.int64]:
    """Return the state of each touchpoint: its own, or the last where it is folded."""
    state = {name: number for number, name in enumerate(names)}
    touchpoints = (journeys.names[number] for number in sorted(journeys.names))
    return np.array([state.get(name, len(names) - 1) for name in touchpoints], dtype=np.int64)


def _estimated(
    counts: Floats, base: pd.DataFrame, wanted: tuple[str, ...] = FORESEEN
) -> dict[str, Resampled]:
    """Return measures of the chain with intervals; their draws are not solved, and are zeros."""
    # `resample` asks for the same totals (point, groups left out) once per measure; they differ in
    # shape, and the chain of each need be solved only once.
    solved: dict[tuple[int, ...], dict[str, Floats]] = {}

    def answer(measure: str, totals: Floats) -> Floats:
        if totals.shape == (DRAWS, *counts.shape[1:]):
            return np.zeros(totals.shape[:2])
        if totals.shape not in solved:
            solved[totals.shape] = _answers(totals)
        return solved[totals.shape][measure]

    measures = {}
    for measure in wanted:
        share, rests = MEASURES[measure] == "share", _rests_on(base, measure)
        measures[measure] = resample(
            counts,
            partial(answer, measure),
            share=share,
            n_customers=rests["customers"].to_numpy(),
            n_trials=rests["journeys"].to_numpy() if share else None,
        )
    if "steps_to_end" in measures:  # the step itself is one of them: no interval lies below it
        steps = measures["steps_to_end"]
        measures["steps_to_end"] = replace(steps, lo=np.fmax(steps.lo, 1.0))
    return measures


def _passing(
    journeys: Journeys, counts: Floats, names: list[str], base: pd.DataFrame
) -> dict[str, Resampled]:
    """Count the journeys that come to each state, and their visits: facts, not the chain's."""
    m, events = len(names), journeys.events
    states = _states(journeys, names)
    cells = events.group * np.int64(m) + states[events.touchpoint]
    passing = count_units(cells, events.journey, GROUPS * m).reshape(GROUPS, m).astype(np.float64)
    begun = counts[:, 0, :].sum(axis=-1)
    passing[:, 0] = begun
    every = np.broadcast_to(begun[:, None], (GROUPS, m))
    rests = base.loc[[START] * m]
    customers, trials = rests["customers"].to_numpy(), rests["journeys"].to_numpy()

    def per_journey(amount: Floats, **more: Any) -> Resampled:
        sums = np.stack([amount, every], axis=-1)
        return resample(sums, lambda s: s[..., 0] / s[..., 1], n_customers=customers, **more)

    visits = per_journey(counts.sum(axis=-1))
    return {
        "visited": per_journey(passing, share=True, n_trials=trials),
        "visits": replace(visits, lo=np.fmax(visits.lo, 0.0)),
    }


def _rests_on(base: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the journeys and customers behind a measure: all, or those that came by."""
    return base.loc[[START] * len(base)] if measure in OF_ALL else base


def _answers(totals: Floats) -> dict[str, Floats]:
    """Return every measure of each state; NaN where the state was not seen."""
    solved = absorb(totals)
    seen = totals.sum(axis=-1) > 0
    values = {
        # START is a state of the chain, not a step of the journey.
        "steps_to_end": solved.visits[..., :, 1:].sum(axis=-1),
        "removal_effect": solved.removal_effect,
        **{f"p_{end}": solved.ends[..., number] for number, end in enumerate(ENDS)},
    }
    return {measure: np.where(seen, value, np.nan) for measure, value in values.items()}


def _table(
    measures: dict[str, Resampled],
    base: pd.DataFrame,
    shown: npt.NDArray[np.bool_],
    guessed: npt.NDArray[np.bool_],
    *,
    goals: bool,
) -> pd.DataFrame:
    censored = measures["p_open"].value > MAX_OPEN
    tables = []
    for measure in MEASURES:
        one = measures[measure]
        about_ends = measure.startswith("p_") and measure != "p_open"
        silent = np.zeros(len(base), dtype=object)
        silent[:] = None
        if measure in ("p_goal", "removal_effect") and not goals:
            silent[:] = "unidentified"
        elif about_ends or measure in ("removal_effect", "steps_to_end"):
            silent[censored] = "censoring_heavy"
            silent[guessed & ~censored] = "privacy"
        missing = np.array([reason is not None for reason in silent]) | np.isnan(one.value)
        silent[missing & (silent == None)] = "unidentified"  # noqa: E711 - elementwise
        columns: dict[str, Any] = {
            "touchpoint": base.index.to_numpy(),
            "measure": measure,
            **{
                name: np.where(missing, np.nan, getattr(one, name))
                for name in ("value", "lo", "hi")
            },
            "unit": MEASURES[measure],
            "n_journeys": _rests_on(base, measure)["journeys"].to_numpy(),
            "n_customers": _rests_on(base, measure)["customers"].to_numpy(),
            "grade": GRADE,
            "abstain": pd.Series(silent, dtype=object),  # None where there is a number
        }
        tables.append(pd.DataFrame(columns).assign(_spot=np.arange(len(base)))[shown])
    rows = pd.concat(tables).sort_values("_spot", kind="stable").drop(columns="_spot")
    return rows.reset_index(drop=True)


def _settled(table: pd.DataFrame, sure: pd.DataFrame, declared: set[str]) -> pd.DataFrame:
    """Return points of no return: `sure` has the ends of the interval they are judged by."""
    goal = table[(table["measure"] == "p_goal") & ~table["touchpoint"].isin(declared)]
    goal = goal[goal["value"].notna()]
    visited = table[table["measure"] == "visited"].set_index("touchpoint")["value"]
    interval = sure.loc[goal["touchpoint"]].to_numpy()
    won, lost = interval[:, 0] >= SETTLED, interval[:, 1] <= 1 - SETTLED
    rows = goal[won | lost].assign(towards=np.where(won[won | lost], "goal", "no goal"))
    rows = rows.assign(visited=rows["touchpoint"].map(visited)).rename(columns={"value": "p_goal"})
    columns = ["touchpoint", "towards", "p_goal", "lo", "hi", "visited", "n_customers"]
    return rows[columns].reset_index(drop=True)
