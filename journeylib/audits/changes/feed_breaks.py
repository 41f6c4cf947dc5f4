"""Breaks: feeds that fell silent, and touchpoints that go under another name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from journeylib.journeys import US_PER_DAY
from journeylib.log import fetch
from journeylib.measures import EVENTS

if TYPE_CHECKING:
    from journeylib.audits.changes.drift import ChangeSettings
    from journeylib.audits.changes.wording import Change, Teller
    from journeylib.journeys import Journeys

REGULAR = 5.0  # events a day from which a day without any is no chance
SURE = 20.0  # events a period from which none at all is no chance
ALIKE = 2.0  # volumes of one touchpoint under two names differ by less than this factor


def silence(journeys: Journeys, feeds: pd.DataFrame, teller: Teller) -> Iterator[Change]:
    """Say when the log as a whole ends before the period does."""
    end = fetch(
        journeys.steps.filter(journeys.steps.t_us < teller.periods.end_us)
        .aggregate(last=journeys.steps.t_us.max())
    )["last"].iloc[0]  # fmt: skip
    missing = (
        teller.periods.days if pd.isna(end) else (teller.periods.end_us - int(end)) // US_PER_DAY
    )
    if missing >= teller.settings.feed_days and _usually_daily(feeds):
        yield teller.feed("", f"the log ends {missing} days before the as-of day")


def _usually_daily(feeds: pd.DataFrame) -> bool:
    before = feeds[feeds["period"] > 0]
    days = before["day"].nunique()
    return days > 0 and len(before) > 0 and before["events"].sum() / days >= REGULAR


def broken_feeds(feeds: pd.DataFrame, settings: ChangeSettings, teller: Teller) -> Iterator[Change]:
    """Say which channels fell silent on days on which they never were."""
    if feeds.empty or feeds["period"].max() < settings.min_references:
        return
    whole = int(feeds["period"].max())
    # Today's weekdays in the same place of each period: day 0 is the last of a period.
    placed = feeds.assign(place=feeds["day"] % settings.window_days)
    for channel, rows in placed.groupby("channel", sort=True):
        before, now = rows[rows["period"] > 0], rows[rows["period"] == 0]
        by_place = before.groupby("place")["events"].agg(["count", "sum"])
        daily = by_place[(by_place["count"] == whole) & (by_place["sum"] / whole >= REGULAR)]
        silent = sorted(set(daily.index) - set(now["place"]))
        per_period = before.groupby("period")["events"].sum().reindex(range(1, whole + 1))
        vanished = now.empty and bool((per_period >= SURE).all())
        # A channel that is used less has fewer events on all days; one that broke off has its
        # usual number until then.
        usually = by_place["sum"].drop(silent).sum() / whole
        until_then = len(now) > 0 and now["events"].sum() >= usually / ALIKE
        if (len(silent) >= settings.feed_days and until_then) or vanished:
            days = len(silent) or settings.window_days
            usual = float(per_period.mean())
            yield teller.feed(
                str(channel),
                f"no event on {days} of {settings.window_days} days, "
                f"{int(now['events'].sum()):,} in all against {usual:,.0f} a period before",
            )


def renamed(
    table: pd.DataFrame,
    channels: Mapping[str, str | None],
    settings: ChangeSettings,
    minimum: int,
    teller: Teller,
) -> list[Change]:
    """Say which names of touchpoints are new or gone, and which pairs look like one renamed."""
    rows = table[table["measure"] == EVENTS]
    if rows.empty or rows["period"].max() < settings.min_references:
        return []
    whole = min(int(rows["period"].max()), settings.references)
    n = rows.pivot_table(index="touchpoint", columns="period", values="n", fill_value=0)
    n = n.reindex(columns=range(whole + 1), fill_value=0)
    people = rows[rows["period"] == 0].set_index("touchpoint")["customers"]
    past = n[list(range(1, whole + 1))]
    usual, least = past.mean(axis=1), past.min(axis=1)
    known = rows.groupby("touchpoint")["customers"].max()
    new = [x for x in n.index if usual[x] == 0 and n.loc[x, 0] > 0 and people.get(x, 0) >= minimum]
    lacking = usual - n[0]
    fell = [
        x for x in n.index
        if known[x] >= minimum and least[x] > 0 and lacking[x] >= usual[x] / ALIKE
        and (lacking[x] > 4 * math.sqrt(usual[x]) or (n.loc[x, 0] == 0 and usual[x] >= SURE))
    ]  # fmt: skip
    found, taken = [], set()
    for name in new:
        near = [
            x for x in fell
            if x not in taken and channels.get(x) == channels.get(name)
            and 1 / ALIKE <= n.loc[name, 0] / max(lacking[x], 1.0) <= ALIKE
        ]  # fmt: skip
        near.sort(key=lambda x: (-difflib.SequenceMatcher(None, x, name).ratio(), x))
        old = near[0] if near else None
        taken.add(old)
        found.append(teller.name(old, name, int(n.loc[name, 0]), usual.get(old, 0.0)))
    gone = [x for x in fell if x not in taken and n.loc[x, 0] == 0]
    found += [teller.name(old, None, 0, usual[old]) for old in gone]
    return found
