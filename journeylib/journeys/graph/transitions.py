"""The journey graph: touchpoints, directly-follows transitions, variants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from journeylib.core import refuse_other
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.tables import OTHER, words_of
from journeylib.log import suppress

if TYPE_CHECKING:
    import networkx as nx


def transitions(journeys: Journeys, *, min_customers: int | None = None) -> pd.DataFrame:
    """Count directly-follows transitions from visit to visit, `START` and `END` included.

    Parameters
    ----------
    journeys : Journeys
    min_customers : int, optional
        Leave out transitions of fewer customers; default the journeys' own minimum.

    Returns
    -------
    pandas.DataFrame
        One row per transition, most journeys first, then by name: ``source``, ``target`` (str),
        ``events``, ``journeys``, ``customers`` (int64), ``median_seconds`` (float64: median time
        from the start of the source visit to the start of the target; NaN without a clock and at
        START and END), ``tied`` (int64: of them, steps to an event of the same time, whose order
        is that of the declared id or row), ``at_least`` (bool: the counts are lower bounds).
        ``attrs["suppressed"]`` counts the rows left out.

    Notes
    -----
    The visits of touchpoints are known, and transitions add up to them: some are shown as lower
    bounds, and a few are left out, so that these totals tell nothing of a rare transition
    (`log.protect`).
    """
    refuse_other(journeys, "Journeys")
    edges = journeys.public[0] if min_customers is None else journeys.public_of(min_customers)[0]
    shown = edges.table(words_of(journeys.names))
    shown.attrs["suppressed"] = len(journeys.edge_counts.source) - len(shown)
    return shown


def steps_around(journeys: Journeys, touchpoint: str, *, most: int) -> pd.DataFrame:
    """Count where the visits of one touchpoint come from and go to.

    Parameters
    ----------
    journeys : Journeys
    touchpoint : str
    most : int
        Rows on each side, those of most visits; all others are one row `OTHER`.

    Returns
    -------
    pandas.DataFrame
        One row per side and touchpoint, before first, most visits first, `OTHER` last:
        ``side`` (``before``, ``after``), ``touchpoint`` (str; `START`, `END`), ``visits``
        (int64: each side adds up to all visits), ``share`` (float64, of all visits),
        ``customers`` (Int64, missing for `OTHER`), ``median_seconds`` (float64), ``tied``,
        ``folds`` (int64: touchpoints in the row), ``at_least`` (bool: visits and customers are
        lower bounds, and the rest of them is in `OTHER`).

    Raises
    ------
    ValueError
        If the log has no such touchpoint.

    Notes
    -----
    `OTHER` holds what may not be shown (`transitions`), and what is beyond `most`.
    """
    words, minimum = words_of(journeys.names), journeys.settings.min_customers
    number = words.index(touchpoint)
    rows: list[dict[str, Any]] = []
    for side, anchor, neighbour in (("before", "target", "source"), ("after", "source", "target")):
        every, public = (
            edges.only(np.flatnonzero(getattr(edges, anchor) == number))
            for edges in (journeys.edge_counts, journeys.public[0])
        )
        names, visits = [words[at] for at in getattr(public, neighbour)], every.counts[0].sum()
        shown = sorted(range(len(names)), key=lambda at: (-public.counts[0, at], names[at]))[:most]
        while shown and 0 < visits - public.counts[0, shown].sum() < minimum:
            shown.pop()  # what came from touchpoints too rare to be named
        table = [
            {"touchpoint": names[at], "visits": public.counts[0, at], "tied": public.tied[at],
             "customers": public.counts[2, at], "median_seconds": public.median_seconds[at],
             "folds": 1, "at_least": public.at_least[at]}
            for at in shown
        ]  # fmt: skip
        if rest := visits - public.counts[0, shown].sum():
            tied = every.tied.sum() - public.tied[shown].sum()
            folds = max(len(every.source) - len(shown), 1)
            other = {"touchpoint": OTHER, "visits": rest, "tied": tied, "folds": folds}
            table.append({**other, "median_seconds": math.nan, "at_least": False})
        rows += [{"side": side, **row, "share": row["visits"] / visits} for row in table]
    columns = ["side", "touchpoint", "visits", "share", "customers", "median_seconds", "tied"]
    types = {"customers": "Int64", "at_least": "bool"}
    return pd.DataFrame(rows, columns=[*columns, "folds", "at_least"]).astype(types)


def journey_graph(journeys: Journeys, *, min_customers: int | None = None) -> nx.DiGraph[str]:
    """Return the directly-follows graph, for networkx.

    Parameters
    ----------
    journeys : Journeys
    min_customers : int, optional
        Leave out touchpoints and transitions of fewer customers; default the journeys' own
        minimum.

    Returns
    -------
    networkx.DiGraph
        Nodes are touchpoints, with the columns of `Journeys.touchpoints`, and ``"(start)"`` and
        ``"(end)"``, without; edges carry the columns of `transitions`. Built in sorted order, so
        that algorithms which depend on it answer the same every time.
    """
    refuse_other(journeys, "Journeys")
    import networkx as nx

    minimum = journeys.settings.min_customers if min_customers is None else min_customers
    nodes, _hidden = suppress(journeys.touchpoints, minimum)
    graph: nx.DiGraph[str] = nx.DiGraph()
    for row in nodes.sort_values("touchpoint").to_dict("records"):
        graph.add_node(str(row.pop("touchpoint")), **{str(k): v for k, v in row.items()})
    edges = transitions(journeys, min_customers=minimum).sort_values(["source", "target"])
    for row in edges.to_dict("records"):
        source, target = str(row.pop("source")), str(row.pop("target"))
        graph.add_edge(source, target, **{str(k): v for k, v in row.items()})
    return graph


def variants(journeys: Journeys, *, min_customers: int | None = None) -> pd.DataFrame:
    """Count variants: the distinct sequences of touchpoints, visit by visit.

    Parameters
    ----------
    journeys : Journeys
    min_customers : int, optional
        Leave out variants of fewer customers; default the journeys' own minimum.

    Returns
    -------
    pandas.DataFrame
        One row per variant, most journeys first: ``variant`` (tuple of str), ``journeys``,
        ``customers`` (int64), ``share`` (float64, of all journeys), ``at_least`` (bool: these
        three are lower bounds). ``attrs["suppressed"]`` counts the variants left out: of too few
        customers, or because the others would tell of these.

    Notes
    -----
    The journeys of touchpoints and transitions are known. Where the variants that pass one leave a
    few journeys of it, some are shown as lower bounds (`walk.variant_counts`).
    """
    refuse_other(journeys, "Journeys")
    minimum = journeys.settings.min_customers
    is_own = min_customers is None or min_customers == minimum
    shared = journeys.public[1] if is_own else journeys.public_of(min_customers or 0)[1]
    counts, names = shared.shown.least, journeys.names
    every = pd.DataFrame(
        {
            "variant": pd.Series(
                [tuple(names[number] for number in way) for way in shared.ways], dtype=object
            ),
            "journeys": counts[:, 0],
            "customers": counts[:, 1],
            "share": counts[:, 0] / max(len(journeys.outline), 1),
            "at_least": shared.shown.at_least,
            "order": [",".join(map(str, way)) for way in shared.ways],
        }
    )
    shown = every[every["customers"] > 0].sort_values(
        ["journeys", "order"], ascending=[False, True], ignore_index=True
    )
    shown = shown.drop(columns="order")
    shown.attrs["suppressed"] = len(journeys.outline.variants[1]) - len(shown)
    return shown
