"""Streams: the same few numbers for one period after another, so that periods can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.estimate import GROUPS
from journeylib.journeys.steps import US_PER_DAY, Journeys
from journeylib.log.engine import fetch
from journeylib.measures.effort import visits_of_contacts
from journeylib.measures.sentiment import Scores
from journeylib.measures.sessions import bot_sessions
from journeylib.measures.settings import MeasureSettings

STREAM_COLUMNS = (
    "period", "family", "measure", "touchpoint", "detail", "stratum",
    "value", "se", "n", "customers", "unit",
)  # fmt: skip
EVERYWHERE = ""  # the touchpoint of a stream of the whole log
ALL = ""  # the stratum of a stream as it is
UNNAMED = "(none)"
REST = "(rest)"  # small strata together
EVENTS = "events"  # the measure that counts what happens at a touchpoint
MICRO = 1_000_000
FEWEST_IN_STRATUM = 20
MOVES = 2  # most frequent next touchpoints whose share is followed, per touchpoint
ROLES = ("channel", "actor", "intent", "segment", "session", "resource")
KEY = ["period", "measure", "touchpoint", "detail", "stratum"]


@dataclass(frozen=True)
class Periods:
    """Periods of equal length, counted back from an end; period 0 is the last.

    Attributes
    ----------
    end_us : int
        Microseconds since 1970 UTC, a midnight: what is later does not count.
    days : int
        Length of a period; a multiple of 7 compares the same weekdays.
    before : int
        How many earlier periods there are at most.
    first_us : int
        Start of the log: a period that begins earlier is not whole and does not count.
    """

    end_us: int
    days: int
    before: int
    first_us: int

    def within(self, time: Any, lag_days: int) -> Any:
        """Return in which period `time` lies, null outside, where what counts takes `lag_days`."""
        length = self.days * US_PER_DAY
        age = self.end_us - lag_days * US_PER_DAY - 1 - time
        whole = (self.end_us - lag_days * US_PER_DAY - self.first_us) // length
        number = (age // length).cast("int64")
        there = (age >= 0) & (number < min(self.before + 1, max(whole, 0)))
        return there.ifelse(number, ibis.null("int64"))


@dataclass(frozen=True)
class Streams:
    """The numbers of each period, and what was logged day by day.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per period × stream × stratum, columns `STREAM_COLUMNS`. ``period`` 0 is the
        last; ``family`` is ``performance``, ``mix``, ``quality`` or ``volume``
        (events at a touchpoint; no error); ``touchpoint`` is empty
        for the whole log, ``stratum`` empty for all cases together; ``n`` counts cases;
        ``se`` is clustered by customer. A working table: it holds small cells.
    lags : dict of measure to int
        Whole days that its cases take to be known.
    feeds : pandas.DataFrame
        One row per channel, period and day of it with an event: ``channel``, ``period``,
        ``day``, ``events``.
    channels : dict of touchpoint to channel
    """

    table: pd.DataFrame
    lags: Mapping[str, int]
    feeds: pd.DataFrame
    channels: Mapping[str, str | None]


@dataclass(frozen=True)
class _Cases:
    """Cases of one table: when, whose, where, and what is counted of them."""

    rows: ibis.Table
    lag_days: int
    counted: Mapping[str, tuple[Any, Any, str]]  # measure: top, base, unit
    family: str = "performance"
    whole: bool = True  # also as a stream of the whole log
    at_touchpoints: bool = True


def streams(
    journeys: Journeys,
    settings: MeasureSettings,
    periods: Periods,
    *,
    scores: Scores | str = "no_column",
) -> Streams:
    """Measure every stream in every period.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    settings : MeasureSettings
    periods : Periods
    scores : Scores, optional
        What customers' turns sound like.

    Returns
    -------
    Streams

    Notes
    -----
    Each case counts in the period in which it begins, once all that decides it is known: a
    period of repeat contact ends ``repeat_days`` before the others do. So periods are equally
    mature, and no case counts twice. Standard errors leave out one customer group at a time
    (`estimate.resample`); that customers come back in a later period is not used, which makes
    comparisons careful rather than bold.
    """
    names = dict(
        zip(journeys.touchpoints["touchpoint_no"], journeys.touchpoints["touchpoint"], strict=True)
    )
    channels = dict(
        zip(journeys.touchpoints["touchpoint"], journeys.touchpoints["channel"], strict=True)
    )
    parts: list[pd.DataFrame] = []
    lags: dict[str, int] = {EVENTS: 0}
    moves, targets = _moves(journeys)
    for cases in (*_all_cases(journeys, settings, scores), moves):
        if not cases.counted:
            continue
        sums, people = _sums(cases, periods)
        lags |= dict.fromkeys(cases.counted, cases.lag_days)
        for measure, (_top, _base, unit) in cases.counted.items():
            part = _one(sums, measure, cases)
            told = targets.get(measure, {})
            part["detail"] = [told.get(number, "") for number in part["touchpoint"]]
            parts.append(_estimated(part, people[measure], unit).assign(family=cases.family))
    for measure, entered in _entries(journeys, periods).items():
        lags |= {measure: 0}
        parts.append(entered)
    parts.append(_volumes(journeys, periods))
    table = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=KEY)])
    numbered = {number: str(name) for number, name in names.items()} | {-1: EVERYWHERE}
    table["touchpoint"] = table["touchpoint"].map(numbered)
    table = table.reindex(columns=list(STREAM_COLUMNS))
    table["unit"] = table["unit"].astype(str)
    ordered = table.sort_values(["family", *KEY[1:], "period"], kind="stable", ignore_index=True)
    return Streams(ordered, lags, _feeds(journeys, periods), channels)


def _all_cases(
    journeys: Journeys, settings: MeasureSettings, scores: Scores | str
) -> Iterable[_Cases]:
    steps = journeys.steps.mutate(stratum=_stratum(journeys.steps))
    visits: dict[str, tuple[Any, Any, str]] = {
        "again": ((_.visit > 1) & _.starts_visit, _.starts_visit, "share")
    }
    if journeys.has("error"):
        visits["errors"] = (_.error, _.error.notnull(), "share")
    if journeys.has("rating_micro"):
        visits["rating"] = (_.rating_micro, _.rating_micro.notnull(), "points")
    timed = (_.service_us > 0).fill_null(False)
    visits["service"] = (_log_micro(_.service_us), timed, "log seconds")
    yield _Cases(steps, 0, visits)
    absent = {
        f"missing_{role}": (_[role].isnull(), ibis.literal(True), "share")
        for role in ROLES
        if journeys.has(role)
    }
    if absent:
        yield _Cases(steps, 0, absent, "quality", at_touchpoints=False)
    if isinstance(scores, Scores):
        turns = scores.turns.select("journey", "step", "score").filter(_.score.notnull())
        heard = steps.inner_join(turns, ["journey", "step"])
        felt = {"negative": (_.score < 0, _.score.notnull(), "share")}
        yield _Cases(heard, 0, felt)
    back = math.ceil(settings.repeat_days)
    contacts = visits_of_contacts(journeys, settings)
    window_us = round(settings.repeat_days * US_PER_DAY)
    word = contacts.intent if "intent" in contacts.columns else ibis.null("string")
    contacts = contacts.mutate(t_us=_.at_us, stratum=word.fill_null(""))
    returned = (_.next_us - _.at_us <= window_us).fill_null(False)
    yield _Cases(contacts, back, {"repeat_contact": (returned, ibis.literal(True), "share")})
    if journeys.has("actor"):
        yield from _session_cases(journeys, settings, back, window_us)


def _session_cases(
    journeys: Journeys, settings: MeasureSettings, back: int, window_us: int
) -> Iterable[_Cases]:
    found = bot_sessions(journeys, settings).table.filter(_.start_us.notnull())
    rows = found.mutate(t_us=_.start_us, stratum=_.intent.fill_null(""))
    settled = math.ceil(max(settings.handover_hours, settings.session_gap_minutes / 60) / 24)
    asked = _.requests > 0
    soon = round(settings.honoured_minutes * 60 * MICRO)
    honoured = (_.human_us - _.request_us <= soon).fill_null(False)
    unseen = (_.state == "handed_over") & _.human_us.isnull()
    waited = (_.human_us - _.bot_done_us > 0).fill_null(False)
    yield _Cases(
        rows,
        settled,
        {
            "handed_over": (_.state == "handed_over", ibis.literal(True), "share"),
            "abandoned": (_.state == "abandoned", ibis.literal(True), "share"),
            "requests": (asked, ibis.literal(True), "share"),
            "requests_honoured": (honoured, asked & ~unseen, "share"),
            "human_wait": (_log_micro(_.human_us - _.bot_done_us), waited, "log seconds"),
        },
    )
    again = (_.again_us - _.end_us <= window_us).fill_null(False)
    sure = (_.state == "contained") & _.resolved & ~again
    yield _Cases(rows, back + settled, {"contained_verified": (sure, ibis.literal(True), "share")})


def _stratum(steps: ibis.Table) -> Any:
    """What a case is about and whose it is: in these strata mix and performance are told apart."""
    found = [steps[role].fill_null("") for role in ("intent", "segment") if role in steps.columns]
    return (
        found[0] if len(found) == 1 else found[0] + " · " + found[1] if found else ibis.literal("")
    )


def _log_micro(us: Any) -> Any:
    """Logarithm of seconds in millionths, as whole numbers: sums must not depend on order."""
    return (((us.cast("float64") / MICRO) + 1).ln() * MICRO).round().cast("int64")


def _sums(cases: _Cases, periods: Periods) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sum per period, touchpoint, stratum and customer group; count customers of each stream."""
    rows = cases.rows.mutate(period=periods.within(cases.rows.t_us, cases.lag_days))
    rows = rows.filter(_.period.notnull())
    wanted = {}
    for measure, (top, base, _unit) in cases.counted.items():
        above, below = rows.bind(top)[0], rows.bind(base)[0].fill_null(False)
        wanted[f"{measure}:base"] = below.cast("int64")
        wanted[f"{measure}:top"] = below.ifelse(above.cast("int64").fill_null(0), 0)
    keys = ["period", "touchpoint_no", "stratum", "group"]
    chosen = rows.select(*keys, "customer_no", **wanted)
    by_customer = (
        chosen.group_by([*keys, "customer_no"])
        .aggregate(**{name: chosen[name].sum() for name in wanted})
        .cache()
    )
    sums = by_customer.group_by(keys).aggregate(
        **{name: by_customer[name].sum() for name in wanted}
    )
    everywhere = by_customer.mutate(touchpoint_no=ibis.literal(-1, "int64"))
    people = []
    for place in (by_customer, everywhere):
        # A customer of two strata is one customer.
        each = place.group_by(["period", "touchpoint_no", "customer_no"]).aggregate(
            **{measure: (place[f"{measure}:base"] > 0).any() for measure in cases.counted}
        )
        counts = {measure: each[measure].cast("int64").sum() for measure in cases.counted}
        people.append(fetch(each.group_by(["period", "touchpoint_no"]).aggregate(**counts)))
    return fetch(sums), pd.concat(people).set_index(["period", "touchpoint_no"])


