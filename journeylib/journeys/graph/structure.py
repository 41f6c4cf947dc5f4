"""Structure: how journeys end from each touchpoint, as a chain, and how far a map may be folded."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from journeylib.core import working
from journeylib.journeys.graph.ends import journey_ends
from journeylib.journeys.graph.markov_chain import Chain, journey_chain
from journeylib.journeys.graph.simplify import Simplified, simplify
from journeylib.journeys.journeys import Journeys

KEPT = (0.2, 0.5, 1.0)  # shares of touchpoints and transitions that the map is folded to


@dataclass(frozen=True)
class Structure:
    """What the journey graph says of the log as a whole.

    Attributes
    ----------
    ends : pandas.DataFrame
        One row per touchpoint (`START` for all journeys) and end, touchpoints in the order of
        the journey: ``touchpoint``, ``end`` (goal, bad_end, other, open; ends of too few
        customers are left out), ``journeys`` (int64: that came by and ended so), ``share``,
        ``lo``, ``hi`` (of those that came by), ``at_least`` (bool: journeys and share are lower
        bounds, as exact ones would give rare ends away; then there is no interval),
        ``n_journeys``, ``n_customers`` (that came by).
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
    ends = journey_ends(journeys)
    maps = {fraction: simplify(journeys, fraction, fraction) for fraction in KEPT}
    return Structure(ends, journey_chain(journeys, ends=ends), maps)
