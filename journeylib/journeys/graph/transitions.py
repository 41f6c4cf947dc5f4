"""The journey graph: touchpoints, directly-follows transitions, variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
from ibis import _

from journeylib.log import fetch, suppress

if TYPE_CHECKING:
    import networkx as nx

    from journeylib.journeys.journeys import Journeys

START, END = "(start)", "(end)"
OTHER = "(other)"  # touchpoints that are folded into one
# A bot or human that acts in fewer of a touchpoint's events is an exception, not who serves it.
SERVES = 0.05


def touchpoint_table(journeys: Journeys) -> pd.DataFrame:
    """Count every touchpoint; see `Journeys.touchpoints`."""
    here = ["touchpoint_no"]
    placed = positions(journeys, journeys.trail, *here)
    counts = count_bases(journeys.trail, here).merge(placed, on=here)
    columns = [*here, "touchpoint", "stage", "channel", "office", "served_by"]
    numbers = ["events", "journeys", "customers", "median_position"]
    if journeys.narrowing is not None:
        counts = journeys.whole.touchpoints[columns].merge(counts, "left", "touchpoint_no")
        whole = counts[numbers[:3]].fillna(0).astype("int64")
        counts = counts.assign(**{column: whole[column] for column in numbers[:3]})
    else:
        counts["touchpoint"] = counts["touchpoint_no"].map(journeys.names).astype("str")
        labels = [name for name in ("stage", "channel", "office", "actor") if journeys.has(name)]
        rows = fetch(journeys.trail.group_by([*here, *labels]).aggregate(n=_.count()))
        for column in ("stage", "channel", "office"):
            counts[column] = _most_frequent(rows, column, counts["touchpoint_no"])
        counts["served_by"] = _served_by(rows, counts["touchpoint_no"])
    ordered = counts.sort_values(["median_position", "touchpoint"], kind="stable")
    return ordered[[*columns, *numbers]].reset_index(drop=True)


def count_bases(rows: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count ``events``, ``journeys`` and ``customers`` for each set of `keys` among `rows`.

    Rows that are the first of their journey, or of their customer, are marked and summed: half
    the work of grouping by journey and then by customer, and it may spill to disk, where a
    distinct count would hold every key of every group.
    """
    by_customer = ibis.window(group_by=[*keys, "customer_no"], order_by="journey")
    marked = rows.select(
        *keys,
        new_journey=(_.journey.lag().over(by_customer) != _.journey).fill_null(True),
        new_customer=ibis.row_number().over(by_customer) == 0,
    )
    counted = marked.group_by(keys).aggregate(
        events=_.count(), journeys=_.new_journey.sum(), customers=_.new_customer.sum()
    )
    return fetch(counted).astype(dict.fromkeys(("events", "journeys", "customers"), "int64"))


def positions(journeys: Journeys, rows: ibis.Table, key: str) -> pd.DataFrame:
    """Return the median place of steps within their journeys by a key, 0 first to 1 last."""
    lengths = journeys.table.select(of_journey="journey", length="steps")
    steps = rows.select("journey", "step", key)
    placed = steps.inner_join(lengths, steps.journey == lengths.of_journey)
    spot = (_.length > 1).ifelse((_.step - 1) / ibis.greatest(_.length - 1, 1), 0.5)
    return fetch(placed.group_by(key).aggregate(median_position=spot.median()))


def _most_frequent(rows: pd.DataFrame, column: str, numbers: pd.Series[Any]) -> list[str | None]:
    if column not in rows.columns:
        return [None] * len(numbers)
    counts = (
        rows[rows[column].notna()]
        .astype({column: "str"})
        .groupby(["touchpoint_no", column], as_index=False)
        .agg(n=("n", "sum"))
        .sort_values(["n", column], ascending=[False, True], kind="stable")
        .drop_duplicates("touchpoint_no")
    )
    found = dict(zip(counts["touchpoint_no"], counts[column], strict=True))
    return [found.get(number) for number in numbers]


def _served_by(rows: pd.DataFrame, numbers: pd.Series[Any]) -> list[str | None]:
    if "actor" not in rows.columns:
        return [None] * len(numbers)
    counts = pd.DataFrame(
        {who: rows["n"].where(rows["actor"] == who, 0) for who in ("bot", "human")}
    ).assign(n=rows["n"], touchpoint_no=rows["touchpoint_no"])
    totals = counts.groupby("touchpoint_no").sum()
    words = {(False, False): "nobody", (True, False): "bot", (False, True): "human"}
    acts = totals[["bot", "human"]].div(totals["n"], axis=0) >= SERVES
    found = {no: words.get((row.bot, row.human), "both") for no, row in acts.iterrows()}
    return [found[number] for number in numbers]


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
        START and END). ``attrs["suppressed"]`` counts the rows left out.
    """
    minimum = journeys.settings.min_customers if min_customers is None else min_customers
    shown, hidden = suppress(journeys.edges, minimum)
    shown.attrs["suppressed"] = hidden
    return shown


def edge_counts(journeys: Journeys) -> pd.DataFrame:
    """Count every transition, however rare; see `Journeys.edges`."""
    trail = journeys.trail
    steps = trail.filter(_.ends_visit)
    pair = ["touchpoint_no", "next_touchpoint_no"]
    inner = count_bases(steps, pair)
    inner["median_seconds"] = float("nan")
    if journeys.has_clock:
        gaps = steps.filter(_.next_touchpoint_no.notnull()).group_by(pair)
        seconds = fetch(gaps.aggregate(median_seconds=(_.next_us - _.visit_us).median() / 1e6))
        seconds = seconds.astype({"next_touchpoint_no": inner["next_touchpoint_no"].dtype})
        inner = inner.drop(columns="median_seconds").merge(seconds, on=pair, how="left")
    starts = trail.filter(_.step == 1).mutate(next_touchpoint_no=_.touchpoint_no)
    first = count_bases(starts, ["next_touchpoint_no"])
    names = journeys.names
    inner["source"] = inner["touchpoint_no"].map(names)
    inner["target"] = inner["next_touchpoint_no"].map(names).fillna(END)
    first["source"], first["target"] = START, first["next_touchpoint_no"].map(names)
    columns = ["source", "target", "events", "journeys", "customers", "median_seconds"]
    first["median_seconds"] = float("nan")
    edges = pd.concat([inner[columns], first[columns]])
    edges = edges.astype(
        {"source": "str", "target": "str", "journeys": "int64", "median_seconds": "float64"}
    )
    order = ["journeys", "source", "target"]
    return edges.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


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
        ``customers`` (int64), ``share`` (float64, of all journeys). ``attrs["suppressed"]``
        counts the variants left out for having too few customers.
    """
    counts = (
        fetch(
            journeys.table.group_by("variant").aggregate(
                journeys=_.count(), customers=_.customer_no.nunique()
            )
        )
        .sort_values(["journeys", "variant"], ascending=[False, True])
        .reset_index(drop=True)
    )
    counts["share"] = counts["journeys"] / max(int(counts["journeys"].sum()), 1)
    minimum = journeys.settings.min_customers if min_customers is None else min_customers
    shown, hidden = suppress(counts, minimum)
    names = journeys.names
    shown["variant"] = [
        tuple(names[int(number)] for number in variant.split(",")) for variant in shown["variant"]
    ]
    shown.attrs["suppressed"] = hidden
    return shown
