"""Breaks: feeds that fell silent, and touchpoints that go under another name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import pandas as pd

from journeylib.audits.changes.wording import ChangeWriter
from journeylib.audits.result.result import Change
from journeylib.core import US_PER_DAY, number, text
from journeylib.journeys import MISSING, Journeys
from journeylib.measures import EVENTS

REGULAR = 5.0  # events a day from which a day without any is no chance
SURE = 20.0  # events a period from which none at all is no chance
ALIKE = 2.0  # volumes of one touchpoint under two names differ by less than this factor


def silence(journeys: Journeys, feeds: pd.DataFrame, writer: ChangeWriter) -> Iterator[Change]:
    """Yield a change where the log as a whole ends before the period does.

    Days of the week on which the log is usually silent, as offices are on Sundays, tell nothing.
    """
    window, end_us, t_us = writer.settings.window_days, writer.periods.end_us, journeys.events.t_us
    end = int(t_us.max(initial=MISSING, where=t_us < end_us))
    missing = window if end == MISSING else (end_us - end) // US_PER_DAY
    usual = _usual_slots(feeds, window)
    silent = missing if missing >= window else sum(slot in usual for slot in range(missing))
    if usual and silent >= writer.settings.feed_days:
        yield writer.feed("", text("audits.change.feed.ends", days=missing))


def _usual_slots(feeds: pd.DataFrame, window: int) -> set[int]:
    """Return the slots of a period, 0 for its last day, that had events in every earlier one."""
    before = feeds[feeds["period"] > 0]
    if before.empty:
        return set()
    whole = int(before["period"].max())
    slots = before.assign(slot=before["day"] % window).groupby("slot")
    often = (slots["period"].nunique() == whole) & (slots["events"].sum() / whole >= REGULAR)
    return {int(slot) for slot in often.index[often]}


def broken_feeds(feeds: pd.DataFrame, writer: ChangeWriter) -> Iterator[Change]:
    """Yield a change for each channel that fell silent on days on which it never was."""
    settings = writer.settings
    if feeds.empty or feeds["period"].max() < settings.min_references:
        return
    whole = int(feeds["period"].max())
    # The same weekday has the same slot in each period: day 0 is the last of a period.
    weekly = feeds.assign(slot=feeds["day"] % settings.window_days)
    for channel, rows in weekly.groupby("channel", sort=True):
        before, now = rows[rows["period"] > 0], rows[rows["period"] == 0]
        by_slot = before.groupby("slot")["events"].agg(["count", "sum"])
        daily = by_slot[(by_slot["count"] == whole) & (by_slot["sum"] / whole >= REGULAR)]
        silent = sorted(set(daily.index) - set(now["slot"]))
        per_period = before.groupby("period")["events"].sum().reindex(range(1, whole + 1))
        vanished = now.empty and bool((per_period >= SURE).all())
        # A channel that is used less has fewer events on all days; one that broke off has its
        # usual number until then.
        usually = by_slot["sum"].drop(silent).sum() / whole
        until_then = len(now) > 0 and now["events"].sum() >= usually / ALIKE
        if (len(silent) >= settings.feed_days and until_then) or vanished:
            days = len(silent) or settings.window_days
            usual = float(per_period.mean())
            yield writer.feed(
                str(channel),
                text(
                    "audits.change.feed.silent",
                    days=days,
                    window=settings.window_days,
                    events=int(now["events"].sum()),
                    usual=number(usual, 0),
                ),
            )


def renamed(
    table: pd.DataFrame, channels: Mapping[str, str | None], writer: ChangeWriter, minimum: int
) -> list[Change]:
    """Return which names of touchpoints are new or gone, and which pairs look like one renamed."""
    rows = table[table["measure"] == EVENTS]
    if rows.empty or rows["period"].max() < writer.settings.min_references:
        return []
    volumes = _volumes(rows, min(int(rows["period"].max()), writer.settings.references))
    customers = rows[rows["period"] == 0].set_index("touchpoint")["customers"]
    enough = customers.reindex(volumes.index).fillna(0) >= minimum
    new = volumes.index[(volumes["usual"] == 0) & (volumes["now"] > 0) & enough]
    most = rows.groupby("touchpoint")["customers"].max()
    fell = volumes[_fell(volumes) & (most.reindex(volumes.index) >= minimum)]
    changes: list[Change] = []
    matched: set[str | None] = set()
    for name in new:
        left = fell[~fell.index.isin(matched)]
        old = _former_name(name, volumes.loc[name, "now"], left, channels)
        matched.add(old)
        usual = 0.0 if old is None else float(fell["usual"][old])
        changes.append(writer.name(old, name, int(volumes.loc[name, "now"]), usual))
    vanished = fell[~fell.index.isin(matched) & (fell["now"] == 0)]
    changes += [writer.name(str(name), None, 0, usual) for name, usual in vanished["usual"].items()]
    return changes


def quiet_period(table: pd.DataFrame, writer: ChangeWriter, minimum: int) -> str:
    """Return in a sentence that the last period has less than half the usual events, else nothing.

    Without it a reader would ask of every touchpoint by itself where its events are.
    """
    rows = table[table["measure"] == EVENTS]
    if rows.empty or rows["period"].max() < writer.settings.min_references:
        return ""
    volumes = _volumes(rows, min(int(rows["period"].max()), writer.settings.references))
    now, usual = int(volumes["now"].sum()), float(volumes["usual"].sum())
    if now >= usual / ALIKE:
        return ""
    first, last = writer.days(EVENTS)
    shown = number(now) if now >= minimum else text("audits.comparison.under", n=minimum)
    days = {"first": first, "last": last}
    return text("audits.comparison.quiet", now=shown, usual=number(usual, 0), **days)


def _volumes(rows: pd.DataFrame, periods: int) -> pd.DataFrame:
    """Return events of each touchpoint: now, usual, the least of a period, and expected now."""
    n = rows.pivot_table(index="touchpoint", columns="period", values="n", fill_value=0)
    n = n.reindex(columns=range(periods + 1), fill_value=0)
    past = n[list(range(1, periods + 1))]
    usual = past.mean(axis=1)
    others = (n[0].sum() - n[0]) / (usual.sum() - usual)
    return pd.DataFrame(
        {
            "now": n[0],
            "usual": usual,
            "least": past.min(axis=1),
            # In a quiet period of all others it has fewer events, too.
            "expected": usual * others.fillna(1.0).clip(upper=1.0),
        }
    )


def _fell(volumes: pd.DataFrame) -> pd.Series[bool]:
    """Return which touchpoints lost so many events that it is no chance."""
    expected, lost = volumes["expected"], volumes["expected"] - volumes["now"]
    beyond_chance = (lost > 4 * expected.pow(0.5)) | ((volumes["now"] == 0) & (expected >= SURE))
    return (volumes["least"] > 0) & (lost >= expected / ALIKE) & beyond_chance


def _former_name(
    name: str, now: float, fell: pd.DataFrame, channels: Mapping[str, str | None]
) -> str | None:
    """Return the touchpoint that lost about as many events as `name` has, by the nearest name."""
    lost = (fell["expected"] - fell["now"]).clip(lower=1.0)
    alike = fell.index[(now / lost).between(1 / ALIKE, ALIKE)]
    near = [other for other in alike if channels.get(other) == channels.get(name)]
    near.sort(key=lambda x: (-difflib.SequenceMatcher(None, x, name).ratio(), x))
    return near[0] if near else None
