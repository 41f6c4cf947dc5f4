"""Streams: the same few numbers for one period after another, so that periods can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

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
COUNTED = ("top", "base")
Columns = dict[str, Numbers]


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
        is_inside = (age >= 0) & (number < min(self.before + 1, max(whole, 0)))
        return np.where(is_inside, number, -1)


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
class _Words:
    """Words and their numbers, as they come; no word is 0."""

    _numbers: dict[str, int] = field(default_factory=lambda: {ALL: 0})

    def number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def numbers(self, words: Iterable[str]) -> Numbers:
        return np.array([self.number(word) for word in words], dtype=np.int64)

    @property
    def texts(self) -> Numbers:
        """The word of each number."""
        return np.array([*self._numbers], dtype=object)


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
    (`core.resample`); that customers come back in a later period is not used, which makes
    comparisons careful rather than bold.
    """
    names = dict(
        zip(journeys.touchpoints["touchpoint_no"], journeys.touchpoints["touchpoint"], strict=True)
    )
    channels = dict(
        zip(journeys.touchpoints["touchpoint"], journeys.touchpoints["channel"], strict=True)
    )
    parts, behind, words = list[Columns](), dict[str, Numbers](), _Words()
    lags, units, families = {EVENTS: 0}, dict[str, str](), dict[str, str]()
    moves, targets = _moves(journeys)
    for cases in (*_all_cases(journeys, settings, scores), moves):
        if not cases.counted:
            continue
        sums, people = _sums(cases, periods)
        lags |= dict.fromkeys(cases.counted, cases.lag_days)
        families |= dict.fromkeys(cases.counted, cases.family)
        for measure, (_top, _base, unit) in cases.counted.items():
            parts += _parts(sums, measure, cases, targets.get(measure, {}), words)
            behind[measure], units[measure] = people[measure], unit
    for measure, (entered, entering) in _entries(journeys, periods, words).items():
        lags[measure], families[measure], units[measure] = 0, "mix", "share"
        parts.append(entered)
        behind[measure] = entering
    table = _volumes(journeys, periods)
    # Of all measures at once: a question to pandas costs more than its answer.
    if any(len(part["period"]) for part in parts):
        estimated = _estimated(parts, words, behind, units)
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
    # A column of a frame cannot be written to: a kind of its own to compiled functions.
    part = {str(name): table[name].to_numpy(copy=True) for name in table}
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
    handed_over = np.array(table["state"] == "handed_over")
    unseen = handed_over & (part["human_us"] == MISSING)
    has_wait = (part["human_us"] != MISSING) & (part["bot_done_us"] != MISSING)
    wait_us = np.where(has_wait, part["human_us"] - np.where(has_wait, part["bot_done_us"], 0), 0)
    yield _Cases(
        part["start_us"],
        rows,
        stratum,
        settled,
        {
            "handed_over": (handed_over, every, "share"),
            "abandoned": (np.array(table["state"] == "abandoned"), every, "share"),
            "requests": (asked, every, "share"),
            "requests_honoured": (honoured, asked & ~unseen, "share"),
            "human_wait": (_log_micro(wait_us), wait_us > 0, "log seconds"),
        },
    )
    returns = soon_after(part["perhaps_us"], part["end_us"], window_us)
    sure = (table["state"] == "ended_with_bot").to_numpy() & part["resolved"] & ~returns
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


def _sums(cases: _Cases, periods: Periods) -> tuple[Columns, dict[str, Numbers]]:
    """Sum per period, touchpoint, stratum and customer group; count customers of each stream."""
    rows, strata = cases.rows, len(cases.stratum.words)
    period = periods.within(cases.t_us, cases.lag_days)
    cell_of_case = np.where(period >= 0, period * rows.touchpoints + rows.touchpoint, -1)
    cell, keys = number_pairs(
        cell_of_case, cases.stratum.number.astype(np.int64) * GROUPS + rows.group, strata * GROUPS
    )
    where = keys // (strata * GROUPS)
    sums = {
        "period": where // rows.touchpoints,
        "touchpoint": where % rows.touchpoints,
        "stratum": keys // GROUPS % strata,
        "group": keys % GROUPS,
    }
    many = periods.before + 1
    people: dict[str, Numbers] = {}
    for measure, (top, base, _unit) in cases.counted.items():
        sums[f"{measure}:base"] = sum_in_cells(cell, base, len(keys))
        sums[f"{measure}:top"] = sum_in_cells(np.where(base, cell, -1), top, len(keys))
        with_base = np.where(base, cell_of_case, -1)
        local = count_units(with_base, rows.customer, many * rows.touchpoints).reshape(many, -1)
        everywhere = count_units(np.where(base, period, -1), rows.customer, many)
        people[measure] = np.column_stack([local, everywhere])
    return sums, people


def _parts(
    sums: Columns, measure: str, cases: _Cases, targets: Mapping[int, str], words: _Words
) -> Iterable[Columns]:
    """Yield the sums of one measure: at touchpoints, and over the whole log."""
    cell = np.flatnonzero(sums[f"{measure}:base"] > 0)
    touchpoint, stratum = sums["touchpoint"][cell], sums["stratum"][cell]
    part = {name: sums[name][cell] for name in ("period", "group")}
    part |= {end: sums[f"{measure}:{end}"][cell].astype(np.float64) for end in COUNTED}
    part["measure"] = np.full(len(cell), words.number(measure))
    if cases.at_touchpoints:
        followed = words.numbers(targets.get(no, "") for no in range(cases.rows.touchpoints))
        own = words.numbers(cases.stratum.words)[stratum]
        yield part | {"touchpoint": touchpoint, "detail": followed[touchpoint], "stratum": own}
    if cases.whole:
        # Of the whole log the mix is also what happens where.
        of = cases.stratum.words
        mixed, row = np.unique(touchpoint * len(of) + stratum, return_inverse=True)
        what = words.numbers(f"{one // len(of)} · {of[one % len(of)]}" for one in mixed.tolist())
        yield part | _everywhere(len(cell)) | {"stratum": what[row]}


