"""Quality: what a log is worth, counted before anything is computed from it.

Numbers only: a check never holds the content of a row.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from journeylib.errors import LogError, QualityError, SchemaError
from journeylib.estimate import percent
from journeylib.log.canonical import (
    CONTROL,
    HELPER,
    NUMBER_ROLES,
    REASON,
    REASON_ROLE,
    UNREAD,
    Plan,
)
from journeylib.log.doubts import doubt_ids, doubt_times, fold
from journeylib.log.eventlog import Quality
from journeylib.log.inorder import Runs, lie_in_order
from journeylib.log.raw import FILE, NO_SUCH_DAY, ROW, Raw, Window, quarantine_frame
from journeylib.log.schema import Schema
from journeylib.log.times import FIRST_US, LAST_US

__all__ = ["Quality", "Survey", "checks", "quarantine", "refuse_unusable", "survey"]

# As `as_of`: the last event is the present, so that no result depends on today.
LAST_EVENT = dt.date(9999, 12, 30)
_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_SECOND_US = 1_000_000
_MANY_EVENTS = 10_000
_TELLING_NULLS = 0.2
_COLUMN_ROLE = {"case": "journey", "end_us": "end_timestamp"} | {
    column: role for role, column in NUMBER_ROLES.items()
}


@dataclass(frozen=True)
class Survey:
    """Counts over all rows of the source, usable or not.

    Attributes
    ----------
    read, used : int
        Rows in the source, and rows that can be used.
    reasons : dict of str to int
        Unusable rows by reason.
    nulls : dict of str to int
        Usable rows without a value, by canonical column.
    unread : dict of str to int
        Usable rows where the source has a value that could not be read or mapped, by role.
    controls : dict of str to int
        Names with line breaks or other control characters, by role.
    """

    read: int
    used: int
    reasons: dict[str, int]
    nulls: dict[str, int]
    unread: dict[str, int]
    controls: dict[str, int]


def survey(raw: Raw, rows: ir.Table) -> Survey:
    """Count what is unusable, missing and unread in the staged `rows`, in one pass."""
    usable = rows[REASON].isnull()
    wanted: dict[str, ir.Value] = {"rows": rows.count()}
    for i, reason in enumerate(REASON_ROLE):
        wanted[f"reason{i}"] = (rows[REASON] == reason).sum()
    for i, column in enumerate(rows.columns):
        if not column.startswith(HELPER):
            wanted[f"null{i}"] = (usable & rows[column].isnull()).sum()
        elif column.startswith((UNREAD, CONTROL)):
            wanted[f"flag{i}"] = (usable & rows[column]).sum()
    totals = _one_row(rows.aggregate(**wanted))
    reasons = {reason: totals[f"reason{i}"] for i, reason in enumerate(REASON_ROLE)}
    for reason in raw.rejected["reason"]:
        reasons[reason] = reasons.get(reason, 0) + 1
    read = totals["rows"] + len(raw.rejected)

    def by_role(prefix: str) -> dict[str, int]:
        return {
            column.removeprefix(prefix): totals[f"flag{i}"]
            for i, column in enumerate(rows.columns)
            if column.startswith(prefix)
        }

    return Survey(
        read=read,
        used=read - sum(reasons.values()),
        reasons={reason: n for reason, n in reasons.items() if n},
        nulls={c: totals[f"null{i}"] for i, c in enumerate(rows.columns) if f"null{i}" in totals},
        unread=by_role(UNREAD),
        controls=by_role(CONTROL),
    )


def _one_row(table: ir.Table) -> dict[str, int]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return {name: int(value or 0) for name, value in row.items()}


def refuse_unusable(raw: Raw, counted: Survey, max_share: float) -> None:
    """Stop where too much of the log cannot be used.

    Raises
    ------
    LogError
        No row is left: all lie outside the days that were asked for.
    QualityError
        With the number of rows for each reason.
    """
    if counted.read == 0:
        raise LogError(f"{raw.name} {NO_SUCH_DAY}")
    unusable = counted.read - counted.used
    listed = "; ".join(f"{n} rows: {reason}" for reason, n in sorted(counted.reasons.items()))
    if counted.used == 0:
        raise QualityError(
            f"no row of {raw.name} can be used ({listed}). Check the columns named in the schema "
            "and what 'missing' lists."
        )
    if unusable > max_share * counted.read:
        raise QualityError(
            f"{unusable} of {counted.read} rows of {raw.name} cannot be used ({listed}): "
            f"{percent(unusable / counted.read)}, more than the {100 * max_share:g} % allowed. "
            "Correct the export, or raise max_unusable_share."
        )


def quarantine(raw: Raw, rows: ir.Table, counted: Survey) -> pd.DataFrame:
    """Return the unusable rows by file and row number, with the reason, without content."""
    if counted.used == counted.read:
        return quarantine_frame([])
    bad = rows.filter(rows[REASON].notnull()).select(FILE, ROW, REASON).to_pandas()
    found = [
        (raw.files[int(file)], int(row), REASON_ROLE[str(reason)], str(reason))
        for file, row, reason in zip(bad[FILE], bad[ROW], bad[REASON], strict=True)
    ]
    frame = pd.concat([raw.rejected, quarantine_frame(found)], ignore_index=True)
    order = frame["source"].map({file: i for i, file in enumerate(raw.files)})
    ordered = frame.assign(order=order).sort_values(["order", "row"], kind="stable")
    return ordered.drop(columns="order").reset_index(drop=True)


class Found:
    """Collects the rows of the table of checks."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.rows: list[tuple[str, str, str, int, float, str]] = []

    def add(
        self, check: str, role: str, severity: str, rows: int, text: str, *, unread: int = 0
    ) -> None:
        """Add a check; `unread` rows are counted beside those that were read."""
        total = self.total + unread
        share = rows / total if total else 0.0
        self.rows.append((check, role, severity, rows, share, text))

    def count(self, check: str, role: str, severity: str, rows: int, bad: str, good: str) -> None:
        """Add `bad` with `severity` where there are rows, else `good`."""
        self.add(check, role, severity if rows else "ok", rows, bad if rows else good)

    def frame(self) -> pd.DataFrame:
        names = ["check", "role", "severity", "rows", "share", "text"]
        frame = pd.DataFrame(self.rows, columns=names)
        return frame.astype({"rows": "int64", "share": "float64"})


