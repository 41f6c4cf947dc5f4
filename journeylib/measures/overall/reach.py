"""Reach: how many customers each stage and each segment holds, and how segments feel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, AbstainReason, resample
from journeylib.journeys import MISSING, Codes, Events, Journeys
from journeylib.log import suppress
from journeylib.measures.ratios import quotient
from journeylib.measures.texts.sentiment import MICRO, Scores, score_of_events

ALL = ""
MOST_SEGMENTS = 12


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
    """

    stages: pd.DataFrame
    segments: pd.DataFrame


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
    journey's.
    """
    cells = _cells(journeys)
    minimum = journeys.settings.min_customers
    large = _largest(cells, minimum)
    cuts: list[list[str]] = [[], ["stage"], ["segment"], ["segment", "stage"]]
    counted = pd.concat([_counted(cells, cut) for cut in cuts], ignore_index=True)
    stages = counted[counted["segment"].isin([ALL, *large])]
    stages = suppress(stages, minimum)[0].sort_values(["segment", "stage"], ignore_index=True)
    return Reach(stages, _segments(journeys, cells, large, scores))


@dataclass(frozen=True)
class _Cells:
    """Of each event the segment of its journey, and the stage of its touchpoint."""

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
            "segment": unknown
            if segment is None
            else segment.only(events.journey.astype(np.int64)),
            "stage": Codes(stage[events.touchpoint], tuple(words)),
        },
    )


def _largest(cells: _Cells, minimum: int) -> list[str]:
    """Return the names of the largest segments, largest first."""
    found = _counted(cells, ["segment"])
    found = found[(found["customers"] >= minimum) & (found["segment"] != ALL)]
    ranked = found.sort_values(["customers", "segment"], ascending=[False, True])
    return [str(name) for name in ranked["segment"].head(MOST_SEGMENTS)]


def _counted(cells: _Cells, cut: list[str]) -> pd.DataFrame:
    """Count what lies in each segment, stage or both; events without one are in none."""
    cell, many = np.zeros(len(cells.events), dtype=np.int64), 1
    for name in cut:
        codes = cells.parts[name]
        cell = np.where((cell >= 0) & codes.known, cell * len(codes.words) + codes.number, -1)
        many *= len(codes.words)
    frame = pd.DataFrame(vars(cells.events.base(cell, many)))
    number = np.arange(many)
    for name in reversed(cut):
        words = cells.parts[name].words
        frame[name] = [words[spot] for spot in number % max(len(words), 1)]
        number = number // max(len(words), 1)
    for name in cells.parts:
        if name not in cut:
            frame[name] = ALL
    frame = frame[frame["events"] > 0]
    return frame[["segment", "stage", "events", "journeys", "customers"]]


def _segments(
    journeys: Journeys, cells: _Cells, large: list[str], scores: Scores | AbstainReason | None
) -> pd.DataFrame:
    columns = ["segment", "touchpoint", "events", "journeys", "customers", "sentiment", "lo", "hi"]
    if not large:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    events, segment = journeys.events, cells.parts["segment"]
    among = pd.Index(large).get_indexer(pd.Index(list(segment.words)))
    spot = np.append(among, -1).astype(np.int64)[segment.number]
    cell = np.where(spot >= 0, spot * events.touchpoints + events.touchpoint, -1)
    many = len(large) * events.touchpoints
    found = pd.DataFrame(vars(events.base(cell, many)))
    found["segment"] = np.repeat(large, events.touchpoints)
    found["touchpoint"] = [journeys.names[no] for no in range(events.touchpoints)] * len(large)
    found[["sentiment", "lo", "hi"]] = np.nan
    minimum = journeys.settings.min_customers
    if isinstance(scores, Scores):
        score = score_of_events(scores, events)
        heard = np.where(score != MISSING, cell, -1)
        customers = events.base(heard, many).customers
        shown = np.flatnonzero(customers >= max(minimum, 1))
        sums = np.zeros((GROUPS, len(shown), 2))
        amounts = (np.where(heard >= 0, score, 0), np.full(len(events), MICRO))
        for place, amount in enumerate(amounts):
            sums[:, :, place] = events.in_groups(heard, amount, many)[:, shown]
        result = resample(sums, quotient, n_customers=customers[shown])
        felt = {
            "sentiment": result.value,
            "lo": np.clip(result.lo, -1, 1),
            "hi": np.clip(result.hi, -1, 1),
        }
        for name, values in felt.items():
            found.loc[shown, name] = values
    shown_rows = suppress(found[found["events"] > 0], minimum)[0][columns]
    return shown_rows.sort_values(["segment", "touchpoint"], ignore_index=True)
