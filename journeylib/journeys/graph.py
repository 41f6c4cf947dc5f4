"""The journey graph: touchpoints, directly-follows transitions, variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
from ibis import _

from journeylib.log.engine import fetch
from journeylib.log.privacy import suppress

if TYPE_CHECKING:
    import networkx as nx

    from journeylib.journeys.steps import Journeys

START, END = "(start)", "(end)"
OTHER = "(other)"  # touchpoints that are folded into one
# A bot or human that acts in fewer of a touchpoint's events is an exception, not who serves it.
SERVES = 0.05


def touchpoint_table(journeys: Journeys) -> pd.DataFrame:
    """Count every touchpoint; see `Journeys.touchpoints`."""
    steps = journeys.steps
    spot = (_.steps > 1).ifelse((_.step - 1) / ibis.greatest(_.steps - 1, 1), 0.5)
    here = ["touchpoint_no", "touchpoint"]
    counts = fetch(steps.group_by(here).aggregate(events=_.count(), median_position=spot.median()))
    # The first visit stands for the journey: a distinct count would hold every key.
    first = steps.filter(_.starts_visit & (_.visit == 1))
    visitors = first.group_by([*here, "customer_no"]).aggregate(journeys=_.count())
    bases = visitors.group_by(here).aggregate(journeys=_.journeys.sum(), customers=_.count())
    counts = counts.merge(fetch(bases).astype({"journeys": "int64"}), on=here)
    columns = [*here, "stage", "channel", "office", "served_by"]
    numbers = ["events", "journeys", "customers", "median_position"]
    if journeys.narrowing is not None:
        counts = journeys.whole.touchpoints[columns].merge(
            counts.drop(columns="touchpoint"), "left", "touchpoint_no"
        )
        whole = counts[numbers[:3]].fillna(0).astype("int64")
        counts = counts.assign(**{column: whole[column] for column in numbers[:3]})
    else:
        for column in ("stage", "channel", "office"):
            counts[column] = _most_frequent(steps, column, counts["touchpoint_no"])
        counts["served_by"] = _served_by(steps, counts["touchpoint_no"])
    ordered = counts.sort_values(["median_position", "touchpoint"], kind="stable")
    return ordered[[*columns, *numbers]].reset_index(drop=True)


def _most_frequent(steps: ibis.Table, column: str, numbers: pd.Series[Any]) -> list[str | None]:
    if column not in steps.columns:
        return [None] * len(numbers)
    counts = (
        fetch(
            steps.filter(_[column].notnull())
            .group_by(["touchpoint_no", column])
            .aggregate(n=_.count())
        )
        .sort_values(["n", column], ascending=[False, True], kind="stable")
        .drop_duplicates("touchpoint_no")
    )
    found = dict(zip(counts["touchpoint_no"], counts[column], strict=True))
    return [found.get(number) for number in numbers]


def _served_by(steps: ibis.Table, numbers: pd.Series[Any]) -> list[str | None]:
    if "actor" not in steps.columns:
        return [None] * len(numbers)
    shares = fetch(
        steps.group_by("touchpoint_no").aggregate(
            bot=(_.actor == "bot").fill_null(False).mean(),
            human=(_.actor == "human").fill_null(False).mean(),
        )
    ).set_index("touchpoint_no")
    words = {(False, False): "nobody", (True, False): "bot", (False, True): "human"}
    acts = shares >= SERVES
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
    steps = journeys.steps.filter(_.ends_visit)
    pair = ["touchpoint_no", "next_touchpoint_no"]
    clock = journeys.has_clock
    seconds = (_.next_us - _.visit_us).median() / 1e6 if clock else ibis.null("float64")
    counts = steps.group_by(pair).aggregate(events=_.count(), median_seconds=seconds)
    # Grouped twice rather than counted distinct: that would hold every key of every pair.
    taken = steps.group_by([*pair, "customer_no", "journey"]).aggregate(n=_.count())
    taken = taken.group_by([*pair, "customer_no"]).aggregate(journeys=_.count())
    bases = taken.group_by(pair).aggregate(journeys=_.journeys.sum(), customers=_.count())
    inner = fetch(counts).merge(fetch(bases), on=pair)
    starts = journeys.steps.filter(_.step == 1).group_by(next_touchpoint_no=_.touchpoint_no)
    first = fetch(
        starts.aggregate(events=_.count(), journeys=_.count(), customers=_.customer_no.nunique())
    )
    known = journeys.whole.touchpoints
    names = dict(zip(known["touchpoint_no"], known["touchpoint"], strict=True))
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
    known = journeys.whole.touchpoints
    names = dict(zip(known["touchpoint_no"], known["touchpoint"], strict=True))
    shown["variant"] = [
        tuple(str(names[int(number)]) for number in variant.split(","))
        for variant in shown["variant"]
    ]
    shown.attrs["suppressed"] = hidden
    return shown