def checks(
    raw: Raw,
    events: ir.Table,
    schema: Schema,
    decided: Plan,
    counted: Survey,
    *,
    period: tuple[Any, Any] | None = None,
    days: tuple[Any, Any] | None = None,
    as_of: Any = None,
) -> pd.DataFrame:
    """Look at the canonical events and say what was found.

    Returns
    -------
    pandas.DataFrame
        Row: one check. ``check``, ``role``, ``severity`` (``ok``, ``note``, ``warning``,
        ``blocking``), ``rows``, ``share`` (of rows read), ``text``.
    """
    found = Found(counted.read)
    for fact in raw.facts:
        found.add(fact.check, "", fact.severity, fact.rows, fact.text)
    _unusable(found, counted)
    _nulls(found, counted)
    _controls(found, counted)
    if schema.has_clock:
        _clock_formats(found, schema, decided)
        _clock_values(found, events, counted, schema, decided, period, as_of)
        doubt_times(found, events, counted.used, decided.times["timestamp"], schema.timezone)
        if end_of(as_of) is not None:
            _left_out(found, raw, counted, days, as_of)
    else:
        found.add(
            "clock",
            "timestamp",
            "note",
            0,
            "The log has an order and no clock: what needs time has no answer.",
        )
    tied = _tied(events, schema)
    _ties(found, events, tied, schema)
    # Events that repeat another share its time: where there is a clock only ties can.
    _duplicates(found, tied if schema.has_clock else events, schema)
    _vocabulary(found, events, schema)
    _sizes(found, events, counted.used)
    doubt_ids(found, events, counted.used)
    return found.frame()