def _one(sums: pd.DataFrame, measure: str, cases: _Cases) -> pd.DataFrame:
    """Return the sums of one measure: at touchpoints, and over the whole log."""
    frame = pd.DataFrame(
        {
            "period": sums["period"].astype("int64"),
            "touchpoint": sums["touchpoint_no"].astype("int64"),
            "detail": "",
            "stratum": sums["stratum"].astype(str) if len(sums) else pd.Series(dtype=str),
            "group": sums["group"].astype("int64"),
            "top": sums[f"{measure}:top"].astype("float64"),
            "base": sums[f"{measure}:base"].astype("float64"),
            "measure": measure,
        }
    )
    frame = frame[frame["base"] > 0]
    parts = [frame] if cases.at_touchpoints else []
    if cases.whole:
        # Of the whole log the mix is also what happens where.
        place = frame["touchpoint"].astype(str) + " · " + frame["stratum"]
        parts.append(frame.assign(stratum=place, touchpoint=-1))
    return pd.concat(parts)


def _estimated(sums: pd.DataFrame, people: pd.Series[int], unit: str) -> pd.DataFrame:
    """Return value and customer-clustered error per period and stream, in strata and overall."""
    if sums.empty:
        return pd.DataFrame(columns=list(STREAM_COLUMNS))
    if (sums["stratum"] != ALL).any():
        sums = _without_small_strata(sums)
    parts = [sums.assign(stratum=ALL), sums[sums["stratum"] != ALL]]
    counted = ["top", "base"]
    cells = pd.concat(parts).groupby([*KEY, "group"], sort=True)[counted].sum().reset_index()
    totals = cells.groupby(KEY, sort=True)[counted].sum()
    whole = totals.loc[pd.MultiIndex.from_frame(cells[KEY])].reset_index(drop=True)
    left_base = (whole["base"] - cells["base"]).to_numpy()
    value = (whole["top"] / whole["base"]).to_numpy()
    left = (whole["top"] - cells["top"]).to_numpy() / np.where(left_base > 0, left_base, np.nan)
    cells["squared"] = np.where(left_base > 0, left - value, 0.0) ** 2
    squared = cells.groupby(KEY, sort=True)["squared"].sum()
    scale = 1.0 if unit == "share" else float(MICRO)
    result = totals.assign(
        value=totals["top"] / totals["base"] / scale,
        se=np.sqrt((GROUPS - 1) / GROUPS * squared) / scale,
        n=totals["base"].astype("int64"),
        unit=unit,
    ).reset_index()
    where = pd.MultiIndex.from_frame(result[["period", "touchpoint"]])
    result["customers"] = people.reindex(where).fillna(0).astype("int64").to_numpy()
    many = result.groupby(["measure", "touchpoint", "detail"])["stratum"].transform("nunique")
    # One stratum alone is all there is.
    return result[(result["stratum"] == ALL) | (many > 2)].drop(columns=["top", "base"])


