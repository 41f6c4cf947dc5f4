"""Reach: how many customers each stage and each segment holds, and how segments feel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import GROUPS, MICRO, AbstainReason, resample
from journeylib.journeys import MISSING, Codes, Events, Journeys
from journeylib.log import COUNTS, Cells, protect, protect_parts, suppress
from journeylib.measures.ratios import quotient
from journeylib.measures.texts.sentiment import Scores, score_of_events

ALL = ""
MOST_SEGMENTS = 12
OTHER, NO_STAGE = "\0other", "\0none"  # no name of a log holds this sign
SEGMENT_COLUMNS = ("segment", "touchpoint", *COUNTS, "sentiment", "lo", "hi")
MONTHS = 12


@dataclass(frozen=True)
class Reach:
    """Customers by stage and by segment; cells below the minimum of customers are out.

    Attributes
    ----------
    stages : pandas.DataFrame
        One row per segment and stage, by segment, then stage: ``segment``, ``stage`` (str; empty
        is all of them), ``events``, ``journeys``, ``customers`` (int64). At most the
        `MOST_SEGMENTS` segments with most customers.
    segments : pandas.DataFrame
        One row per segment and touchpoint: ``segment``, ``touchpoint`` (str), ``events``,
        ``journeys``, ``customers`` (int64), ``sentiment``, ``lo``, ``hi`` (float64, −1 to 1; NaN
        where too few were heard). Empty in a log without segments.
    months : pandas.DataFrame
        One row per calendar month (UTC) and touchpoint: ``month`` (``YYYY-MM``), ``touchpoint``
        (str), ``events``, ``journeys``, ``customers`` (int64). At most the last `MONTHS` months
        that are over; empty in a log without a clock.
    """

    stages: pd.DataFrame
    segments: pd.DataFrame
    months: pd.DataFrame


def reach(journeys: Journeys, scores: Scores | AbstainReason | None) -> Reach:
    """Count events, journeys and customers by stage and segment.

    Parameters
    ----------
    journeys : Journeys
    scores : Scores or str
        What customers' turns sound like; `Evidence.turn_scores`.

    Notes
    -----
    The stage of an event is its touchpoint's most frequent one, as on the map; the segment is the
    journey's. Further cells are hidden, so that the totals of stages, segments and touchpoints
    tell nothing of a small one (`log.protect`).
    """
    minimum = journeys.settings.min_customers
    cells, months = _cells(journeys), _months(journeys, minimum)
    large = _largest(cells, minimum)
    whole = _counted(cells, [])
    if not large:
        stages = pd.concat([whole, _counted(cells, ["stage"])], ignore_index=True)
        stages = suppress(stages, minimum)[0].sort_values("stage", ignore_index=True)
        return Reach(stages, pd.DataFrame(columns=list(SEGMENT_COLUMNS), dtype="object"), months)
    cells = _named(cells, large)
    cuts, key = (["stage"], ["segment"], ["segment", "stage"]), ["segment", "touchpoint"]
    by_stage, by_segment, crossed, parts = (_counted(cells, cut) for cut in (*cuts, key))
    touchpoints = suppress(journeys.touchpoints[["touchpoint", "stage", *COUNTS]], minimum)[0]
    touchpoints = touchpoints.fillna({"stage": NO_STAGE}).astype({"stage": str})
    parts = parts.drop(columns="stage")[parts["touchpoint"].isin(touchpoints["touchpoint"])]
    stages, segments = _protected(parts, crossed, by_segment, touchpoints, minimum)
    felt = _feelings(cells, large, scores, minimum)
    segments = segments.merge(felt, on=key, how="left", validate="one_to_one")
    segments = segments[list(SEGMENT_COLUMNS)].sort_values(key, ignore_index=True)
    totals = suppress(pd.concat([whole, by_stage, by_segment], ignore_index=True), minimum)[0]
    table = pd.concat([totals, stages], ignore_index=True)
    table = table[~table["segment"].eq(OTHER) & ~table["stage"].eq(NO_STAGE)]
    return Reach(table.sort_values(["segment", "stage"], ignore_index=True), segments, months)


@dataclass(frozen=True)
class _Cells:
    """Of each event the segment of its journey, its touchpoint, and the touchpoint's stage."""

    events: Events
    parts: dict[str, Codes]


