"""What was counted over all rows of a source, and which rows cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

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
    """

    read: int
    used: int
    reasons: dict[str, int]
    nulls: dict[str, int]
    unread: dict[str, int]
    controls: dict[str, int]
    personal: dict[str, int]


def survey(raw: Raw, rows: ir.Table) -> Survey:
    """Count what is unusable, missing and unread in the staged `rows`, in one pass."""
    usable = rows[REASON].isnull()
    wanted: dict[str, ir.Value] = {"rows": rows.count()}
    for i, reason in enumerate(REASON_ROLE):
        wanted[f"reason{i}"] = (rows[REASON] == reason).sum()
    for i, column in enumerate(rows.columns):
        if not column.startswith(HELPER):
            wanted[f"null{i}"] = (usable & rows[column].isnull()).sum()
        elif column.startswith((UNREAD, CONTROL, PERSONAL)):
            wanted[f"flag{i}"] = (usable & rows[column]).sum()
    totals = one_row(rows.aggregate(**wanted))
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
        personal=by_role(PERSONAL),
    )


def one_row(table: ir.Table) -> dict[str, int]:
    """Return the only row of a table of counts; what is null counts as 0."""
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
        """Counts over the ids of customers, in one query: each has to go through all events.

        Returns
        -------
        dict of str to int
            ``customers`` and ``largest`` (events), ids told apart without case and outer blanks;
            of ids that are ``alike`` then, of at least `MANY_EVENTS` events (``busy``), in
            ``scientific`` notation, of 16 digits or more (``long``), and of these with ``zeros``
            alone after 15: how many there are, and ``…_events``.
        """
        sizes = customer_sizes(self.events).rename(n="events")
        text = sizes.customer
        is_long = text.length() >= _LONG_ID
        marks = {
            "busy": sizes.n >= MANY_EVENTS,
            "scientific": ibis.ifelse(text.contains("+"), text.re_search(_SCIENTIFIC), False),
            "long": ibis.ifelse(is_long, text.re_search("^[0-9]{16,}$"), False),
            "zeros": ibis.ifelse(is_long, text.re_search("^[0-9]{15}0+$"), False),
        }
        sizes = sizes.mutate(folded=text.strip().lower(), **marks)
        sums = {name: sizes[name].sum() for name in marks}
        sums |= {f"{name}_events": ibis.ifelse(sizes[name], sizes.n, 0).sum() for name in marks}
        folded = sizes.group_by("folded").aggregate(ids=sizes.count(), n=sizes.n.sum())
        told_apart = folded.aggregate(
            alike=ibis.ifelse(folded.ids > 1, folded.ids, 0).sum(),
            alike_events=ibis.ifelse(folded.ids > 1, folded.n, 0).sum(),
            customers=folded.count(),
            largest=folded.n.max(),
        )
        return one_row(told_apart.cross_join(sizes.aggregate(**sums)))
