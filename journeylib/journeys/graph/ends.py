"""How journeys end, by the touchpoints that they came by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, resample
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import base_in_cells
from journeylib.journeys.walk.outline import BAD_END, END_KINDS, GOAL, OPEN, OTHER_END, Outline
from journeylib.journeys.walk.tables import MOST_TOUCHPOINTS, START
from journeylib.journeys.walk.variant_counts import bounded_in_tens
from journeylib.log import Cells, Flags, Shown, Whole, protect, shows

ENDS = ("goal", "bad_end", "other", "open")
KINDS = len(END_KINDS)
END_COLUMNS = (
    *("touchpoint", "end", "journeys", "share", "lo", "hi", "at_least"),
    *("n_journeys", "n_customers"),
)


def journey_ends(journeys: Journeys) -> pd.DataFrame:
    """Count how journeys end, by the touchpoints that they came by; see `Structure.ends`."""
    outline, many = journeys.outline, len(journeys.names)
    journey, touchpoint = _passing(outline)
    # All journeys count at the start, and once at each touchpoint that they come by.
    journey = np.concatenate([journey, np.arange(len(outline))])
    touchpoint = np.concatenate([touchpoint, np.full(len(outline), many)])
    cell = (touchpoint * KINDS + outline.end_kind[journey]) * GROUPS + outline.group[journey]
    by_group = np.bincount(cell, minlength=(many + 1) * KINDS * GROUPS).reshape(-1, KINDS, GROUPS)
    base = journeys.touchpoints[["touchpoint", "touchpoint_no", "customers"]]
    minimum = max(journeys.settings.min_customers, 1)
    base = base[base["customers"] >= minimum]
    own = base["touchpoint_no"].to_numpy(np.int64)
    return _estimated(
        [START, *base["touchpoint"]],
        [outline.customers, *base["customers"]],
        by_group[np.concatenate([[many], own])],
        _may_be_shown(journeys, own, minimum),
    )


def ends_by_touchpoint(outline: Outline, *, alone: bool = False) -> Whole:
    """Count how the journeys end that came by each touchpoint.

    Parameters
    ----------
    outline : Outline
    alone : bool
        Those alone that came by nothing else, and once.

    Returns
    -------
    ndarray of int64, shape (touchpoints, ends, 2)
        Journeys and customers; ends in the order of `END_KINDS`.
    """
    journey, touchpoint = _passing(outline)
    if alone:
        single = np.diff(outline.visits[1]) == 1
        journey, touchpoint = journey[single[journey]], touchpoint[single[journey]]
    many = outline.events.touchpoints
    # The journeys of a customer lie together.
    order = np.argsort(journey, kind="stable")
    cell = (touchpoint * KINDS + outline.end_kind[journey])[order]
    base = base_in_cells(cell, journey[order], outline.customer[journey[order]], many * KINDS)
    return np.stack([base.journeys, base.customers], axis=-1).reshape(many, KINDS, 2)


def _passing(outline: Outline) -> tuple[Whole, Whole]:
    """Return each journey with each touchpoint that it came by, once."""
    events = outline.events
    first = np.flatnonzero(events.starts_visit & (events.visit == 1))
    return events.journey[first].astype(np.int64), events.touchpoint[first].astype(np.int64)


def _may_be_shown(journeys: Journeys, own: Whole, minimum: int) -> Shown:
    """Decide which ends may be shown, of all journeys and of those that came by each touchpoint.

    Returns
    -------
    Shown
        Of arrays of shape (1 + touchpoints, ends), the first row for all journeys.

    Notes
    -----
    Who came by and ended so, who did not come by, and who ended otherwise are all journeys. Who
    came by nothing else may be told by a story. Who came by a goal or a bad end ends in one of
    these two, and nobody else does.
    """
    outline = journeys.outline
    alike, kind = np.zeros(len(outline), dtype=np.int64), outline.end_kind.astype(np.int64)
    every = base_in_cells(alike, np.arange(len(outline)), outline.customer, 1)
    ended = base_in_cells(kind, np.arange(len(outline)), outline.customer, KINDS)
    whole = np.stack([ended.journeys, ended.customers], axis=-1)
    all_of_them = np.stack([every.journeys, every.customers], axis=-1)
    passing = ends_by_touchpoint(outline)[own]
    alone = _alone(journeys, own, minimum)
    # Rows: all journeys, touchpoints; then who ended otherwise, and who did not come by; at last
    # how often the journeys of an end came by more than one touchpoint that leads to it.
    leading = _leading(journeys, own)
    repeats = (passing * leading[..., None]).sum(axis=0) - whole
    rows, room = 1 + len(own), np.array([2, 1]) * (len(own) + 1) * len(outline)
    counts = np.concatenate(
        [whole[None], passing, all_of_them - whole[None], whole - passing, [room - repeats]]
    )
    fewest, most = np.zeros_like(counts), np.full(counts.shape, len(outline) + 1)
    most[-1] = np.where(np.any(leading, axis=0, keepdims=True).T, room, 2 * room)
    fewest[1:rows] = np.where(alone[..., 1:] >= minimum, alone, 0)
    most[1:rows][_decides(journeys, own), OTHER_END] = 0
    most[1:rows][_decides(journeys, own), OPEN] = 0
    # It is told beside how many are open: of all, and by the base of who broke off.
    few = passing[:, OPEN, :1] <= minimum
    fewest[1:rows, OPEN] = np.where(few, fewest[1:rows, OPEN], passing[:, OPEN])
    most[1:rows, OPEN] = np.where(few, np.minimum(minimum, most[1:rows, OPEN]), passing[:, OPEN])
    if shows(int(whole[OPEN, 0]), minimum):
        fewest[0, OPEN] = most[0, OPEN] = whole[OPEN]
    cells = Cells(
        counts.reshape(-1, 2),
        tuple(_totals_of_ends(rows, leading)),
        named=(np.arange(len(counts)) < rows).repeat(KINDS),
        most=most.reshape(-1, 2),
        fewest=fewest.reshape(-1, 2),
    )
    shown = protect(cells, minimum, bounds=True)
    return Shown(shown.exact.reshape(-1, KINDS)[:rows], shown.least.reshape(-1, KINDS, 2)[:rows])


def _alone(journeys: Journeys, own: Whole, minimum: int) -> Whole:
    """Count how journeys of one visit end, as `bounded_in_tens` where their number is a bound."""
    counts, shared = ends_by_touchpoint(journeys.outline, alone=True)[own], journeys.public[1]
    bounded = [way[0] for way, exact in zip(shared.ways, shared.shown.exact, strict=True)
               if len(way) == 1 and not exact]  # fmt: skip
    in_tens = np.isin(own, bounded)[:, None, None]
    return np.where(in_tens, bounded_in_tens(counts, minimum), counts)


def _totals_of_ends(rows: int, leading: Flags) -> Iterator[Whole]:
    """Yield what adds up; see `_may_be_shown`."""
    kind, none = np.arange(KINDS), np.full((2 * rows + 1, KINDS), -1)
    by_row = none.copy()
    by_row[:rows] = np.arange(rows)[:, None]
    by_row[rows + 1 : -1] = np.arange(rows, 2 * rows - 1)[:, None]
    yield by_row.ravel()
    pairs = none.copy()
    pairs[[0, rows]] = kind
    if rows > MOST_TOUCHPOINTS:  # looked at as if it were known how all journeys end
        pairs[[0, rows]] = -1
        pairs[1:rows] = pairs[rows + 1 : -1] = np.arange(rows - 1)[:, None] * KINDS + kind
        yield pairs.ravel()
        return
    yield pairs.ravel()
    for row in range(1, rows):
        three = none.copy()
        three[[row, rows, rows + row]] = kind
        yield three.ravel()
    ways = none.copy()
    ways[1:rows][leading] = np.nonzero(leading)[1]
    ways[rows] = ways[-1] = np.where(leading.any(axis=0), kind, -1)
    yield ways.ravel()


def _decides(journeys: Journeys, own: Whole) -> Flags:
    """Mark the touchpoints that decide how each journey ends: declared goals, and bad ends."""
    settings = journeys.settings
    goals = () if settings.goals_by_intent else settings.goals
    ends = {*goals, *settings.bad_ends}
    return np.array([journeys.names[number] in ends for number in own], dtype=bool)


def _leading(journeys: Journeys, own: Whole) -> Flags:
    """Mark the touchpoints of which each journey with an end came by at least one, by end."""
    settings, names = journeys.settings, journeys.names
    leading = np.zeros((len(own), KINDS), dtype=bool)
    for end, declared in ((GOAL, settings.every_goal), (BAD_END, settings.bad_ends)):
        ends = {names[number] for number in range(len(names))} & set(declared)
        is_end = np.array([names[number] in ends for number in own], dtype=bool)
        if is_end.sum() == len(ends):
            leading[:, end] = is_end
    return leading


def _estimated(
    names: list[str], customers: list[int], by_group: Whole, shown: Shown
) -> pd.DataFrame:
    """Estimate the shares of ends of all touchpoints in one resampling; bounds stand alone."""
    order = [END_KINDS.index(end) for end in ENDS]
    exact, least = shown.exact[:, order], shown.least[:, order, 0]
    row, kind = np.nonzero(least > 0)
    journeys = by_group[:, order].astype(np.float64)
    sums = np.stack([journeys[row, kind], journeys[row].sum(axis=1)], axis=-1)
    sums = np.moveaxis(sums, 1, 0)
    trials = sums[..., 1].sum(axis=0)
    behind = np.array(customers, dtype=np.int64)[row]
    shares = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=behind,
        n_trials=trials,
    )
    bound = ~exact[row, kind]
    return pd.DataFrame(
        {
            "touchpoint": np.array(names, dtype=object)[row],
            "end": np.array(ENDS, dtype=object)[kind],
            "journeys": least[row, kind].astype("int64"),
            "share": np.where(bound, least[row, kind] / trials, shares.value),
            "lo": np.where(bound, np.nan, shares.lo),
            "hi": np.where(bound, np.nan, shares.hi),
            "at_least": bound,
            "n_journeys": trials.astype("int64"),
            "n_customers": behind,
        }
    )[list(END_COLUMNS)]
