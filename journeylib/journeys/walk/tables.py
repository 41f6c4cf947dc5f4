"""Tables of touchpoints and transitions, counted over the events of journeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journeylib.journeys.walk.compiled import compiled
from journeylib.journeys.walk.counting import median_in_cells, number_pairs
from journeylib.journeys.walk.event_columns import MISSING, Codes
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import Outline, as_words
from journeylib.log import Cells, protect

START, END = "(start)", "(end)"
OTHER = "(other)"  # touchpoints that are folded into one
# A bot or human that acts in fewer of a touchpoint's events is an exception, not who serves it.
SERVES = 0.05
MOST_TOUCHPOINTS = 45  # of a graph that is looked at as a whole to protect a rare transition
UNSAID = 0, 0, np.iinfo(np.int64).max  # of a transition that no shown variant passes
_NUMBERS = ("customer_no", "group", "touchpoint_no")
LARGEST = 3  # in larger graphs, cells of a row or column that are looked at for that
Whole = npt.NDArray[np.int64]


def touchpoint_table(
    outline: Outline, names: Mapping[int, str], whole: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count every touchpoint; see `Journeys.touchpoints`.

    Parameters
    ----------
    outline : Outline
    names : mapping of int to str
        Every touchpoint of the whole log by its number.
    whole : pandas.DataFrame, optional
        The table of the whole log, whose labels stand, where `outline` is a part of it.
    """
    events = outline.events
    number = np.arange(len(names))
    base = events.base(events.touchpoint, len(names))
    counts = pd.DataFrame({"touchpoint_no": number, **vars(base)}).assign(
        median_position=median_positions(outline, events.touchpoint, len(names))
    )
    if whole is not None:
        labels = ["touchpoint", "stage", "channel", "office", "served_by"]
        counts = counts.merge(whole[["touchpoint_no", *labels]])
    else:
        counts["touchpoint"] = pd.Series([names[spot] for spot in range(len(names))], dtype="str")
        for column in ("stage", "channel", "office"):
            counts[column] = most_frequent(events, column, events.touchpoint, len(names))
        counts["served_by"] = _served_by(events)
    columns = ["touchpoint_no", "touchpoint", "stage", "channel", "office", "served_by"]
    ordered = counts.sort_values(["median_position", "touchpoint"], kind="stable")
    numbers = ["events", "journeys", "customers", "median_position"]
    return ordered[[*columns, *numbers]].reset_index(drop=True)


def median_positions(
    outline: Outline, cell: npt.NDArray[Any], cells: int
) -> npt.NDArray[np.float64]:
    """Return the median place of events within their journeys by cell, 0 first to 1 last."""
    events = outline.events
    return median_in_cells(cell, _places(events.step, outline.steps[events.journey]), cells)


