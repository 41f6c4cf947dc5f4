"""The moves of a chain as far as they may be shown: what is hidden is spread, not counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.journeys.graph.ends import ENDS
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import count_units
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.journeys.walk.tables import END, OTHER, START
from journeylib.log import Cells, protect

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 300  # after so many, rows and columns add up to their totals, nearly
# A bound in tens hides some ten to twenty of its own cell; a hidden cell is small, if not empty.
OF_BOUND, OF_HIDDEN = 20.0, 0.05


def public_moves(
    counts: Floats, names: list[str], journeys: Journeys, ended: pd.DataFrame
) -> tuple[Floats, Floats]:
    """Return the moves of a chain, made of nothing but what may be shown.

    Parameters
    ----------
    counts : ndarray, shape (m, m + ends)
        Moves from each state, the start first, to each state and to each end, in the order of
        `ENDS`.
    names : list of str
        Of the states.
    journeys : Journeys
    ended : pandas.DataFrame
        What may be shown of how all journeys end: ``touchpoint``, ``end``, ``journeys``,
        ``at_least``.

    Returns
    -------
    moves : ndarray of float64
        Of the same shape. Transitions that are shown, and last visits by end that may be, are as
        they are. What is left of each row and column is spread over all other cells, most of it
        where a transition is shown as "at least".
    hidden : ndarray of float64, shape (m,)
        Share of each row that was spread.

    Notes
    -----
    Whoever solves the chain for a hidden transition finds how it was spread. Rows and columns are
    fitted one after the other (Deming and Stephan 1940, Annals of Mathematical Statistics 11:427).
    """
    minimum, m = journeys.settings.min_customers, len(names)
    points = journeys.touchpoints.set_index("touchpoint")["customers"]
    is_shown = (points.reindex(names).fillna(0) >= minimum).to_numpy(copy=True)
    is_shown[0], is_folded = True, names[-1] == OTHER
    is_shown[-1] |= is_folded
    edges = journeys.public_edges
    inner = edges[edges["target"] != END]
    # States that are folded are the last one: it holds what is shown of them, and more.
    states = pd.Index(names)
    ends_of_moves = (pd.Index(inner[end]) for end in ("source", "target"))
    row, column = (states.get_indexer(end) % m for end in ends_of_moves)
    least, exact = np.zeros_like(counts), np.zeros(counts.shape, dtype=np.bool_)
    np.add.at(least, (row, column), inner["events"].to_numpy())
    exact[row, column] = ~inner["at_least"].to_numpy()
    exact[-1] &= not is_folded
    exact[:, -1] &= not is_folded
    last = edges[edges["target"] == END]
    least[:, m:], exact[:, m:] = _last_visits(counts[:, m:], names, journeys, last)
    totals = counts.sum(axis=1)
    rare = ~is_shown
    totals[rare] = totals[rare].sum() / max(rare.sum(), 1)
    own = ended[ended["touchpoint"] == START].set_index("end").reindex(ENDS)
    ends = own["journeys"].fillna(0).to_numpy(np.float64)
    open_ended = (own["at_least"].isna() | own["at_least"].eq(True)).to_numpy()
    ends = ends + open_ended * (totals[0] - ends.sum()) / max(open_ended.sum(), 1)
    into = np.concatenate([[0.0], totals[1:], ends])
    remainder = np.maximum(totals - least.sum(axis=1), 0)
    moves = least + _spread(remainder, into - least.sum(axis=0), exact, least)
    return moves, _quotient(remainder, totals)


def _last_visits(
    counts: Floats, names: list[str], journeys: Journeys, last: pd.DataFrame
) -> tuple[Floats, Flags]:
    """Return what may be shown of last visits by end, and where that is exact."""
    outline, states = journeys.outline, pd.Index(names)
    every_name = [journeys.names[number] for number in sorted(journeys.names)]
    state = states.get_indexer(pd.Index(every_name))
    state[state < 0] = len(names) - 1
    kind = np.array([ENDS.index(end) for end in END_KINDS])[outline.end_kind]
    final = outline.events.touchpoint[np.flatnonzero(outline.events.is_last)]
    cell = state[final] * len(ENDS) + kind
    people = count_units(cell, outline.customer, counts.size)
    source = states.get_indexer(pd.Index(last["source"])) % len(names)
    part = np.bincount(source, last["events"].to_numpy(), minlength=len(names))
    every = counts.sum(axis=1)
    row, column = np.divmod(np.arange(counts.size), len(ENDS))
    cells = Cells(
        np.stack([counts.ravel().astype(np.int64), people], axis=-1), (row, column),
        (part > 0)[row],
    )  # fmt: skip
    public = protect(cells, journeys.settings.min_customers, bounds=True)
    least = public.least[:, 0].reshape(counts.shape).astype(np.float64)
    exact = public.exact.reshape(counts.shape) & (part == every)[:, None]
    # Where the last visits are shown as "at least", their ends are, too.
    few = (part < every) & (every > 0)
    least[few] *= (part / np.maximum(every, 1))[few, None]
    return least, exact


def _spread(rows: Floats, columns: Floats, exact: Flags, least: Floats) -> Floats:
    """Spread what is left of rows and columns over the cells that are not exact."""
    rows, columns = np.maximum(rows, 0), np.maximum(columns, 0)
    likely = np.outer(rows, columns) / max(rows.sum(), 1.0)
    cells = np.where(exact, 0.0, OF_HIDDEN * likely + np.where(least > 0, OF_BOUND, 0.0))
    for _round in range(ROUNDS):
        cells *= _quotient(rows, cells.sum(axis=1))[:, None]
        cells *= _quotient(columns, cells.sum(axis=0))
    return cells


def _quotient(wanted: Floats, sums: Floats) -> Floats:
    quotient: Floats = np.divide(wanted, sums, out=np.zeros_like(wanted), where=sums > 0)
    return quotient
