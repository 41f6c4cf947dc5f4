"""Streams: the same few numbers for one period after another, so that periods can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from journeylib.core import GROUPS, MICRO, US_PER_DAY
from journeylib.journeys import (
    MISSING,
    Codes,
    Events,
    Journeys,
    count_units,
    number_pairs,
    soon_after,
    sum_in_cells,
)
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.sentiment import EVEN_ODDS, Scores, score_of_events
from journeylib.measures.touchpoints.group_sums import Numbers, Rows
from journeylib.measures.touchpoints.repeat_contacts import find_contacts

STREAM_COLUMNS = (
    "period", "family", "measure", "touchpoint", "detail", "stratum",
    "value", "se", "n", "customers", "unit",
)  # fmt: skip
EVERYWHERE = ""  # the touchpoint of a stream of the whole log
ALL = ""  # the stratum of a stream as it is
UNNAMED = "(none)"
REST = "(rest)"  # small strata together
WORDS = ("measure", "detail", "stratum")
EVENTS = "events"  # the measure that counts what happens at a touchpoint
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

    def within(self, time: Numbers, lag_days: int) -> Numbers:
        """Return in which period each time lies, −1 outside, where what counts takes `lag_days`."""
        length = self.days * US_PER_DAY
        age = self.end_us - lag_days * US_PER_DAY - 1 - time
        whole = (self.end_us - lag_days * US_PER_DAY - self.first_us) // length
        number = age // length
        there = (age >= 0) & (number < min(self.before + 1, max(whole, 0)))
        return np.where(there, number, -1)


@dataclass(frozen=True)
class Streams:
    """The numbers of each period, and what was logged day by day.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per period × stream × stratum, columns `STREAM_COLUMNS`. ``period`` 0 is the
        last; ``family`` is ``performance``, ``mix``, ``quality`` or ``volume``
        (events at a touchpoint; no error); ``touchpoint`` is empty
        for the whole log, ``stratum`` empty for all cases together; ``n`` counts cases,
        ``customers`` who is behind them, of a stratum at least so many (`GROUPS` at most);
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
    """Cases in order of customer: when, whose, where, and what is counted of them."""

    t_us: Numbers
    rows: Rows
    stratum: Codes
    lag_days: int
    counted: Mapping[str, tuple[Numbers, Numbers, str]]  # measure: top, base, unit
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
    parts, behind = list[pd.DataFrame](), {}
    lags, units, families = {EVENTS: 0}, dict[str, str](), dict[str, str]()
    moves, targets = _moves(journeys)
    for cases in (*_all_cases(journeys, settings, scores), moves):
        if not cases.counted:
            continue
        sums, people = _sums(cases, periods)
        lags |= dict.fromkeys(cases.counted, cases.lag_days)
        families |= dict.fromkeys(cases.counted, cases.family)
        for measure, (_top, _base, unit) in cases.counted.items():
            parts += _parts(sums, measure, cases, targets.get(measure, {}))
            behind[measure], units[measure] = people[measure], unit
    for measure, (entered, entering) in _entries(journeys, periods).items():
        lags[measure], families[measure], units[measure] = 0, "mix", "share"
        parts.append(entered)
        behind[measure] = entering
    table = _volumes(journeys, periods)
    # Of all measures at once: a question to pandas costs more than its answer.
    if any(len(part) for part in parts):
        estimated = _estimated(parts, pd.concat(behind), units)
        estimated["family"] = estimated["measure"].map(families)
        table = pd.concat([estimated, table]) if len(table) else estimated
    numbered = {number: str(name) for number, name in names.items()} | {-1: EVERYWHERE}
    table["touchpoint"] = table["touchpoint"].map(numbered)
    table = table.reindex(columns=list(STREAM_COLUMNS))
    table["unit"] = table["unit"].astype(str)
    ordered = table.sort_values(["family", *KEY[1:], "period"], kind="stable", ignore_index=True)
    return Streams(ordered, lags, _feeds(journeys, periods), channels)


