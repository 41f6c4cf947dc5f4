"""Structure: how journeys end from each touchpoint, as a chain, and how far a map may be folded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, resample, working
from journeylib.journeys.graph.markov_chain import ENDS, Chain, journey_chain
from journeylib.journeys.graph.simplify import Simplified, simplify
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import Numbers, Whole, count_units
from journeylib.journeys.walk.outline import END_KINDS, Outline
from journeylib.journeys.walk.tables import START
from journeylib.log import protect_parts, shows

KEPT = (0.2, 0.5, 1.0)  # shares of touchpoints and transitions that the map is folded to
END_COLUMNS = ("touchpoint", "end", "journeys", "share", "lo", "hi", "n_journeys", "n_customers")


@dataclass(frozen=True)
class Structure:
    """What the journey graph says of the log as a whole.

    Attributes
    ----------
    ends : pandas.DataFrame
        One row per touchpoint (`START` for all journeys) and end, touchpoints in the order of
        the journey: ``touchpoint``, ``end`` (goal, bad_end, other, open; ends of too few
        customers are left out, and those that would give them away), ``journeys`` (int64: that
        came by and ended so), ``share``, ``lo``, ``hi`` (of those that came by), ``n_journeys``,
        ``n_customers`` (that came by).
    chain : Chain
    maps : dict of float to Simplified
        The graph with so much of its touchpoints and transitions.
    """

    ends: pd.DataFrame
    chain: Chain
    maps: dict[float, Simplified]


@working("reading the journey graph")
def journey_structure(journeys: Journeys) -> Structure:
    """Read the journey graph: ends by touchpoint, the absorbing chain, and smaller maps.

    Parameters
    ----------
    journeys : Journeys

    Returns
    -------
    Structure
        Without touchpoints and ends of fewer than the minimum of customers.

    Notes
    -----
    `ends` are counts of what happened and assume nothing of memory; the chain foresees, and its
    `order` says how far to trust it. Both, and the maps, count the same journeys.
    """
    return Structure(
        journey_ends(journeys),
        journey_chain(journeys),
        {kept: simplify(journeys, kept, kept) for kept in KEPT},
    )


def journey_ends(journeys: Journeys) -> pd.DataFrame:
    """Count how journeys end, by the touchpoints that they came by; see `Structure.ends`."""
    events, outline = journeys.events, journeys.outline
    words = [journeys.names[number] for number in range(len(journeys.names))]
    first = np.flatnonzero(events.starts_visit & (events.visit == 1))
    # All journeys count at the start, and once at each touchpoint that they come by.
    journey = np.concatenate([events.journey[first], np.arange(len(outline))])
    spot = np.concatenate([events.touchpoint[first], np.full(len(outline), len(words))])
    counted = _counted(outline, journey, spot.astype(np.int64), len(words) + 1)
    counted["touchpoint"] = np.array([*words, START], dtype=object)[counted["spot"]]
    base = journeys.touchpoints[["touchpoint", "customers"]]
    customers = dict(base.itertuples(index=False, name=None))
    customers[START] = outline.customers
    minimum = max(journeys.settings.min_customers, 1)
    names = [name for name in (START, *base["touchpoint"]) if customers[name] >= minimum]
    return _ends_of(names, counted, customers, minimum)


def _counted(outline: Outline, journey: Numbers, spot: Whole, spots: int) -> pd.DataFrame:
    """Count journeys and customers by spot, end and customer group."""
    kinds = len(END_KINDS)
    cell = (spot * kinds + outline.end_kind[journey]) * GROUPS + outline.group[journey]
    journeys = np.bincount(cell, minlength=spots * kinds * GROUPS)
    # The journeys of a customer lie together.
    order = np.argsort(journey, kind="stable")
    people = count_units(cell[order], outline.customer[journey[order]], len(journeys))
    there = np.flatnonzero(journeys)
    return pd.DataFrame(
        {
            "spot": there // (kinds * GROUPS),
            "end_kind": np.array(END_KINDS, dtype=object)[there // GROUPS % kinds],
            "group": there % GROUPS,
            "journeys": journeys[there],
            "customers": people[there],
        }
    )


def _ends_of(
    names: list[str], counted: pd.DataFrame, customers: dict[str, int], minimum: int
) -> pd.DataFrame:
    """Estimate the shares of ends of all touchpoints in one resampling."""
    spot = pd.Index(names).get_indexer(pd.Index(counted["touchpoint"]))
    end = pd.Index(ENDS).get_indexer(pd.Index(counted["end_kind"]))
    has_spot = spot >= 0
    cells = counted["group"].to_numpy()[has_spot], spot[has_spot], end[has_spot]
    journeys = np.zeros((GROUPS, len(names), len(ENDS)))
    people = np.zeros((len(names), len(ENDS)), dtype=np.int64)
    np.add.at(journeys, cells, counted["journeys"].to_numpy(np.float64)[has_spot])
    np.add.at(people, cells[1:], counted["customers"].to_numpy(np.int64)[has_spot])
    whole = journeys.sum(axis=0).astype(np.int64)
    shown = protect_parts(people, whole, minimum)
    # How many journeys are open is told beside, if not few: it hides no other end of them all.
    others = np.array([end != "open" for end in ENDS])
    if all(shows(size, minimum) for size in whole[:1, ~others].ravel()):
        shown[:1, others] &= protect_parts(people[:1, others], whole[:1, others], minimum)
    row, kind = np.nonzero(shown)
    sums = np.stack([journeys[:, row, kind], journeys.sum(axis=2)[:, row]], axis=-1)
    hits, trials = sums.sum(axis=0).T
    behind = np.array([customers[name] for name in names], dtype=np.int64)[row]
    shares = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=behind,
        n_trials=trials,
    )
    return pd.DataFrame(
        {
            "touchpoint": np.array(names, dtype=object)[row],
            "end": np.array(ENDS, dtype=object)[kind],
            "journeys": hits.astype("int64"),
            "share": shares.value,
            "lo": shares.lo,
            "hi": shares.hi,
            "n_journeys": trials.astype("int64"),
            "n_customers": behind,
        }
    )[list(END_COLUMNS)]