def _without_small_strata(sums: pd.DataFrame) -> pd.DataFrame:
    """Put strata together that have too few cases in the last period or in those before it."""
    keys = ["measure", "touchpoint", "detail"]
    now = sums["period"] == 0
    by = [*keys, "stratum"]
    last = sums["base"].where(now, 0.0).groupby([sums[k] for k in by]).transform("sum")
    before = sums["base"].where(~now, 0.0).groupby([sums[k] for k in by]).transform("sum")
    small = (last < FEWEST_IN_STRATUM) | (before < FEWEST_IN_STRATUM)
    return sums.assign(stratum=sums["stratum"].where(~small, REST))


def _moves(journeys: Journeys) -> tuple[_Cases, dict[str, dict[int, str]]]:
    """Follow the touchpoints that most often come next, within a day; name them by measure."""
    inside = journeys.edges["source"].isin(journeys.touchpoints["touchpoint"])
    inside &= journeys.edges["target"].isin(journeys.touchpoints["touchpoint"])
    edges = journeys.edges[inside].sort_values(
        ["source", "events", "target"], ascending=[True, False, True], kind="stable"
    )
    numbers = journeys.touchpoints.set_index("touchpoint")["touchpoint_no"]
    nearest, targets = {}, {}
    for place in range(1, MOVES + 1):
        ranked = edges.groupby("source", sort=True).nth(place - 1)
        if len(ranked):
            sources = numbers[ranked["source"]]
            nearest[f"next_{place}"] = pd.Series(
                numbers[ranked["target"]].to_numpy(), index=sources
            )
            targets[f"next_{place}"] = dict(
                zip(sources.tolist(), ranked["target"].astype(str), strict=True)
            )
    ends = journeys.steps.filter(_.ends_visit)
    ends = ends.mutate(
        stratum=_stratum(ends), soon=(_.next_us - _.t_us <= US_PER_DAY).fill_null(False)
    )
    if not nearest:
        return _Cases(ends, 1, {}, whole=False), {}
    # Joined: as a case of thousands of touchpoints the engine would go through them row by row.
    wanted = pd.DataFrame(nearest).rename_axis("source").reset_index().astype("Int64")
    known = ibis.memtable(wanted)
    ends = ends.left_join(known, ends.touchpoint_no == known.source)
    counted = {
        measure: (
            ends.soon & (ends.next_touchpoint_no == ends[measure]).fill_null(False),
            ends[measure].notnull(),
            "share",
        )
        for measure in nearest
    }
    return _Cases(ends, 1, counted, whole=False), targets