def _all_cases(
    journeys: Journeys, settings: MeasureSettings, scores: Scores | str
) -> Iterable[_Cases]:
    events, rows = journeys.events, Rows.of(journeys.events)
    t_us, stratum = events.t_us, _stratum(events)
    starts, every = events.starts_visit, np.ones(len(events), dtype=bool)
    visits: dict[str, tuple[Numbers, Numbers, str]] = {
        "again": ((events.visit > 1) & starts, starts, "share")
    }
    if journeys.has("error"):
        error = events.column("error")
        visits["errors"] = (error == 1, error >= 0, "share")
    if journeys.has("rating_micro"):
        visits["rating"] = (events.column("rating_micro"), events.known("rating_micro"), "points")
    visits["service"] = (_log_micro(events.service_us), events.service_us > 0, "log seconds")
    yield _Cases(t_us, rows, stratum, 0, visits)
    absent = {
        f"missing_{role}": (~events.known(role), every, "share")
        for role in ROLES
        if journeys.has(role)
    }
    if absent:
        yield _Cases(t_us, rows, stratum, 0, absent, "quality", at_touchpoints=False)
    if isinstance(scores, Scores):
        likely = score_of_events(scores, events, "negative")
        felt = {"negative": (likely >= EVEN_ODDS, likely != MISSING, "share")}
        yield _Cases(t_us, rows, stratum, 0, felt)
    back = math.ceil(settings.repeat_days)
    contacts = find_contacts(journeys, settings)
    window_us = round(settings.repeat_days * US_PER_DAY)
    returned = soon_after(contacts.next_us, contacts.at_us, window_us)
    each = np.ones(len(returned), dtype=bool)
    repeated = {"repeat_contact": (returned, each, "share")}
    if journeys.log.schema.knows_customers:
        yield _Cases(contacts.at_us, contacts.rows, _no_stratum(len(each)), back, repeated)
    if journeys.has("actor"):
        yield from _session_cases(journeys, settings, back, window_us)


def _session_cases(
    journeys: Journeys, settings: MeasureSettings, back: int, window_us: int
) -> Iterable[_Cases]:
    table = bot_sessions(journeys, settings).table
    table = table[table["start_us"] != MISSING]
    part = {str(name): table[name].to_numpy() for name in table}
    rows = Rows(
        len(journeys.names),
        *(part[name] for name in ("touchpoint_no", "group", "journey", "customer_no")),
    )
    stratum = _no_stratum(len(table))
    if journeys.has("intent"):
        words = journeys.events.column("intent").words
        stratum = Codes((part["intent"] + 1).astype(np.int32), ("", *words))
    settled = math.ceil(max(settings.handover_hours, settings.session_gap_minutes / 60) / 24)
    asked, every = part["requests"] > 0, np.ones(len(table), dtype=bool)
    soon = round(settings.honoured_minutes * 60 * MICRO)
    honoured = soon_after(part["human_us"], part["request_us"], soon)
    unseen = (table["state"] == "handed_over").to_numpy() & (part["human_us"] == MISSING)
    has_wait = (part["human_us"] != MISSING) & (part["bot_done_us"] != MISSING)
    wait_us = np.where(has_wait, part["human_us"] - np.where(has_wait, part["bot_done_us"], 0), 0)
    yield _Cases(
        part["start_us"],
        rows,
        stratum,
        settled,
        {
            "handed_over": ((table["state"] == "handed_over").to_numpy(), every, "share"),
            "abandoned": ((table["state"] == "abandoned").to_numpy(), every, "share"),
            "requests": (asked, every, "share"),
            "requests_honoured": (honoured, asked & ~unseen, "share"),
            "human_wait": (_log_micro(wait_us), wait_us > 0, "log seconds"),
        },
    )
    again = soon_after(part["perhaps_us"], part["end_us"], window_us)
    sure = (table["state"] == "ended_with_bot").to_numpy() & part["resolved"] & ~again
    contained = {"contained_verified": (sure, every, "share")}
    if journeys.log.schema.knows_customers:
        yield _Cases(part["start_us"], rows, stratum, back + settled, contained)


def _stratum(events: Events) -> Codes:
    """What a case is about and whose it is: in these strata mix and performance are told apart."""
    parts = [events.column(role) for role in ("intent", "segment") if events.has(role)]
    if not parts:
        return _no_stratum(len(events))
    words, number = [""], np.zeros(len(events), dtype=np.int64)
    for index, part in enumerate(parts):
        own = ("", *part.words)
        words = [f"{a} · {b}" for a in words for b in own] if index else list(own)
        number = number * len(own) + part.number + 1
    return Codes(number.astype(np.int32), tuple(words))