def _cells(journeys: Journeys) -> _Cells:
    events = journeys.events
    segment = journeys.outline.segment
    by_number = journeys.touchpoints.set_index("touchpoint_no")["stage"].sort_index()
    words = sorted(by_number.dropna().astype(str).unique())
    stage = pd.Index(words).get_indexer(by_number).astype(np.int32)
    unknown = Codes(np.full(len(events), -1, dtype=np.int32), ())
    return _Cells(
        events,
        {
            "segment": unknown if segment is None else segment.only(events.journey),
            "stage": Codes(stage[events.touchpoint], tuple(words)),
            "touchpoint": Codes(
                events.touchpoint, tuple(journeys.names[no] for no in range(events.touchpoints))
            ),
        },
    )


def _named(cells: _Cells, large: list[str]) -> _Cells:
    """Put all other segments into one that is never shown, and what has no stage into one."""
    segment, stage = cells.parts["segment"], cells.parts["stage"]
    names = (*large, OTHER)
    index = np.array([names.index(w) if w in large else len(large) for w in (*segment.words, "")])
    number = np.where(stage.known, stage.number, len(stage.words))
    named = {
        "segment": Codes(index.astype(np.int32)[segment.number], names),
        "stage": Codes(number.astype(np.int32), (*stage.words, NO_STAGE)),
    }
    return _Cells(cells.events, cells.parts | named)