def _entries(journeys: Journeys, periods: Periods) -> dict[str, pd.DataFrame]:
    """Return with what journeys begin: of whom, about what, through which door."""
    first = journeys.steps.filter(_.step == 1)
    first = first.mutate(period=periods.within(_.t_us, 0)).filter(_.period.notnull())
    people = fetch(first.group_by("period").aggregate(customers=_.customer_no.nunique()))
    people.index = pd.MultiIndex.from_product([people["period"], [-1]])
    found = {}
    for role in ("segment", "intent", "channel", "touchpoint"):
        if role not in first.columns:
            continue
        named = first.mutate(detail=_[role].fill_null(UNNAMED).cast("string"))
        counts = fetch(named.group_by(["period", "detail", "group"]).aggregate(top=_.count()))
        measure = f"begins_with_{role}"
        if len(counts):
            rows = _of_all(counts).assign(measure=measure, touchpoint=-1, stratum=ALL)
            found[measure] = _estimated(rows, people["customers"], "share").assign(family="mix")
    return found


def _of_all(counts: pd.DataFrame) -> pd.DataFrame:
    """Put beside what each detail has of a period and group what all have, absent ones as 0."""
    cells = counts.pivot_table(
        index=["period", "group"], columns="detail", values="top", aggfunc="sum", fill_value=0
    )
    rows = cells.melt(ignore_index=False, value_name="top").reset_index()
    whole = cells.sum(axis=1).rename("base").reset_index()
    return rows.merge(whole, on=["period", "group"])


def _feeds(journeys: Journeys, periods: Periods) -> pd.DataFrame:
    steps = journeys.steps
    channel = steps.channel.fill_null("(none)") if journeys.has("channel") else ibis.literal("")
    day = (periods.end_us - 1 - steps.t_us) // US_PER_DAY
    rows = steps.mutate(
        channel=channel.cast("string"), period=periods.within(steps.t_us, 0), day=day.cast("int64")
    )
    counted = rows.filter(_.period.notnull()).group_by(["channel", "period", "day"])
    found = fetch(counted.aggregate(events=_.count()))
    return found.sort_values(["channel", "period", "day"], ignore_index=True)


def _volumes(journeys: Journeys, periods: Periods) -> pd.DataFrame:
    steps = journeys.steps.mutate(period=periods.within(journeys.steps.t_us, 0))
    counted = steps.filter(_.period.notnull()).group_by(["touchpoint_no", "period"])
    found = fetch(counted.aggregate(n=_.count(), customers=_.customer_no.nunique()))
    return found.rename(columns={"touchpoint_no": "touchpoint"}).assign(
        family="volume", measure=EVENTS, detail="", stratum=ALL, unit="events",
        value=found["n"].astype("float64"), se=np.nan,
    )  # fmt: skip