def _unusable(found: Found, counted: Survey) -> None:
    for reason, n in counted.reasons.items():
        role = REASON_ROLE.get(reason, "row")
        found.add("unusable", role, "warning", n, f"{n} rows were set aside: {reason}.")
    if not counted.reasons:
        found.add("unusable", "", "ok", 0, "Every row can be used.")


def _nulls(found: Found, counted: Survey) -> None:
    for column, n in counted.nulls.items():
        if column in ("customer", "case", "touchpoint", "t_us", "position"):
            continue
        role = _COLUMN_ROLE.get(column, column)
        share = n / counted.used if counted.used else 0.0
        severity = "ok" if n == 0 else "warning" if share > _TELLING_NULLS else "note"
        text = f"{n} of {counted.used} events have no {role} ({percent(share)})."
        found.add("missing", role, severity, n, text)
    for role, n in counted.unread.items():
        if role == "actor":
            found.count(
                "unmapped",
                role,
                "warning",
                n,
                f"{n} events have an actor that 'actor_values' does not map.",
                "Every actor is mapped.",
            )
        elif n:
            found.add(
                "unreadable",
                role,
                "warning",
                n,
                f"{n} events have a value of {role} that cannot be read as one; it counts as "
                "missing.",
            )


def _controls(found: Found, counted: Survey) -> None:
    for role, n in counted.controls.items():
        if n:
            found.add(
                "control_characters",
                role,
                "note",
                n,
                f"{n} names of {role} held line breaks or control characters; each run became a "
                "blank.",
            )


def _clock_formats(found: Found, schema: Schema, decided: Plan) -> None:
    for role, times in decided.times.items():
        forms = {form.replace(".%f", "") for form in times.hits}
        if times.kind == "text":
            listed = ", ".join(f"{form} ({n} rows)" for form, n in times.hits.items())
            severity = "note" if len(forms) > 1 else "ok"
            found.add("time_format", role, severity, 0, f"Times are read as {listed}.")
        if times.ambiguous:
            found.add(
                "day_or_month_first",
                role,
                "note",
                sum(times.hits.values()),
                "No date tells whether the day or the month comes first; the day was taken. "
                "Declare timestamp_format to be sure.",
            )
        if times.offset_rows and times.naive_rows:
            found.add(
                "time_zones",
                role,
                "warning",
                times.naive_rows,
                f"{times.offset_rows} times state their offset from UTC and {times.naive_rows} do "
                f"not; those were taken as {schema.timezone}.",
            )
        elif times.kind == "text" and times.naive_rows:
            found.add(
                "time_zones",
                role,
                "ok",
                0,
                f"Times state no zone; they were taken as {schema.timezone}.",
            )


def _clock_values(
    found: Found,
    events: ir.Table,
    counted: Survey,
    schema: Schema,
    decided: Plan,
    period: tuple[Any, Any] | None,
    as_of: Any,
) -> None:
    time = events["t_us"]
    today = dt.datetime.now(dt.UTC).date() if as_of is None else as_of
    unasked = today == LAST_EVENT
    last = _day_after(today)
    wanted: dict[str, ir.Value] = {
        "midnight": (time % _DAY_US).isin(_midnights(decided)).sum(),
        "minute": (time % _MINUTE_US == 0).sum(),
        "second": (time % _SECOND_US == 0).sum(),
        "future": (time >= last).sum(),
    }
    if period is not None:
        outside = ibis.literal(False)
        if period[0] is not None:
            outside = outside | (time < _day_start(period[0], schema.timezone, "period"))
        if period[1] is not None:
            end = _as_day(period[1], "period") + dt.timedelta(days=1)
            outside = outside | (time >= _day_start(end, schema.timezone, "period"))
        wanted["outside"] = outside.sum()
    if "end_us" in events.columns:
        wanted["negative"] = (events["end_us"] < time).sum()
    n = _one_row(events.aggregate(**wanted))
    _resolution(found, n, counted.used)
    if end_of(as_of) is None:
        found.count(
            "future",
            "timestamp",
            "warning",
            n["future"],
            f"{n['future']} events lie after {_as_day(today, 'as_of').isoformat()}.",
            "Without as_of nothing says which events lie in the future; the last event is the "
            "present."
            if unasked
            else "No event lies in the future.",
        )
    if "outside" in n:
        found.count(
            "outside_period",
            "timestamp",
            "warning",
            n["outside"],
            f"{n['outside']} events lie outside the declared period.",
            "Every event lies in the declared period.",
        )
    if "negative" in n:
        found.count(
            "end_before_start",
            "end_timestamp",
            "warning",
            n["negative"],
            f"{n['negative']} events end before they begin; their duration is left out.",
            "No event ends before it begins.",
        )