@compiled
def _places(step: npt.NDArray[Any], steps: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the place of each step in its journey; the only one of a journey is in the middle."""
    place = np.full(len(step), 0.5)
    for row in range(len(step)):
        if steps[row] > 1:
            place[row] = (step[row] - 1) / (steps[row] - 1)
    return place


def most_frequent(
    events: Events, column: str, cell: npt.NDArray[Any], cells: int
) -> list[str | None]:
    """Return the most frequent word of each cell of events; among equals the first by name."""
    found: list[str | None] = [None] * cells
    if not events.has(column):
        return found
    codes: Codes = events.column(column)
    pair, keys = number_pairs(
        np.where(codes.known, cell, -1), codes.number, max(len(codes.words), 1)
    )
    times = np.bincount(pair[pair >= 0], minlength=len(keys))
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


def edge_table(events: Events, names: Mapping[int, str]) -> pd.DataFrame:
    """Count every transition, however rare; see `Journeys.edges`."""
    pair, keys = number_pairs(
        np.where(events.ends_visit, events.touchpoint, -1),
        events.next_touchpoint + 1,
        len(names) + 1,
    )
    seconds, tied = np.full(len(keys), np.nan), np.zeros(len(keys), dtype=np.int64)
    if events.has("t_us"):
        seconds = median_seconds(events, pair, len(keys))
        alike = (pair >= 0) & ~events.is_last
        alike[:-1] &= events.t_us[1:] == events.t_us[:-1]
        tied = np.bincount(pair[alike], minlength=len(keys))
    word = pd.Series([END, *(names[number] for number in range(len(names)))], dtype="str")
    source, target = keys // (len(names) + 1), keys % (len(names) + 1)
    inner = pd.DataFrame(
        {
            "source": word.to_numpy()[source + 1],
            "target": word.to_numpy()[target],
            **vars(events.base(pair, len(keys))),
            "median_seconds": seconds,
            "tied": tied,
        }
    )
    first = events.base(np.where(events.step == 1, events.touchpoint, -1), len(names))
    begins = pd.DataFrame({"source": START, "target": word[1:].to_numpy(), **vars(first)})
    begins = begins[begins["events"] > 0].assign(median_seconds=np.nan, tied=0)
    edges = pd.concat([inner, begins] if len(inner) else [begins])
    edges = edges.astype({"source": "str", "target": "str"})
    order = ["journeys", "source", "target"]
    return edges.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def public_edges(
    edges: pd.DataFrame,
    touchpoints: list[str],
    minimum: int,
    of_variants: Mapping[tuple[str, str], tuple[int, int, int]],
) -> pd.DataFrame:
    """Return the transitions that may be shown, with lower bounds where these are needed.

    Parameters
    ----------
    edges : pandas.DataFrame
        Every transition; `Journeys.edges`.
    touchpoints : list of str
        Those that are shown with their visits, sorted.
    minimum : int
        Fewest customers of a shown transition.
    of_variants : mapping of (str, str) to (int, int, int)
        What variants say of each transition; `moves_of_variants`.
    """
    sources, targets = (pd.Index([end, *touchpoints]) for end in (START, END))
    # Touchpoints that are not shown are one, the last.
    row = sources.get_indexer(pd.Index(edges["source"])) % (len(sources) + 1)
    column = targets.get_indexer(pd.Index(edges["target"])) % (len(targets) + 1)
    size = len(touchpoints) + 2
    place = row * size + column
    occupied, number = np.unique(place, return_inverse=True)
    sums = np.zeros((len(occupied), 2), dtype=np.int64)
    np.add.at(sums, number, edges[["events", "customers"]].to_numpy(np.int64))
    there = _with_corners(occupied, sums, size, minimum)
    own, (source, target) = np.searchsorted(there, place), np.divmod(there, size)
    counts, fewest = (np.zeros((len(there), 2), dtype=np.int64) for _ in range(2))
    counts[np.searchsorted(there, occupied)] = sums
    named = (source < size - 1) & (target < size - 1)
    visits = (np.where(end < size - 1, end, -1) for end in (source, target))
    pairs = zip(*edges[["source", "target"]].to_numpy().T, strict=True)
    bounds = np.array([of_variants.get(pair, UNSAID) for pair in pairs], dtype=np.int64)
    bounds = bounds.reshape(-1, 3)
    np.add.at(fewest, own, bounds[:, :2])
    shown = protect(Cells(counts, tuple(visits), named, fewest=fewest), minimum, bounds=True)
    least, bounded, named = shown.least[own], shown.at_least[own], named[own]
    events, customers = np.minimum(least.T, np.where(bounded, bounds[:, 2], UNSAID[2]))
    found: pd.DataFrame = edges.assign(
        events=events,
        journeys=np.where(bounded, edges["journeys"].clip(customers, events), edges["journeys"]),
        customers=customers,
        tied=edges["tied"].clip(upper=events),
        at_least=bounded,
    )
    found = found.loc[named & (customers >= max(minimum, 1))]
    order = ["journeys", "source", "target"]
    shown_edges: pd.DataFrame = found.sort_values(
        order, ascending=[False, True, True], ignore_index=True
    )
    return shown_edges


def room_of_moves(public: pd.DataFrame, edges: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return how many more visits than it has a shown transition might have, by what is shown.

    None where it is shown as it is; else what the visits of its source and its target leave room
    for, less all else that is shown of these.
    """
    keys = ["source", "target"]
    table = public.sort_values(keys)
    true = table[keys].merge(edges[[*keys, "events"]], on=keys)["events"].to_numpy()
    free = [
        (table[key].map(edges.groupby(key)["events"].sum()).to_numpy()
         - table.groupby(key)["events"].transform("sum").to_numpy())
        for key in keys
    ]  # fmt: skip
    most = np.where(table["at_least"], table["events"].to_numpy() + np.minimum(*free), true)
    pairs = zip(table["source"], table["target"], strict=True)
    return dict(zip(pairs, (most - true).tolist(), strict=True))


def _with_corners(occupied: Whole, counts: Whole, size: int, minimum: int) -> Whole:
    """Return all occupied cells and those that may take what the largest beside a small one give.

    Whoever reads the transitions cannot tell an empty cell from a hidden one. All may change; in a
    large graph that would take long, and those of the largest cells nearly suffice.
    """
    if size <= MOST_TOUCHPOINTS:
        return np.arange(size**2)
    row, column = np.divmod(occupied[(counts[:, 1] > 0) & (counts[:, 1] < minimum)], size)
    # Of a row with few cells the first empty ones are the largest of the rest.
    few, every = np.arange(LARGEST)[:, None], np.arange(size)
    empty = np.concatenate([(few * size + every).ravel(), (few + every * size).ravel()])
    cells, first = np.unique(np.concatenate([occupied, empty]), return_index=True)
    events = np.concatenate([counts[:, 0], np.zeros_like(empty)])[first]
    source, target = np.divmod(cells[np.lexsort((cells, -events))], size)
    far = _first_of_each(source, target, size)[row]
    near = _first_of_each(target, source, size)[column]
    marked = np.zeros((size, size), dtype=np.bool_)
    marked[near[:, :, None], far[:, None, :]] = True
    # What the others cannot take, the rows and columns of the largest cells of all can.
    marked[source[:LARGEST]], marked[:, target[:LARGEST]] = True, True
    marked.ravel()[occupied] = True
    return np.flatnonzero(marked)


def _first_of_each(number: Whole, value: Whole, size: int) -> Whole:
    """Return the first values of each number, shape (size, LARGEST)."""
    order = np.argsort(number, kind="stable")
    begins = np.searchsorted(number[order], np.arange(size))
    return np.asarray(value[order[begins[:, None] + np.arange(LARGEST)]])


def median_seconds(events: Events, pair: npt.NDArray[Any], pairs: int) -> npt.NDArray[np.float64]:
    """Return the median time from the start of a visit to the start of the next, by pair."""
    onward = np.where(events.is_last, -1, pair)
    us = events.next_us
    us -= events.t_us[events.visit_row] if events.has("session") else events.t_us
    return median_in_cells(onward, us, pairs) / 1e6


def step_table(events: Events, names: Mapping[int, str]) -> pa.Table:
    """Return one row per event, in the order of the journeys; columns of `Journeys.steps`."""
    words = pa.array([names[number] for number in range(len(names))], pa.string())
    left_out = (*_NUMBERS, "case_no", "touchpoint")
    own = [name for name in events.columns.source.columns if name not in left_out]
    table: dict[str, Any] = {name: _as_arrow(events.column(name)) for name in own}
    table |= {name: events.column(name).astype(np.int64) for name in _NUMBERS}
    visit_step = events.step[events.visit_row]
    table |= {
        "touchpoint": words.take(pa.array(events.touchpoint)),
        "journey": events.key,
        "step": events.step.astype(np.int64),
        "steps": np.diff(events.begins)[events.journey],
        "visit": events.visit.astype(np.int64),
        "starts_visit": events.starts_visit,
        "ends_visit": events.ends_visit,
        "visit_step": visit_step.astype(np.int64),
        "next_touchpoint": words.take(_or_null(events.next_touchpoint, -1)),
        "next_touchpoint_no": _or_null(events.next_touchpoint.astype(np.int64), -1),
    }
    if events.has("actor"):
        actor = events.column("actor")
        table["next_actor"] = as_words(Codes(events.next_of(actor.held, -1), actor.words))
    if events.has("t_us"):
        table |= {
            "visit_us": events.t_us[events.visit_row],
            "next_us": _or_null(events.next_us, MISSING),
            "service_us": _or_null(events.service_us, MISSING),
            "wait_us": _or_null(events.wait_us, MISSING),
        }
    if events.has("boundary_micro"):
        table["boundary_micro"] = _or_null(events.column("boundary_micro"), MISSING)
    return pa.table(table)


def _as_arrow(column: Any) -> pa.Array:
    if isinstance(column, Codes):
        return as_words(column)
    if column.dtype == np.int8:
        return pa.array(column == 1, mask=column < 0)
    if column.dtype.kind == "f":
        return pa.array(column, from_pandas=True)
    return _or_null(column, MISSING)


def _or_null(values: npt.NDArray[Any], missing: int) -> pa.Array:
    return pa.array(values, mask=values == missing)