def _protected(
    cells: pd.DataFrame,
    crossed: pd.DataFrame,
    whole: pd.DataFrame,
    touchpoints: pd.DataFrame,
    minimum: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the stages and the touchpoints of segments that may be shown.

    `cells` are segments × touchpoints, `whole` has the totals of segments, `touchpoints` the shown
    ones with theirs.
    """
    names, stages = sorted(whole["segment"]), sorted(crossed["stage"].unique())
    totals = whole.set_index("segment").loc[names, list(COUNTS)].to_numpy(np.int64)
    by_stage = _matrix(crossed, "stage", stages, names)
    named = np.array(names) != OTHER
    touchpoints = touchpoints.sort_values("touchpoint", ignore_index=True)
    stage = np.searchsorted(stages, touchpoints["stage"].to_numpy(str))
    counts = _matrix(cells, "touchpoint", list(touchpoints["touchpoint"]), names)
    seen = _with_stages(by_stage, named, minimum)
    # Stages of a segment that are hidden have one total: that of the segment.
    within = np.where(seen[:, None], by_stage[stage], totals)
    most = np.minimum(touchpoints[list(COUNTS)].to_numpy(np.int64)[:, None], within)
    row, column = np.indices(counts.shape[:2]).reshape(2, -1)
    flat = Cells(
        counts.reshape(-1, len(COUNTS)),
        (row, column * len(stages) + np.where(seen[column], stage[row], 0)),
        named[column],
        most.reshape(-1, len(COUNTS)),
    )
    cell = np.flatnonzero(protect(flat, minimum).exact)
    keys = {
        "segment": np.array(names)[column[cell]],
        "touchpoint": touchpoints["touchpoint"][row[cell]],
    }
    shown = pd.DataFrame(keys).merge(cells, on=["segment", "touchpoint"])
    large = crossed["customers"] >= minimum
    return crossed[crossed["segment"].isin(set(np.array(names)[seen & named])) & large], shown


def _with_stages(by_stage: npt.NDArray[np.int64], named: Any, minimum: int) -> Any:
    """Return the segments whose stages may be shown: all of them, or not just one left out."""
    customers = by_stage[..., 2]
    few = ((customers > 0) & (customers < minimum)).any(axis=0) & named
    if few.sum() == 1 and (named & ~few).any():
        events = np.where(named & ~few, by_stage[..., 0].sum(axis=0), np.iinfo(np.int64).max)
        few[events.argmin()] = True
    return np.where(named, ~few, not few.any())


def _matrix(
    cells: pd.DataFrame, key: str, rows: list[Any], columns: list[str]
) -> npt.NDArray[np.int64]:
    """Return the counts of cells as rows × segments × counts."""
    matrix = np.zeros((len(rows), len(columns), len(COUNTS)), np.int64)
    named = cells[cells[key].isin(rows)]
    cell = (
        pd.Index(rows).get_indexer(pd.Index(named[key])),
        pd.Index(columns).get_indexer(pd.Index(named["segment"])),
    )
    matrix[cell] = named[list(COUNTS)]
    return matrix


def _months(journeys: Journeys, minimum: int) -> pd.DataFrame:
    events, names = journeys.events, journeys.names
    counts = ("events", "journeys", "customers")
    if not events.has("t_us") or not len(events):
        return pd.DataFrame({name: [] for name in ("month", "touchpoint", *counts)})
    day = events.t_us.astype("datetime64[us]").astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    closed = (day.max() + 1).astype("datetime64[M]") - 1  # the last month that is over by then
    # What came before the first month, and after the last, are parts too, which nobody sees.
    many = MONTHS + 2
    index = np.clip(MONTHS - (closed - month).astype(np.int64), 0, MONTHS + 1)
    cell = events.touchpoint.astype(np.int64) * many + index
    touchpoint, at = np.divmod(np.arange(many * len(names)), many)
    table = pd.DataFrame(
        {
            "month": (closed - (MONTHS - at)).astype(str),
            "touchpoint": [names[number] for number in touchpoint],
            **vars(events.base(cell, many * len(names))),
        }
    )
    # The months of a touchpoint add up to its total.
    shape = (len(names), many)
    customers, cases = (table[name].to_numpy().reshape(shape) for name in ("customers", "events"))
    shown = protect_parts(customers, cases, minimum).ravel() & (at > 0) & (at <= MONTHS)
    return table[shown].sort_values(["month", "touchpoint"], ignore_index=True)


def _largest(cells: _Cells, minimum: int) -> list[str]:
    """Return the names of the largest segments, largest first."""
    counts = _counted(cells, ["segment"])
    counts = counts[(counts["customers"] >= minimum) & (counts["segment"] != ALL)]
    ranked = counts.sort_values(["customers", "segment"], ascending=[False, True])
    return [str(name) for name in ranked["segment"].head(MOST_SEGMENTS)]


def _counted(cells: _Cells, cut: list[str]) -> pd.DataFrame:
    """Count what lies in each part of a cut; events without one of its parts are in none."""
    cell, many = np.zeros(len(cells.events), dtype=np.int64), 1
    for name in cut:
        codes = cells.parts[name]
        cell = np.where((cell >= 0) & codes.known, cell * len(codes.words) + codes.number, -1)
        many *= len(codes.words)
    frame = pd.DataFrame(vars(cells.events.base(cell, many)))
    number = np.arange(many)
    for name in reversed(cut):
        words = cells.parts[name].words
        frame[name] = [words[code] for code in number % max(len(words), 1)]
        number = number // max(len(words), 1)
    for name in {"segment", "stage"}.difference(cut):
        frame[name] = ALL
    frame = frame[frame["events"] > 0]
    return frame[[*dict.fromkeys(("segment", "stage", *cut)), *COUNTS]]


def _feelings(
    cells: _Cells, large: list[str], scores: Scores | AbstainReason | None, minimum: int
) -> pd.DataFrame:
    """Return the mean feeling of each segment at each touchpoint, where enough were heard."""
    if not isinstance(scores, Scores):
        columns = ["segment", "touchpoint", "sentiment", "lo", "hi"]
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    events, names = cells.events, cells.parts["touchpoint"].words
    score, segment = score_of_events(scores, events), cells.parts["segment"].number
    has_score = (score != MISSING) & (segment < len(large))
    cell = np.where(has_score, segment * np.int64(len(names)) + events.touchpoint, -1)
    many = len(large) * len(names)
    customers = events.base(cell, many).customers
    shown = np.flatnonzero(customers >= max(minimum, 1))
    sums = np.zeros((GROUPS, len(shown), 2))
    for index, amount in enumerate((np.where(has_score, score, 0), np.full(len(events), MICRO))):
        sums[:, :, index] = events.in_groups(cell, amount, many)[:, shown]
    result = resample(sums, quotient, n_customers=customers[shown])
    return pd.DataFrame(
        {
            "segment": pd.Series([large[spot // len(names)] for spot in shown], dtype="str"),
            "touchpoint": pd.Series([names[spot % len(names)] for spot in shown], dtype="str"),
            "sentiment": result.value,
            "lo": np.clip(result.lo, -1, 1),
            "hi": np.clip(result.hi, -1, 1),
        }
    )
