"""A smaller journey graph that still adds up: what is left out is folded, counted and named."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import _

from journeylib.journeys.graph import END, OTHER, START
from journeylib.journeys.steps import Journeys
from journeylib.log.engine import fetch
from journeylib.log.privacy import suppress
from journeylib.progress import working

ELSEWHERE = "(elsewhere)"


@dataclass(frozen=True)
class Simplified:
    """The strongest touchpoints and transitions, and everything else as "other".

    Attributes
    ----------
    touchpoints : pandas.DataFrame
        ``touchpoint``, ``stage``, ``channel``, ``events``, ``visits``, ``journeys``,
        ``customers``, ``median_position``, ``folds`` (touchpoints in it: 1, or more in
        ``(other)``, one per stage where there are stages).
    transitions : pandas.DataFrame
        ``source``, ``target``, ``events``, ``journeys``, ``customers``, most journeys first.
        Target ``(elsewhere)`` sums, per source, the transitions that are not shown.
    ledger : pandas.DataFrame
        What every number counts: ``what``, ``shown``, ``folded`` (in other and elsewhere),
        ``suppressed`` (in no row, for resting on too few customers), ``total``; the three parts
        add up to the total in every row.
    journeys : int
        All journeys.
    journeys_shown : int
        Journeys that run through shown touchpoints and transitions alone.
    share : float
        `journeys_shown` of all journeys.
    kept_ways, beyond : int
        Transitions between shown touchpoints that are kept, and those that the share asked for
        beyond the most that are.
    """

    touchpoints: pd.DataFrame
    transitions: pd.DataFrame
    ledger: pd.DataFrame
    journeys: int
    journeys_shown: int
    share: float
    kept_ways: int = 0
    beyond: int = 0


@working("folding the journey graph")
def simplify(
    journeys: Journeys,
    touchpoints: float = 1.0,
    transitions: float = 1.0,
    *,
    per_node: int = 1,
    most: int | None = None,
) -> Simplified:
    """Keep the strongest touchpoints and transitions; fold the rest into a visible other.

    Parameters
    ----------
    journeys : Journeys
    touchpoints : float
        Share of the touchpoints to keep, those of most journeys first, above 0 to 1.
    transitions : float
        Share of the transitions between them to keep, those of most journeys first, 0 to 1.
    per_node : int
        Keep at least so many of the strongest transitions from each touchpoint to another, and
        from others to it.
    most : int, optional
        Keep at most so many transitions between touchpoints, beside those of `per_node`.

    Returns
    -------
    Simplified
        The same journeys as `transitions` and `variants` count, in fewer rows.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or `per_node` is negative.

    Notes
    -----
    Nothing is dropped in silence: of each touchpoint, the shown transitions out and the one to
    ``(elsewhere)`` add up to its visits; the ledger says what is shown, folded and suppressed.
    """
    if not 0 < touchpoints <= 1 or not 0 <= transitions <= 1 or per_node < 0:
        raise ValueError(
            f"touchpoints={touchpoints}, transitions={transitions}, per_node={per_node}: "
            "shares lie between 0 and 1 (touchpoints above 0), per_node is 0 or more"
        )
    minimum = journeys.settings.min_customers
    every = journeys.touchpoints
    points = every[every["events"] > 0]
    public, _hidden = suppress(points, minimum)
    order = public.sort_values(["journeys", "touchpoint"], ascending=[False, True])
    kept = set(order["touchpoint"].head(math.ceil(touchpoints * len(order) - 1e-9)))
    names = _names(every, kept)
    moves = _moves(journeys, names).cache()
    edges = _counted(moves)
    candidates, _hidden = suppress(edges, minimum)
    shown_edges, ways, beyond = _strongest(candidates, kept, transitions, per_node, most)
    marked = _marked(moves, shown_edges, kept).cache()
    folded = _counted(marked.mutate(target=_.shown.ifelse(_.target, ibis.literal(ELSEWHERE))))
    nodes = _nodes(journeys, points, names)
    table, _hidden = suppress(nodes, minimum)
    arrows, _hidden = suppress(folded, minimum)
    total = int(nodes["journeys_all"].iloc[0]) if len(nodes) else 0
    whole = _whole_journeys(marked)
    return Simplified(
        table.drop(columns="journeys_all"),
        arrows.reset_index(drop=True),
        _ledger(nodes, table, folded, arrows, kept, total, whole),
        total,
        whole,
        whole / total if total else 0.0,
        ways,
        beyond,
    )


def _names(points: pd.DataFrame, kept: set[str]) -> dict[str, str]:
    """Map each touchpoint to its own name or to the other of its stage."""
    staged = points["stage"].notna().any()
    return {
        name: name
        if name in kept
        else f"(other in {stage})"
        if staged and isinstance(stage, str)
        else OTHER
        for name, stage in zip(points["touchpoint"], points["stage"], strict=True)
    }


def _renamed(rows: ibis.Table, column: str, names: dict[str, str]) -> ibis.Table:
    """Put the folded names into a column: joined, as a case of thousands takes minutes."""
    folded = [(old, new) for old, new in sorted(names.items()) if old != new]
    if not folded:
        return rows
    table = ibis.memtable(folded, schema={"folds": "string", "into": "string"})
    joined = rows.left_join(table, rows[column].cast("string") == table.folds)
    return joined.mutate(**{column: _.into.coalesce(_[column].cast("string"))}).drop(*table.columns)


def _moves(journeys: Journeys, names: dict[str, str]) -> ibis.Table:
    """One row per move from visit to visit, from `START` and to `END`."""
    inner = journeys.steps.filter(_.ends_visit).select(
        "journey", "customer_no", source="touchpoint", target="next_touchpoint"
    )
    inner = _renamed(_renamed(inner, "source", names), "target", names)
    first = journeys.steps.filter(_.step == 1).select(
        "journey", "customer_no", source=ibis.literal(START), target="touchpoint"
    )
    first = _renamed(first, "target", names)
    columns = ["journey", "customer_no", "source", "target"]
    return inner.mutate(target=_.target.fill_null(END)).select(columns).union(first.select(columns))


def _marked(moves: ibis.Table, edges: pd.DataFrame, kept: set[str]) -> ibis.Table:
    """Say of each move whether it is ``shown``, and whether that is ``direct``: nothing folded."""
    ends = {START, END, *kept}
    table = ibis.memtable(
        edges[["source", "target"]].assign(
            direct=edges["source"].isin(ends) & edges["target"].isin(ends)
        ),
        schema={"source": "string", "target": "string", "direct": "boolean"},
    )
    joined = moves.left_join(table, ["source", "target"])
    return joined.select(*moves.columns, shown=_.direct.notnull(), direct=_.direct.fill_null(False))


def _counted(moves: ibis.Table) -> pd.DataFrame:
    counts = fetch(
        moves.group_by("source", "target").aggregate(
            events=_.count(), journeys=_.journey.nunique(), customers=_.customer_no.nunique()
        )
    )
    order = ["journeys", "source", "target"]
    return counts.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _strongest(
    edges: pd.DataFrame, kept: set[str], share: float, per_node: int, most: int | None
) -> tuple[pd.DataFrame, int, int]:
    """Return the transitions that are shown; how many are kept, and how many beyond.

    Those from START, to END, and into and out of other carry what is folded: they are shown
    whatever the share is, else the counts of a box would have no way in or out.
    """
    between = edges["source"].isin(kept) & edges["target"].isin(kept)
    inner = edges[between]
    wanted = math.ceil(share * len(inner) - 1e-9)
    strong = set(inner.index[: wanted if most is None else min(wanted, most)])
    # A touchpoint that leads to itself is not connected by that.
    onward = inner[inner["source"] != inner["target"]]
    for end in ("source", "target"):
        strong |= set(onward.groupby(end, sort=True).head(per_node).index)
    shown = edges[~between | edges.index.isin(strong)]
    beyond = len(set(inner.index[:wanted]) - strong)
    return shown, len(strong), beyond


def _nodes(journeys: Journeys, points: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    steps = _renamed(journeys.steps.mutate(name=_.touchpoint), "name", names)
    spot = (_.steps > 1).ifelse((_.step - 1) / ibis.greatest(_.steps - 1, 1), 0.5)
    counts = fetch(
        steps.group_by("name").aggregate(
            events=_.count(),
            visits=_.ends_visit.cast("int64").sum(),
            journeys=_.journey.nunique(),
            customers=_.customer_no.nunique(),
            median_position=spot.median(),
        )
    ).rename(columns={"name": "touchpoint"})
    known = points.assign(touchpoint=points["touchpoint"].map(names))
    # The other of a stage stands in that stage, in a lane of its own.
    first = known.groupby("touchpoint").agg(
        stage=("stage", "first"), channel=("channel", "first"), folds=("touchpoint_no", "size")
    )
    real = set(points["touchpoint"])
    own = first.reindex(counts["touchpoint"].tolist()).reset_index(drop=True)
    nodes = pd.concat([counts, own], axis=1)
    folded = ~nodes["touchpoint"].isin(real)
    if nodes["channel"].notna().any():
        nodes["channel"] = nodes["channel"].mask(folded, "Other")
    nodes["stage"] = nodes["stage"].mask(nodes["touchpoint"] == OTHER, None)
    nodes["journeys_all"] = int(journeys.table.count().to_pyarrow().as_py())
    columns = ["touchpoint", "stage", "channel", "events", "visits", "journeys", "customers"]
    ordered = nodes.sort_values(["median_position", "touchpoint"], ignore_index=True)
    return ordered[[*columns, "median_position", "folds", "journeys_all"]]


def _whole_journeys(marked: ibis.Table) -> int:
    whole = marked.group_by("journey").aggregate(whole=_.direct.all()).filter(_.whole)
    return int(whole.count().to_pyarrow().as_py())


def _ledger(
    nodes: pd.DataFrame,
    shown_nodes: pd.DataFrame,
    moves: pd.DataFrame,
    shown_moves: pd.DataFrame,
    kept: set[str],
    journeys: int,
    whole: int,
) -> pd.DataFrame:
    """Say of every kind of thing how many are shown, folded, suppressed."""

    def row(what: str, shown: int, held: int, total: int) -> tuple[str, int, int, int, int]:
        return what, shown, held - shown, total - held, total

    mine, hold = nodes["touchpoint"].isin(kept), shown_nodes["touchpoint"].isin(kept)
    ends = {START, END, *kept}
    direct = shown_moves["source"].isin(ends) & shown_moves["target"].isin(ends)
    rows = [
        (
            "touchpoints",
            int(mine.sum()),
            int(shown_nodes.loc[~hold, "folds"].sum()),
            int(nodes["folds"].sum() - hold.sum() - shown_nodes.loc[~hold, "folds"].sum()),
            int(nodes["folds"].sum()),
        ),
        *(
            row(
                column,
                int(shown_nodes.loc[hold, column].sum()),
                int(shown_nodes[column].sum()),
                int(nodes[column].sum()),
            )
            for column in ("events", "visits")
        ),
        row(
            "moves",
            int(shown_moves.loc[direct, "events"].sum()),
            int(shown_moves["events"].sum()),
            int(moves["events"].sum()),
        ),
        ("journeys", whole, journeys - whole, 0, journeys),
    ]
    return pd.DataFrame(rows, columns=["what", "shown", "folded", "suppressed", "total"])