def _left_out(
    found: Found, raw: Raw, counted: Survey, days: tuple[Any, Any] | None, as_of: Any
) -> None:
    """Say what was not read because it lies after `as_of`: how many rows, where it is known."""
    day = _as_day(as_of, "as_of").isoformat()
    if days is not None:
        found.add("future", "timestamp", "ok", 0, f"Events after {day} were left out, if any.")
        return
    held = raw.rows
    if held is None:
        held = _one_row(raw.table.aggregate(n=raw.table.count()))["n"]
    n = held - (counted.read - len(raw.rejected))
    severity, text = "ok", "No event lies in the future."
    if n:
        severity, text = "warning", f"{n} rows lie after {day} and were left out."
    found.add("future", "timestamp", severity, n, text, unread=n)


def _midnights(decided: Plan) -> list[int]:
    """Return the times of day in UTC, in microseconds, at which local days begin."""
    offsets = {offset for _, offset in decided.times["timestamp"].steps} or {0}
    return sorted({-offset % _DAY_US for offset in offsets})


def _resolution(found: Found, n: dict[str, int], used: int) -> None:
    if n["midnight"] == used:
        found.add(
            "clock_resolution",
            "timestamp",
            "warning",
            used,
            "Every time is a midnight: the log has dates only, so waits within a day are unknown.",
        )
    elif n["minute"] == used:
        found.add(
            "clock_resolution",
            "timestamp",
            "note",
            used,
            "Every time is a whole minute: waits below a minute are unknown and ties frequent.",
        )
    else:
        finest = "second" if n["second"] == used else "fraction of a second"
        found.add("clock_resolution", "timestamp", "ok", 0, f"The clock counts to the {finest}.")
    if 0.05 * used < n["midnight"] < used:
        found.add(
            "midnights",
            "timestamp",
            "warning",
            n["midnight"],
            f"{n['midnight']} events lie exactly at midnight: they may be dates without a clock.",
        )


def owner_of(events: ir.Table) -> str:
    """Return the column of whose events these are."""
    return "case" if "case" in events.columns else "customer"


def _tied(events: ir.Table, schema: Schema) -> ir.Table:
    """Return the events that share owner and time (or position) with another."""
    if schema.has_clock and lie_in_order(events, owner_of(events)):
        runs = Runs(owner_of(events), ("t_us", "position", "touchpoint"), lying=True)
        moment = events["t_us"]
        beside = (runs.before(moment) == moment) | (runs.after(moment) == moment)
        marked = events.mutate(**{f"{HELPER}tied": beside})
        return marked.filter(marked[f"{HELPER}tied"]).drop(f"{HELPER}tied").cache()
    keys = [owner_of(events), "t_us" if schema.has_clock else "position"]
    counts = events.group_by(keys).aggregate(**{f"{HELPER}n": events.count()})
    shared = counts.filter(counts[f"{HELPER}n"] > 1).select(keys)
    return events.semi_join(shared, keys).cache()


