"""Reach: how many customers each stage and each segment holds, and how segments feel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, AbstainReason, resample
from journeylib.journeys import Journeys
from journeylib.log import fetch, suppress
from journeylib.measures.ratios import quotient
from journeylib.measures.texts.sentiment import MICRO, Scores

ALL = ""
MOST_SEGMENTS = 12
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
        (str), ``events``, ``journeys``, ``customers`` (int64). At most the last `MONTHS` months;
        empty in a log without a clock.
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
    journey's.
    """
    spots = journeys.touchpoints[["touchpoint_no", "touchpoint", "stage"]]
    keys = ["journey", "customer_no", "group", "touchpoint_no"]
    whose = journeys.table.select("journey", "segment")
    rows = journeys.steps.select(*keys).inner_join(whose, "journey")
    stage_of = ibis.memtable(spots[["touchpoint_no", "stage"]].astype({"stage": "string"}))
    rows = rows.inner_join(stage_of, "touchpoint_no")
    large = _largest(rows, journeys.settings.min_customers)
    minimum = journeys.settings.min_customers
    cuts: list[list[str]] = [[], ["stage"], ["segment"], ["segment", "stage"]]
    counted = pd.concat([_counted(rows, cut) for cut in cuts], ignore_index=True)
    stages = counted[counted["segment"].isin([ALL, *large])]
    stages = suppress(stages, minimum)[0].sort_values(["segment", "stage"], ignore_index=True)
    segments = _segments(rows, spots, large, scores, minimum)
    return Reach(stages, segments, _months(journeys, minimum))


def _months(journeys: Journeys, minimum: int) -> pd.DataFrame:
    events, names = journeys.events, journeys.names
    counts = ("events", "journeys", "customers")
    if not events.has("t_us") or not len(events):
        return pd.DataFrame({name: [] for name in ("month", "touchpoint", *counts)})
    month = events.t_us.astype("datetime64[us]").astype("datetime64[M]")
    place = MONTHS - 1 - (month.max() - month).astype(np.int64)
    cell = np.where(place >= 0, events.touchpoint.astype(np.int64) * MONTHS + place, -1)
    spot, at = np.divmod(np.arange(MONTHS * len(names)), MONTHS)
    table = pd.DataFrame(
        {
            "month": (month.max() - (MONTHS - 1 - at)).astype(str),
            "touchpoint": [names[number] for number in spot],
            **vars(events.base(cell, MONTHS * len(names))),
        }
    )
    shown = suppress(table[table["events"] > 0], minimum)[0]
    return shown.sort_values(["month", "touchpoint"], ignore_index=True)


def _largest(rows: ibis.Table, minimum: int) -> list[str]:
    """Return the names of the largest segments, largest first."""
    found = _counted(rows, ["segment"])
    found = found[(found["customers"] >= minimum) & (found["segment"] != ALL)]
    ranked = found.sort_values(["customers", "segment"], ascending=[False, True])
    return [str(name) for name in ranked["segment"].head(MOST_SEGMENTS)]


def _counted(rows: ibis.Table, cut: list[str]) -> pd.DataFrame:
    known = rows
    for name in cut:
        known = known.filter(known[name].notnull())
    counts = {
        "events": _.count(),
        "journeys": _.journey.nunique(),
        "customers": _.customer_no.nunique(),
    }
    table = known.group_by(cut).aggregate(**counts) if cut else known.aggregate(**counts)
    frame = fetch(table)
    for name in ("segment", "stage"):
        frame[name] = frame[name].astype(str) if name in cut else ALL
    return frame[["segment", "stage", *counts]]


def _segments(
    rows: ibis.Table,
    spots: pd.DataFrame,
    large: list[str],
    scores: Scores | AbstainReason | None,
    minimum: int,
) -> pd.DataFrame:
    columns = ["segment", "touchpoint", "events", "journeys", "customers", "sentiment", "lo", "hi"]
    if not large:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    names = dict(zip(spots["touchpoint_no"], spots["touchpoint"], strict=True))
    known = rows.filter(rows.segment.isin(large))
    found = fetch(
        known.group_by(["segment", "touchpoint_no"]).aggregate(
            events=_.count(), journeys=_.journey.nunique(), customers=_.customer_no.nunique()
        )
    )
    felt = _felt(rows, large, scores, minimum)
    found = found.astype({"segment": str}).merge(
        felt, on=["segment", "touchpoint_no"], how="left", validate="one_to_one"
    )
    found["touchpoint"] = found["touchpoint_no"].map(names)
    shown = suppress(found, minimum)[0][columns]
    return shown.sort_values(["segment", "touchpoint"], ignore_index=True)


def _felt(
    rows: ibis.Table, large: list[str], scores: Scores | AbstainReason | None, minimum: int
) -> pd.DataFrame:
    """Return the mean feeling of each segment at each touchpoint, where enough were heard."""
    columns = ["segment", "touchpoint_no", "sentiment", "lo", "hi"]
    if not isinstance(scores, Scores):
        return pd.DataFrame(columns=columns).astype({"touchpoint_no": "int64", "segment": str})
    whose = rows.select("journey", "segment").distinct()
    heard = scores.turns.filter(_.score.notnull()).inner_join(whose, "journey")
    heard = heard.filter(heard.segment.isin(large))
    cell = ["segment", "touchpoint_no"]
    people = fetch(heard.group_by(cell).aggregate(heard=_.customer_no.nunique()))
    people = suppress(people.astype({"segment": str}), minimum, "heard")[0]
    sums = fetch(
        heard.group_by([*cell, "group"]).aggregate(total=_.score.sum(), n=_.count() * MICRO)
    ).astype({"segment": str})
    people = people.sort_values(cell, ignore_index=True)
    keys = zip(people["segment"], people["touchpoint_no"], strict=True)
    spot = {key: i for i, key in enumerate(keys)}
    whole = np.zeros((GROUPS, len(people), 2))
    row: dict[Any, Any]
    for row in sums.to_dict("records"):
        place = spot.get((row["segment"], row["touchpoint_no"]))
        if place is not None:
            whole[row["group"], place] = row["total"], row["n"]
    result = resample(whole, quotient, n_customers=people["heard"].to_numpy())
    return people[cell].assign(
        sentiment=result.value, lo=np.clip(result.lo, -1, 1), hi=np.clip(result.hi, -1, 1)
    )
