"""Doubts about a log before it is believed: ids that became one, and times that cannot be."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pandas as pd

from journeylib.estimate import percent
from journeylib.log.times import TimePlan

if TYPE_CHECKING:
    from journeylib.log.quality import Found

_DAY_US = 86_400_000_000
# Nobody logged customers' journeys by computer before.
_FIRST_YEAR_US = 7305 * _DAY_US  # 1990-01-01
_FEW_SECONDS_US = 60_000_000
_MANY = 20
_ONE_ID_SHARE = 0.25
_SCIENTIFIC = r"^-?[0-9](\.[0-9]+)?[eE]\+[0-9]+$"


def fold(names: pd.Series[str]) -> pd.Series[str]:
    """Return names as people read them: without case, outer blanks and ways to write a letter."""
    return names.map(lambda name: unicodedata.normalize("NFKC", name).strip().casefold())


def doubt_ids(found: Found, events: ir.Table, used: int) -> None:
    """Count ids that differ only in writing, that a spreadsheet rounded, and one that is many.

    Parameters
    ----------
    found : Found
        Is added to.
    events : ibis.Table
        Canonical events.
    used : int
        Their number.
    """
    sizes = events.group_by("customer").aggregate(n=events.count())
    plain = sizes.mutate(folded=sizes.customer.strip().lower())
    groups = plain.group_by("folded").aggregate(ids=plain.count(), n=plain.n.sum())
    row = groups.aggregate(
        alike=ibis.ifelse(groups.ids > 1, groups.ids, 0).sum(),
        alike_events=ibis.ifelse(groups.ids > 1, groups.n, 0).sum(),
        customers=groups.count(),
        largest=groups.n.max(),
    )
    rounded = sizes.filter(sizes.customer.re_search(_SCIENTIFIC))
    counts = row.to_pyarrow().to_pylist()[0]
    lost = rounded.aggregate(ids=rounded.count(), n=rounded.n.sum()).to_pyarrow().to_pylist()[0]
    if counts["alike"]:
        found.add(
            "ids_alike",
            "customer",
            "warning",
            int(counts["alike_events"]),
            f"{counts['alike']} customers differ from another only by capitals or blanks. If they "
            "are the same people, write their ids in one way.",
        )
    if lost["ids"]:
        found.add(
            "ids_rounded",
            "customer",
            "warning",
            int(lost["n"]),
            f"{lost['ids']} ids are written as 9.9999E+99: a spreadsheet has rounded them, so "
            "different people have become one. Export them again, as text.",
        )
    share = int(counts["largest"] or 0) / used if used else 0.0
    if counts["customers"] > _MANY and share > _ONE_ID_SHARE:
        found.add(
            "one_id",
            "customer",
            "warning",
            int(counts["largest"]),
            f"One customer has {percent(share)} of all events: a placeholder looks like this. List "
            "it in 'missing' if it stands for nobody.",
        )


def doubt_times(found: Found, events: ir.Table, used: int, times: TimePlan, timezone: str) -> None:
    """Say where all times lie in another age or in one moment, and count hours that occur twice."""
    time = events["t_us"]
    wanted = {"first": time.min(), "last": time.max()}
    for i, (begin, end) in enumerate(repeated_hours(times)):
        wanted[f"twice{i}"] = time.between(begin, end - 1).sum()
    row = events.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    if row["first"] is None:
        return
    if row["last"] < _FIRST_YEAR_US:
        found.add(
            "times_before_1990",
            "timestamp",
            "warning",
            used,
            "Every event lies before 1990. If the times are numbers, look at their unit in "
            "timestamp_format.",
        )
    if used >= _MANY and row["last"] - row["first"] < _FEW_SECONDS_US:
        found.add(
            "times_in_one_moment",
            "timestamp",
            "warning",
            used,
            "All events lie within one minute. If the times are numbers, look at their unit in "
            "timestamp_format.",
        )
    twice = sum(int(row[name] or 0) for name in wanted if name.startswith("twice"))
    if twice:
        found.add(
            "hour_twice",
            "timestamp",
            "warning",
            twice,
            f"{twice} events lie in an hour that occurs twice in {timezone}, when clocks go back; "
            "each was taken for the first. Export times with their offset from UTC.",
        )


def repeated_hours(times: TimePlan) -> list[tuple[int, int]]:
    """Return the spans, in microseconds of UTC, whose local times occur a second time."""
    spans = []
    for (_, before), (change, after) in zip(times.steps, times.steps[1:], strict=False):
        if after < before:
            spans.append((change - (before - after) - before, change - before))
    return spans
