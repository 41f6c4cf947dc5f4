"""Reach: how many customers each stage and each segment holds, and how segments feel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, AbstainReason, resample
from journeylib.journeys import Journeys
from journeylib.log import COUNTS, Crossed, fetch, suppress, suppress_crossed, suppress_parts
from journeylib.measures.ratios import quotient
from journeylib.measures.texts.sentiment import MICRO, Scores

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
    journey's. Further cells are hidden, so that the totals of stages, segments and touchpoints
    tell nothing of a small one (`log.suppress_crossed`). Where no choice of cells does that, the
    stages of segments are left out, and then the segments' touchpoints.
    """
    spots = journeys.touchpoints[["touchpoint_no", "touchpoint", "stage", *COUNTS]]
    keys = ["journey", "customer_no", "group", "touchpoint_no"]
    whose = journeys.table.select("journey", "segment")
    rows = journeys.steps.select(*keys).inner_join(whose, "journey")
    stage_of = ibis.memtable(spots[["touchpoint_no", "stage"]].astype({"stage": "string"}))
    rows = rows.inner_join(stage_of, "touchpoint_no")
    minimum = journeys.settings.min_customers
    large, months = _largest(rows, minimum), _months(journeys, minimum)
    whole = _counted(rows, [])
    if not large:
        stages = pd.concat([whole, _counted(rows, ["stage"])], ignore_index=True)
        stages = suppress(stages, minimum)[0].sort_values("stage", ignore_index=True)
        return Reach(stages, pd.DataFrame(columns=list(SEGMENT_COLUMNS), dtype="object"), months)
    # All other journeys are a column that is never shown.
    named = rows.segment.isin(large).ifelse(rows.segment.cast("string"), OTHER)
    rows = rows.mutate(segment=named.fill_null(OTHER), stage=rows.stage.fill_null(NO_STAGE))
    cuts = ["stage"], ["segment"], ["segment", "stage"]
    by_stage, by_segment, crossed = (_counted(rows, cut) for cut in cuts)
    spots = suppress(spots, minimum)[0].fillna({"stage": NO_STAGE}).astype({"stage": str})
    cells = fetch(rows.group_by(["segment", "touchpoint_no"]).aggregate(**_counts()))
    cells = cells.merge(spots[["touchpoint_no", "touchpoint"]], on="touchpoint_no")
    stages, found = _protected(cells.astype({"segment": str}), crossed, by_segment, spots, minimum)
    felt = _felt(rows, large, scores, minimum)
    found = found.merge(felt, on=["segment", "touchpoint_no"], how="left", validate="one_to_one")
    found = found[list(SEGMENT_COLUMNS)].sort_values(["segment", "touchpoint"], ignore_index=True)
    totals = suppress(pd.concat([whole, by_stage, by_segment], ignore_index=True), minimum)[0]
    table = pd.concat([totals, stages], ignore_index=True)
    table = table[~table["segment"].eq(OTHER) & ~table["stage"].eq(NO_STAGE)]
    return Reach(table.sort_values(["segment", "stage"], ignore_index=True), found, months)


def _protected(
    cells: pd.DataFrame,
    crossed: pd.DataFrame,
    whole: pd.DataFrame,
    spots: pd.DataFrame,
    minimum: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the stages and the touchpoints of segments that may be shown.

    `whole` has the totals of segments, `spots` the shown touchpoints with theirs.
    """
    names, stages = sorted(whole["segment"]), sorted(crossed["stage"].unique())
    totals = whole.set_index("segment").loc[names, list(COUNTS)].to_numpy(np.int64)
    by_stage = _matrix(crossed, "stage", stages, names)
    named = np.array(names) != OTHER
    spots = spots.sort_values("touchpoint", ignore_index=True)
    stage = np.searchsorted(stages, spots["stage"].to_numpy(str))
    counts = _matrix(cells, "touchpoint_no", list(spots["touchpoint_no"]), names)
    most = spots[list(COUNTS)].to_numpy(np.int64)
    for seen in (_with_stages(by_stage, named, minimum), np.zeros(len(names), dtype=bool)):
        # Stages of a segment that are hidden have one total: that of the segment.
        table = Crossed(
            counts,
            most,
            np.where(seen[:, None], by_stage[stage], totals),
            np.where(seen, stage[:, None], -1),
            np.broadcast_to(named, counts.shape[:2]),
        )
        shown = suppress_crossed(table, minimum)
        if shown is not None:
            row, column = np.nonzero(shown)
            keys = {"segment": np.array(names)[column], "touchpoint": spots["touchpoint"][row]}
            kept = pd.DataFrame(keys).merge(cells, on=["segment", "touchpoint"])
            with_stages = set(np.array(names)[seen & named])
            few = crossed["customers"] < minimum
            return crossed[crossed["segment"].isin(with_stages) & ~few], kept
    return crossed.head(0), cells.head(0)


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
    known = cells[cells[key].isin(rows)]
    place = (
        pd.Index(rows).get_indexer(pd.Index(known[key])),
        pd.Index(columns).get_indexer(pd.Index(known["segment"])),
    )
    matrix[place] = known[list(COUNTS)]
    return matrix


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
    # The months of a touchpoint add up to its total.
    shape = (len(names), MONTHS)
    customers, cases = (table[name].to_numpy().reshape(shape) for name in ("customers", "events"))
    shown = table[suppress_parts(customers, cases, minimum).ravel()]
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
    counts = _counts()
    table = known.group_by(cut).aggregate(**counts) if cut else known.aggregate(**counts)
    frame = fetch(table)
    for name in ("segment", "stage"):
        frame[name] = frame[name].astype(str) if name in cut else ALL
    return frame[["segment", "stage", *counts]]


def _counts() -> dict[str, ibis.Deferred]:
    return {
        "events": _.count(),
        "journeys": _.journey.nunique(),
        "customers": _.customer_no.nunique(),
    }


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