def _everywhere(many: int) -> Columns:
    """Return where sums of the whole log stand: at no touchpoint, of no detail and stratum."""
    nothing = np.zeros(many, dtype=np.int64)
    return {"touchpoint": nothing - 1, "detail": nothing, "stratum": nothing}


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _estimated(
    parts: Sequence[Columns], words: _Words, people: Mapping[str, Numbers], units: Mapping[str, str]
) -> pd.DataFrame:
    """Return value and customer-clustered error per period and stream, in strata and overall.

    `people` counts customers by measure, each by period and touchpoint, the whole log last;
    `units` are those of measures.
    """
    every = [part | {"stratum": np.zeros_like(part["stratum"])} for part in parts]
    # One stratum alone is all there is.
    strata = [part for part in parts if (part["stratum"][1:] != part["stratum"][:-1]).any()]
    small = [_without_small_strata(_joined(strata), words)] if strata else []
    sums = pd.DataFrame(_joined([*every, *small]))
    counted, grouped = list(COUNTED), sums.groupby(KEY)
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
    result = totals.reset_index()
    is_whole = result["stratum"] == 0
    # One stratum alone is all there is.
    many = result.groupby(["measure", "touchpoint", "detail"])["stratum"].transform("nunique")
    groups = (cells["base"] > 0).groupby(number, sort=True).sum().to_numpy()
    row = {words.number(measure): row for row, measure in enumerate(people)}
    cell = result["measure"].map(row), result["period"], result["touchpoint"]
    result["customers"] = np.where(is_whole, np.stack([*people.values()])[cell], groups)
    texts = words.texts
    for name in WORDS:
        result[name] = pd.Series(texts[result[name]], dtype="str")
    result["unit"] = result["measure"].map(units)
    scale = np.where(result["unit"] == "share", 1.0, float(MICRO))
    result["value"] = result["top"] / result["base"] / scale
    result["se"] = np.sqrt((GROUPS - 1) / GROUPS * squared) / scale
    result["n"] = result["base"].astype("int64")
    return result[is_whole | (many > 2)].drop(columns=counted)


def _without_small_strata(sums: Columns, words: _Words) -> Columns:
    """Put strata together that have too few cases in the last period or in those before it."""
    number = pd.DataFrame({name: sums[name] for name in KEY[1:]}).groupby(KEY[1:]).ngroup()
    now, of = sums["period"] == 0, number.to_numpy()
    few = np.zeros(len(of), dtype=bool)
    for part in (now, ~now):
        few |= np.bincount(of, sums["base"] * part)[of] < FEWEST_IN_STRATUM
    stratum = np.where(few, words.number(REST), sums["stratum"])
    left = np.flatnonzero(stratum)
    return {name: values[left] for name, values in (sums | {"stratum": stratum}).items()}


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
    journeys: Journeys, periods: Periods, words: _Words
) -> dict[str, tuple[Columns, Numbers]]:
    """Return sums and customers of what journeys begin with: who, about what, by which door."""
    events, outline = journeys.events, journeys.outline
    period = periods.within(outline.start_us, 0)
    people = np.zeros((periods.before + 1, len(journeys.names) + 1), dtype=np.int64)
    people[:, -1] = count_units(period, outline.customer, len(people))
    begun, by_name = np.flatnonzero(period >= 0), {}
    row = period[begun] * GROUPS + outline.group[begun]
    for role in ("segment", "intent", "channel", "touchpoint"):
        if role != "touchpoint" and not journeys.has(role):
            continue
        word: Numbers = outline.first
        names: Sequence[str] = [journeys.names[no] for no in range(len(journeys.names))]
        if role != "touchpoint":
            codes = events.column(role).only(outline.first_row)
            word, names = codes.number, codes.words
        # What is not known is the last, or the word of the same name.
        every = np.array([*names, UNNAMED], dtype=object)
        details, number = np.unique(every, return_inverse=True)
        measure = f"begins_with_{role}"
        if len(begun):
            sums = _of_all(row, number[word[begun]], words.numbers(details.tolist()))
            sums["measure"] = np.full(len(sums["period"]), words.number(measure))
            by_name[measure] = (sums, people)
    return by_name


def _of_all(row: Numbers, detail: Numbers, words: Numbers) -> Columns:
    """Put beside what each detail has of a period and group what all have, absent ones as 0."""
    cells = np.bincount(row * len(words) + detail)
    cells = np.append(cells, np.zeros(-len(cells) % len(words), dtype=np.int64))
    cells = cells.reshape(-1, len(words))
    rows, details = (np.flatnonzero(cells.any(axis=axis)) for axis in (1, 0))
    many = len(details)
    return _everywhere(len(rows) * many) | {
        "period": np.tile(rows // GROUPS, many),
        "group": np.tile(rows % GROUPS, many),
        "detail": np.repeat(words[details], len(rows)),
        "top": cells[np.ix_(rows, details)].T.ravel().astype(np.float64),
        "base": np.tile(cells[rows].sum(axis=1), many).astype(np.float64),
    }


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
    filled = np.flatnonzero(base.events)
    return pd.DataFrame(
        {
            "touchpoint": filled % many,
            "period": filled // many,
            "n": base.events[filled],
            "customers": base.customers[filled],
            "value": base.events[filled].astype(np.float64),
        }
    ).assign(family="volume", measure=EVENTS, detail="", stratum=ALL, unit="events", se=np.nan)