def _ties(found: Found, events: ir.Table, tied: ir.Table, schema: Schema) -> None:
    """Count events that share owner and time (or position) with another."""
    owner = owner_of(events)
    moment = "t_us" if schema.has_clock else "position"
    keys = list(dict.fromkeys([owner, moment, "position"]))
    places = tied.group_by(keys).aggregate(
        n=tied.count(), least=tied["touchpoint"].min(), most=tied["touchpoint"].max()
    )
    groups = places.group_by(owner, moment).aggregate(
        n=places["n"].sum(),
        places=places.count(),
        least=places["least"].min(),
        most=places["most"].max(),
    )
    n = _one_row(
        groups.aggregate(
            events=groups["n"].sum(),
            matter=ibis.ifelse(groups["least"] != groups["most"], groups["n"], 0).sum(),
            unbroken=ibis.ifelse(groups["places"] < groups["n"], groups["n"], 0).sum(),
        )
    )
    if not n["events"]:
        found.add("ties", moment_role(schema), "ok", 0, "No two events of one journey tie.")
        return
    if not schema.has_clock:
        how = "their order is that of the touchpoints' names"
    elif schema.position is None:
        how = "they keep the order of rows in the file"
    elif n["unbroken"]:
        how = f"'{schema.position}' puts them in order, except for {n['unbroken']}"
    else:
        how = f"'{schema.position}' puts them in order"
    sure = schema.has_clock and schema.position is not None and not n["unbroken"]
    found.add(
        "ties",
        moment_role(schema),
        "note" if sure or not n["matter"] else "warning",
        n["events"],
        f"{n['events']} events share their {moment_role(schema)} with another of the same "
        f"{'journey' if owner == 'case' else owner}; {how}. {n['matter']} of them tie between "
        "different touchpoints, so another order would change the journey.",
    )


def moment_role(schema: Schema) -> str:
    """Return the role that orders events first."""
    return "timestamp" if schema.has_clock else "position"


def _duplicates(found: Found, events: ir.Table, schema: Schema) -> None:
    # An undeclared position is the row number: it would tell every row from its copy.
    own = () if schema.position else ("position",)
    same = [column for column in events.columns if column not in own]
    # Attributes bear the names that the company gave them, so ours must not be a common one.
    groups = events.group_by(same).aggregate(**{f"{HELPER}rows": events.count()})
    extra = _one_row(groups.aggregate(extra=(groups[f"{HELPER}rows"] - 1).sum()))["extra"]
    found.count(
        "duplicates",
        "",
        "note",
        extra,
        f"{extra} events repeat another in every declared column; they were kept.",
        "No event repeats another in every declared column.",
    )


def _vocabulary(found: Found, events: ir.Table, schema: Schema) -> None:
    """Count events whose touchpoint the value maps do not know, and names that look alike."""
    names = events.group_by("touchpoint").aggregate(n=events.count()).to_pandas()
    maps: list[tuple[str, set[str]]] = [
        ("touchpoint_values", set(schema.touchpoint_values.values())),
        ("stage_values", set() if schema.stage else set(schema.stage_values)),
        ("office_values", set() if schema.office else set(schema.office_values)),
    ]
    for field, known in maps:
        if known:
            unknown = names[~names["touchpoint"].isin(known)]
            found.count(
                "unmapped",
                field,
                "note",
                int(unknown["n"].sum()),
                f"{len(unknown)} touchpoints, with {int(unknown['n'].sum())} events, are not in "
                f"'{field}'.",
                f"Every touchpoint is in '{field}'.",
            )
    folded = fold(names["touchpoint"])
    alike = names[folded.duplicated(keep=False)]
    if len(alike):
        found.add(
            "names_alike",
            "touchpoint",
            "note",
            int(alike["n"].sum()),
            f"{len(alike)} touchpoints differ from another only by capitals, blanks or the way "
            "a letter is written; map them to one name in 'touchpoint_values' if they mean the "
            "same.",
        )
    if "actor" in events.columns and "session" in events.columns:
        bot = events["actor"] == "bot"
        n = _one_row(events.aggregate(n=(bot & events["session"].isnull()).sum()))["n"]
        found.count(
            "bot_without_session",
            "session",
            "warning",
            n,
            f"{n} events of bots belong to no session, so containment cannot count them.",
            "Every event of a bot belongs to a session.",
        )