def _no_stratum(many: int) -> Codes:
    return Codes(np.zeros(many, dtype=np.int32), ("",))


def _log_micro(us: Numbers) -> Numbers:
    """Logarithm of seconds in millionths, as whole numbers: sums must not depend on order."""
    seconds = np.maximum(us, 0).astype(np.float64) / MICRO
    return np.asarray(np.rint(np.log(seconds + 1) * MICRO).astype(np.int64))


def _sums(cases: _Cases, periods: Periods) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sum per period, touchpoint, stratum and customer group; count customers of each stream."""
    rows, strata = cases.rows, len(cases.stratum.words)
    period = periods.within(cases.t_us, cases.lag_days)
    cell_of_case = np.where(period >= 0, period * rows.touchpoints + rows.touchpoint, -1)
    cell, keys = number_pairs(
        cell_of_case, cases.stratum.number.astype(np.int64) * GROUPS + rows.group, strata * GROUPS
    )
    where = keys // (strata * GROUPS)
    sums = pd.DataFrame(
        {
            "period": where // rows.touchpoints,
            "touchpoint_no": where % rows.touchpoints,
            "stratum": keys // GROUPS % strata,
            "group": keys % GROUPS,
        }
    )
    places = (periods.before + 1) * rows.touchpoints
    people: dict[str, Numbers] = {}
    for measure, (top, base, _unit) in cases.counted.items():
        sums[f"{measure}:base"] = sum_in_cells(cell, base, len(keys))
        sums[f"{measure}:top"] = sum_in_cells(np.where(base, cell, -1), top, len(keys))
        people[measure] = np.concatenate(
            [
                count_units(np.where(base, cell_of_case, -1), rows.customer, places),
                count_units(np.where(base, period, -1), rows.customer, periods.before + 1),
            ]
        )
    each = np.arange(periods.before + 1)
    index = pd.MultiIndex.from_arrays(
        [
            np.concatenate([np.repeat(each, rows.touchpoints), each]),
            np.concatenate(
                [np.tile(np.arange(rows.touchpoints), len(each)), np.full(len(each), -1)]
            ),
        ],
        names=["period", "touchpoint_no"],
    )
    return sums, pd.DataFrame(people, index=index)


def _parts(
    sums: pd.DataFrame, measure: str, cases: _Cases, targets: Mapping[int, str]
) -> Iterable[pd.DataFrame]:
    """Yield the sums of one measure: at touchpoints, and over the whole log."""
    there = sums[sums[f"{measure}:base"] > 0]
    spot, stratum = (there[name].to_numpy() for name in ("touchpoint_no", "stratum"))
    frame = pd.DataFrame(
        {
            "period": there["period"],
            "group": there["group"],
            "top": there[f"{measure}:top"].astype("float64"),
            "base": there[f"{measure}:base"].astype("float64"),
            "measure": _all_alike(measure, len(there)),
        }
    )
    words = cases.stratum.words
    if cases.at_touchpoints:
        yield frame.assign(
            touchpoint=spot,
            detail=_worded(spot, lambda number: targets.get(number, "")),
            stratum=_worded(stratum, lambda number: words[number]),
        )
    if cases.whole:
        # Of the whole log the mix is also what happens where.
        what = _worded(
            spot * len(words) + stratum,
            lambda number: f"{number // len(words)} · {words[number % len(words)]}",
        )
        yield frame.assign(touchpoint=-1, detail=_all_alike("", len(there)), stratum=what)


def _all_alike(word: str, many: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(many, dtype=np.int8), pd.Index([word], dtype="str"))


def _worded(number: Numbers, word: Callable[[int], str]) -> pd.Categorical:
    """Return the word of each number, each made once."""
    numbers, row = np.unique(number, return_inverse=True)
    return pd.Categorical(pd.Index([word(one) for one in numbers.tolist()], dtype="str")).take(row)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put parts together whose words stay numbered: millions of cells are grouped by them."""
    words = {word: union_categoricals([part[word] for part in parts]) for word in WORDS}
    rows = [part.drop(columns=list(WORDS)) for part in parts]
    return pd.concat(rows, ignore_index=True).assign(**words)


