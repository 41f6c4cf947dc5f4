"""What was counted over all rows of a source, and which rows cannot be used."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from journeylib.core import LogError, QualityError, percent
from journeylib.log.canonical.canonical_events import (
    CONTROL,
    HELPER,
    PERSONAL,
    REASON,
    REASON_ROLE,
    UNREAD,
    ReadingPlan,
)
from journeylib.log.engine.duckdb import identifier, quoted, run
from journeylib.log.engine.row_order import customer_sizes
from journeylib.log.schema import Schema
from journeylib.log.sources.raw_table import (
    FILE,
    NO_SUCH_DAY,
    ROW,
    Raw,
    ReadOptions,
    quarantine_frame,
)

MANY_EVENTS = 10_000
_LONG_ID = 16
_SCIENTIFIC = r"^-?[0-9](\.[0-9]+)?[eE]\+[0-9]+$"


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
    personal : dict of str to int
        Names in which what looks personal was masked, by role.
    counts : dict of str to int
        What the checks want to know of the usable rows; 0 where nothing can be said.
    """

    read: int
    used: int
    reasons: dict[str, int]
    nulls: dict[str, int]
    unread: dict[str, int]
    controls: dict[str, int]
    personal: dict[str, int]
    counts: dict[str, int]


def survey(raw: Raw, rows: ir.Table, wanted: Mapping[str, str]) -> Survey:
    """Count what is unusable, missing and unread in the staged `rows`, in two passes.

    `wanted` is what the checks want counted of the usable rows, in SQL by name.
    """
    backend, table = rows.get_backend(), rows.get_name()
    rows_of = dict(run(backend, f"SELECT {REASON}, count(*) FROM {table} GROUP BY ALL"))
    reasons = {reason: rows_of.get(reason, 0) for reason in REASON_ROLE}
    for reason in raw.rejected["reason"]:
        reasons[reason] = reasons.get(reason, 0) + 1
    read = sum(rows_of.values()) + len(raw.rejected)
    sums = {
        column: f"count_if({identifier(column)})"
        if column.startswith(HELPER)
        else f"count(*) - count({identifier(column)})"
        for column in rows.columns
        if not column.startswith(HELPER) or column.startswith((UNREAD, CONTROL, PERSONAL))
    }
    # No column of a log begins with HELPER but those that are counted here by their own names.
    asked = {f"{HELPER}asked_{name}": sql for name, sql in wanted.items()}
    totals = counts_of(backend, sums | asked, f"{table} WHERE {REASON} IS NULL")

    def by_role(prefix: str) -> dict[str, int]:
        return {
            column.removeprefix(prefix): n
            for column, n in totals.items()
            if column.startswith(prefix)
        }

    return Survey(
        read=read,
        used=read - sum(reasons.values()),
        reasons={reason: n for reason, n in reasons.items() if n},
        nulls={column: n for column, n in totals.items() if not column.startswith(HELPER)},
        unread=by_role(UNREAD),
        controls=by_role(CONTROL),
        personal=by_role(PERSONAL),
        counts=by_role(f"{HELPER}asked_"),
    )


def counts_of(backend: Backend, wanted: Mapping[str, str], rows: str) -> dict[str, int]:
    """Return what is counted, in SQL by name, of `rows`; what is null counts as 0."""
    row = run(backend, f"SELECT {', '.join(wanted.values())} FROM {rows}")[0]
    return {name: int(value or 0) for name, value in zip(wanted, row, strict=True)}


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
    unusable = [
        (raw.files[int(file)], int(row), REASON_ROLE[str(reason)], str(reason))
        for file, row, reason in zip(bad[FILE], bad[ROW], bad[REASON], strict=True)
    ]
    frame = pd.concat([raw.rejected, quarantine_frame(unusable)], ignore_index=True)
    order = frame["source"].map({file: i for i, file in enumerate(raw.files)})
    ordered = frame.assign(order=order).sort_values(["order", "row"], kind="stable")
    return ordered.drop(columns="order").reset_index(drop=True)


@dataclass(frozen=True)
class Inspection:
    """What the checks of a log look at.

    Attributes
    ----------
    raw : Raw
        The source as it was read.
    events : ibis.Table
        The usable rows, as canonical events.
    schema : Schema
    plan : ReadingPlan
        How times and names were read.
    survey : Survey
        Counts over all rows.
    options : ReadOptions
    """

    raw: Raw
    events: ir.Table
    schema: Schema
    plan: ReadingPlan
    survey: Survey
    options: ReadOptions

    @property
    def owner(self) -> str:
        """The column of whose events these are."""
        return "case" if "case" in self.events.columns else "customer"

    @property
    def moment(self) -> str:
        """The column that says when: times, or positions where there is no clock."""
        return "t_us" if self.schema.has_clock else "position"

    @cached_property
    def ids(self) -> dict[str, int]:
        """Counts over the ids of customers.

        Returns
        -------
        dict of str to int
            ``customers`` and ``largest`` (events), ids told apart without case and outer blanks;
            of ids that are ``alike`` then, of at least `MANY_EVENTS` events (``busy``), in
            ``scientific`` notation, of 16 digits or more (``long``), and of these with ``zeros``
            alone after 15: how many there are, and ``…_events``.
        """
        sizes = customer_sizes(self.events)
        backend = sizes.get_backend()
        long = f"length(customer) >= {_LONG_ID} AND regexp_matches(customer, "
        marks = {
            "busy": f"events >= {MANY_EVENTS}",
            "scientific": f"contains(customer, '+') AND regexp_matches(customer, '{_SCIENTIFIC}')",
            "long": f"{long}'^[0-9]{{16,}}$')",
            "zeros": f"{long}'^[0-9]{{15}}0+$')",
        }
        blank = f"[{string.whitespace}]"
        marks["unlike"] = (
            "lower(customer) <> customer OR "
            f"regexp_matches(customer, {quoted(f'^{blank}|{blank}$')})"
        )
        wanted = {name: f"count_if({name})" for name in marks}
        wanted |= {f"{name}_events": f"sum(events) FILTER ({name})" for name in marks}
        wanted |= {"customers": "count(*)", "largest": "max(events)"}
        table = f"({backend.compile(sizes)})"
        # Each mark is worked out once.
        marked = ", ".join(f"{mark} AS {name}" for name, mark in marks.items())
        counts = counts_of(backend, wanted, f"(SELECT events, {marked} FROM {table})")
        if not counts["unlike"]:
            return counts | {"alike": 0, "alike_events": 0}
        told_apart = {
            "alike": "sum(ids) FILTER (ids > 1)",
            "alike_events": "sum(events) FILTER (ids > 1)",
            "customers": "count(*)",
            "largest": "max(events)",
        }
        folded = f"lower(trim(customer, {quoted(string.whitespace)}))"
        groups = f"SELECT count(*) AS ids, sum(events) AS events FROM {table} GROUP BY {folded}"
        return counts | counts_of(backend, told_apart, f"({groups})")
