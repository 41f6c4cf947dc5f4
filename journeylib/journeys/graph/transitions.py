"""The journey graph: touchpoints, directly-follows transitions, variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.journeys.walk.counting import base_in_cells, median_in_cells, number_pairs
from journeylib.journeys.walk.outline import variant_texts
from journeylib.log import suppress

if TYPE_CHECKING:
    import networkx as nx

    from journeylib.journeys.journeys import Journeys
    from journeylib.journeys.walk.events import Codes, Events

START, END = "(start)", "(end)"
OTHER = "(other)"  # touchpoints that are folded into one
# A bot or human that acts in fewer of a touchpoint's events is an exception, not who serves it.
SERVES = 0.05


def touchpoint_table(journeys: Journeys) -> pd.DataFrame:
    """Count every touchpoint; see `Journeys.touchpoints`."""
    events, names = journeys.events, journeys.names
    number = np.arange(len(names))
    base = events.base(events.touchpoint, len(names))
    counts = pd.DataFrame({"touchpoint_no": number, **vars(base)}).assign(
        median_position=median_positions(journeys, events.touchpoint, len(names))
    )
    if journeys.narrowing is not None:
        labels = ["touchpoint", "stage", "channel", "office", "served_by"]
        counts = counts.merge(journeys.whole.touchpoints[["touchpoint_no", *labels]])
    else:
        counts["touchpoint"] = pd.Series([names[spot] for spot in range(len(names))], dtype="str")
        for column in ("stage", "channel", "office"):
            counts[column] = _most_frequent(events, column)
        counts["served_by"] = _served_by(events)
    columns = ["touchpoint_no", "touchpoint", "stage", "channel", "office", "served_by"]
    ordered = counts.sort_values(["median_position", "touchpoint"], kind="stable")
    numbers = ["events", "journeys", "customers", "median_position"]
    return ordered[[*columns, *numbers]].reset_index(drop=True)


def median_positions(
    journeys: Journeys, cell: npt.NDArray[Any], cells: int
) -> npt.NDArray[np.float64]:
    """Return the median place of events within their journeys by cell, 0 first to 1 last."""
    events = journeys.events
    length = journeys.outline.steps[events.journey]
    place = np.where(length > 1, (events.step - 1) / np.maximum(length - 1, 1), 0.5)
    return median_in_cells(cell, place, cells)


def _most_frequent(events: Events, column: str) -> list[str | None]:
    """Return the most frequent word of each touchpoint; among equals the first by name."""
    if not events.has(column):
        return [None] * events.touchpoints
    codes: Codes = events.column(column)
    pair, keys = number_pairs(
        np.where(codes.known, events.touchpoint, -1), codes.number, max(len(codes.words), 1)
    )
    times = np.bincount(pair[pair >= 0], minlength=len(keys))
    found: list[str | None] = [None] * events.touchpoints
    # The last that is put there stands: the most frequent, of equals the first by name.
    for spot in np.lexsort((-keys, times)):
        found[keys[spot] // len(codes.words)] = codes.words[keys[spot] % len(codes.words)]
    return found


def _served_by(events: Events) -> list[str | None]:
    if not events.has("actor"):
        return [None] * events.touchpoints
    actor: Codes = events.column("actor")
    words = {(False, False): "nobody", (True, False): "bot", (False, True): "human"}
    every = np.bincount(events.touchpoint, minlength=events.touchpoints)
    acts = [
        np.bincount(events.touchpoint[actor.is_word(who)], minlength=events.touchpoints)
        >= SERVES * every
        for who in ("bot", "human")
    ]
    return [words.get((bool(bot), bool(human)), "both") for bot, human in zip(*acts, strict=True)]


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
    events, names = journeys.events, journeys.names
    pair, keys = number_pairs(
        np.where(events.ends_visit, events.touchpoint, -1),
        events.next_touchpoint + 1,
        len(names) + 1,
    )
    seconds = np.full(len(keys), np.nan)
    if journeys.has_clock:
        seconds = _median_seconds(events, pair, len(keys))
    word = pd.Series([END, *(names[number] for number in range(len(names)))], dtype="str")
    source, target = keys // (len(names) + 1), keys % (len(names) + 1)
    inner = pd.DataFrame(
        {
            "source": word.to_numpy()[source + 1],
            "target": word.to_numpy()[target],
            **vars(events.base(pair, len(keys))),
            "median_seconds": seconds,
        }
    )
    first = events.base(np.where(events.step == 1, events.touchpoint, -1), len(names))
    begins = pd.DataFrame({"source": START, "target": word[1:].to_numpy(), **vars(first)})
    begins = begins[begins["events"] > 0].assign(median_seconds=np.nan)
    edges = pd.concat([inner, begins] if len(inner) else [begins])
    edges = edges.astype({"source": "str", "target": "str"})
    order = ["journeys", "source", "target"]
    return edges.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def _median_seconds(events: Events, pair: npt.NDArray[Any], pairs: int) -> npt.NDArray[np.float64]:
    """Return the median time from the start of a visit to the start of the next, by pair."""
    onward = np.where(events.is_last, -1, pair)
    us = np.where(onward >= 0, events.next_us - events.t_us[events.visit_row], 0)
    return median_in_cells(onward, us, pairs) / 1e6


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
    outline = journeys.outline
    number, example = outline.variants
    base = base_in_cells(number, number, outline.customer, len(example))
    every = pd.DataFrame({"journeys": base.events, "customers": base.customers})
    every["share"] = every["journeys"] / max(int(every["journeys"].sum()), 1)
    minimum = journeys.settings.min_customers if min_customers is None else min_customers
    shown = every[every["customers"] >= minimum]
    texts = variant_texts(outline, shown.index.to_numpy())
    shown = shown.assign(variant=pd.Series(texts, index=shown.index, dtype="str"))
    shown = shown.sort_values(["journeys", "variant"], ascending=[False, True], ignore_index=True)
    names = journeys.names
    shown["variant"] = [
        tuple(names[int(number)] for number in variant.split(",")) for variant in shown["variant"]
    ]
    shown = shown[["variant", "journeys", "customers", "share"]]
    shown.attrs["suppressed"] = len(every) - len(shown)
    return shown