def _estimated(
    parts: Sequence[pd.DataFrame], people: pd.Series[int], units: Mapping[str, str]
) -> pd.DataFrame:
    """Return value and customer-clustered error per period and stream, in strata and overall.

    `people` counts customers by measure, period and touchpoint; `units` are those of measures.
    """
    every = [part.assign(stratum=_all_alike(ALL, len(part))) for part in parts]
    # One stratum alone is all there is.
    strata = [part for part in parts if len(part["stratum"].cat.categories) > 1]
    sums = _joined([*every, *([_without_small_strata(_joined(strata))] if strata else [])])
    counted, grouped = ["top", "base"], sums.groupby(KEY, observed=True)
    totals, stream = grouped[counted].sum(), grouped.ngroup().to_numpy()
    cells = sums[counted].groupby(stream * GROUPS + sums["group"].to_numpy()).sum()
    number = cells.index.to_numpy() // GROUPS
    cells = cells.reset_index(drop=True)
    whole = totals.iloc[number].reset_index(drop=True)
    left_base = (whole["base"] - cells["base"]).to_numpy()
    value = (whole["top"] / whole["base"]).to_numpy()
    left = (whole["top"] - cells["top"]).to_numpy() / np.where(left_base > 0, left_base, np.nan)
    cells["squared"] = np.where(left_base > 0, left - value, 0.0) ** 2
    squared = cells["squared"].groupby(number, sort=True).sum().to_numpy()
    result = totals.reset_index().astype(dict.fromkeys(WORDS, "str"))
    result["unit"] = result["measure"].map(units)
    scale = np.where(result["unit"] == "share", 1.0, float(MICRO))
    result["value"] = result["top"] / result["base"] / scale
    result["se"] = np.sqrt((GROUPS - 1) / GROUPS * squared) / scale
    result["n"] = result["base"].astype("int64")
    where = pd.MultiIndex.from_frame(result[["measure", "period", "touchpoint"]])
    result["customers"] = people.reindex(where).fillna(0).astype("int64").to_numpy()
    there = (cells["base"] > 0).groupby(number, sort=True).sum().to_numpy()
    result.loc[result["stratum"] != ALL, "customers"] = there[result["stratum"] != ALL]
    many = result.groupby(["measure", "touchpoint", "detail"])["stratum"].transform("nunique")
    # One stratum alone is all there is.
    return result[(result["stratum"] == ALL) | (many > 2)].drop(columns=["top", "base"])


def _without_small_strata(sums: pd.DataFrame) -> pd.DataFrame:
    """Put strata together that have too few cases in the last period or in those before it."""
    now = sums["period"] == 0
    cases = pd.DataFrame(
        {"last": sums["base"].where(now, 0), "before": sums["base"].where(~now, 0)}
    )
    number = sums.groupby(KEY[1:], observed=True).ngroup()
    small = (cases.groupby(number).transform("sum") < FEWEST_IN_STRATUM).any(axis=1)
    words = sums["stratum"].cat.categories.union([REST])
    stratum = sums["stratum"].cat.set_categories(words).where(~small, REST)
    sums = sums.assign(stratum=stratum)
    return sums[stratum != ALL]


def _moves(journeys: Journeys) -> tuple[_Cases, dict[str, dict[int, str]]]:
    """Follow the touchpoints that most often come next, within a day; name them by measure."""
    inside = journeys.edges["source"].isin(journeys.touchpoints["touchpoint"])
    inside &= journeys.edges["target"].isin(journeys.touchpoints["touchpoint"])
    edges = journeys.edges[inside].sort_values(
        ["source", "events", "target"], ascending=[True, False, True], kind="stable"
    )
    numbers = journeys.touchpoints.set_index("touchpoint")["touchpoint_no"]
    nearest, targets = {}, {}
    for rank in range(1, MOVES + 1):
        ranked = edges.groupby("source", sort=True).nth(rank - 1)
        if len(ranked):
            sources = numbers[ranked["source"]]
            nearest[f"next_{rank}"] = pd.Series(numbers[ranked["target"]].to_numpy(), index=sources)
            targets[f"next_{rank}"] = dict(
                zip(sources.tolist(), ranked["target"].astype(str), strict=True)
            )
    events = journeys.events
    rows = np.flatnonzero(events.ends_visit)
    t_us, then = events.t_us[rows], events.next_touchpoint[rows]
    soon = soon_after(events.next_us[rows], t_us, US_PER_DAY)
    counted = {}
    for measure, wanted in nearest.items():
        target = np.full(events.touchpoints, -1, dtype=np.int64)
        target[wanted.index] = wanted
        own = target[events.touchpoint[rows]]
        counted[measure] = (soon & (then == own), own >= 0, "share")
    stratum = _stratum(events).only(rows)
    return _Cases(t_us, Rows.of(events, rows), stratum, 1, counted, whole=False), targets