def _sizes(found: Found, events: ir.Table, used: int) -> None:
    """Say when there is no path to rebuild, and when one customer may be many."""
    if used == 1:
        found.add(
            "one_event",
            "",
            "blocking",
            1,
            "The log holds one event, so there is no path to rebuild. Check the filter of the "
            "export.",
        )
    sizes = events.group_by("customer").aggregate(n=events.count())
    big = sizes.filter(sizes["n"] >= _MANY_EVENTS)
    n = _one_row(big.aggregate(customers=big.count(), events=big["n"].sum()))
    found.count(
        "busy_customers",
        "customer",
        "warning",
        n["events"],
        f"{n['customers']} customers have {_MANY_EVENTS} events or more; an identifier that many "
        "people share, or a machine, looks like this.",
        f"No customer has {_MANY_EVENTS} events or more.",
    )


def outcome_checks(outcomes: ir.Table, events: ir.Table, read: int, used: int) -> pd.DataFrame:
    """Return checks on a table of outcomes, in the columns of `checks`."""
    found = Found(read)
    found.count(
        "unusable",
        "outcomes",
        "warning",
        read - used,
        f"{read - used} outcomes were left out: no customer, no kind, or a value or time that "
        "cannot be read.",
        "Every outcome can be used.",
    )
    known = events.select("customer").distinct()
    strangers = _one_row(outcomes.anti_join(known, "customer").aggregate(n=lambda t: t.count()))[
        "n"
    ]
    found.count(
        "outcomes_without_events",
        "outcomes",
        "warning" if 2 * strangers > used else "note",
        strangers,
        f"{strangers} of {used} outcomes belong to customers without an event in the log.",
        "Every outcome belongs to a customer of the log.",
    )
    return found.frame()


def end_of(as_of: Any) -> int | None:
    """Return the first microsecond (UTC) of which nothing is known; None where `as_of` is none."""
    return None if as_of is None or as_of == LAST_EVENT else _day_after(as_of)


def wanted_days(days: tuple[Any, Any] | None, as_of: Any, schema: Schema) -> Window | None:
    """Return which times are wanted: of `days`, and none after `as_of`; None where all are.

    Raises
    ------
    SchemaError
        A day is no date, the last comes before the first, or the log has no times to choose days.
    """
    if schema.timestamp is None:
        if days is not None:
            raise SchemaError("days choose events by their time; the schema names no 'timestamp'.")
        return None
    begin, end = FIRST_US, LAST_US + 1
    if days is not None:
        first, last = (_as_day(day, "days") for day in days)
        if last < first:
            raise SchemaError(f"days: {last} comes before {first}. Write the first day first.")
        begin = _day_start(first, schema.timezone, "days")
        end = _day_start(last + dt.timedelta(days=1), schema.timezone, "days")
    known = end_of(as_of)
    if days is None and known is None:
        return None
    return Window(schema.timestamp, begin, end if known is None else min(end, known))


def _as_day(given: Any, what: str) -> dt.date:
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    try:
        return dt.date.fromisoformat(str(given))
    except ValueError:
        raise SchemaError(f"{what}: '{given}' is no date. Write it as 2026-03-31.") from None


def _day_start(given: Any, timezone: str, what: str) -> int:
    """Microseconds since 1970 UTC at which a day begins in a zone."""
    start = dt.datetime.combine(_as_day(given, what), dt.time(), zoneinfo.ZoneInfo(timezone))
    return (start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _day_after(as_of: Any) -> int:
    """Microseconds since 1970 UTC at which the day after `as_of` begins in UTC."""
    return _day_start(as_of, "UTC", "as_of") + _DAY_US