def _entries(
    journeys: Journeys, periods: Periods
) -> dict[str, tuple[pd.DataFrame, pd.Series[int]]]:
    """Return sums and customers of what journeys begin with: who, about what, by which door."""
    events, outline = journeys.events, journeys.outline
    period = periods.within(outline.start_us, 0)
    number = count_units(period, outline.customer, periods.before + 1)
    index = pd.MultiIndex.from_product([np.arange(len(number)), [-1]])
    people = pd.Series(number, index=index)
    by_name = {}
    for role in ("segment", "intent", "channel", "touchpoint"):
        if role != "touchpoint" and not journeys.has(role):
            continue
        word = outline.first
        words: Sequence[str] = [journeys.names[no] for no in range(len(journeys.names))]
        if role != "touchpoint":
            codes = events.column(role).only(outline.first_row)
            word, words = np.where(codes.known, codes.number, len(codes.words)), codes.words
        detail = np.array([*words, UNNAMED], dtype=object)[word]
        begun = pd.DataFrame({"period": period, "detail": detail, "group": outline.group})
        begun = begun[period >= 0].astype({"detail": "str", "group": "int64"})
        counts = begun.groupby(["period", "detail", "group"], as_index=False).size()
        counts = counts.rename(columns={"size": "top"})
        measure = f"begins_with_{role}"
        if len(counts):
            rows = _of_all(counts).assign(touchpoint=-1)
            rows["measure"] = _all_alike(measure, len(rows))
            rows["stratum"] = _all_alike(ALL, len(rows))
            by_name[measure] = (rows, people)
    return by_name


def _of_all(counts: pd.DataFrame) -> pd.DataFrame:
    """Put beside what each detail has of a period and group what all have, absent ones as 0."""
    cells = counts.pivot_table(
        index=["period", "group"], columns="detail", values="top", aggfunc="sum", fill_value=0
    )
    details, index = cells.shape[1], cells.index
    numbers = np.repeat(np.arange(details), len(cells))
    return pd.DataFrame(
        {
            "period": np.tile(index.get_level_values("period"), details),
            "group": np.tile(index.get_level_values("group"), details),
            "detail": pd.Categorical.from_codes(numbers, cells.columns),
            "top": cells.to_numpy().T.ravel(),
            "base": np.tile(cells.sum(axis=1), details),
        }
    )


def _feeds(journeys: Journeys, periods: Periods) -> pd.DataFrame:
    events = journeys.events
    number, words = np.zeros(len(events), dtype=np.int64), np.array([""], dtype=object)
    if journeys.has("channel"):
        channel = events.column("channel")
        number = np.where(channel.known, channel.number, len(channel.words))
        words = np.array([*channel.words, "(none)"], dtype=object)
    period = periods.within(events.t_us, 0)
    day = (periods.end_us - 1 - events.t_us) // US_PER_DAY
    # The day says which period it is in.
    days = int(day.max(initial=0)) + 1
    cell, n = np.unique((number * days + day)[period >= 0], return_counts=True)
    feeds = pd.DataFrame({"channel": words[cell // days], "day": cell % days, "events": n})
    feeds.insert(1, "period", feeds["day"] // periods.days)
    feeds = feeds.astype({"channel": "str"})
    return feeds.sort_values(["channel", "period", "day"], ignore_index=True)


def _volumes(journeys: Journeys, periods: Periods) -> pd.DataFrame:
    events, many = journeys.events, len(journeys.names)
    period = periods.within(events.t_us, 0)
    cell = np.where(period >= 0, period * many + events.touchpoint, -1)
    base = events.base(cell, (periods.before + 1) * many)
    there = np.flatnonzero(base.events)
    return pd.DataFrame(
        {
            "touchpoint": there % many,
            "period": there // many,
            "n": base.events[there],
            "customers": base.customers[there],
            "value": base.events[there].astype(np.float64),
        }
    ).assign(family="volume", measure=EVENTS, detail="", stratum=ALL, unit="events", se=np.nan)
