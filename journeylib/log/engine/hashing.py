"""Hashes that every engine computes alike: the group of a customer, and the hash of a log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from journeylib.core import GROUPS
from journeylib.log.eventlog import EventLog

_HEX = "0123456789abcdef"


def customer_group(customer: ir.StringValue) -> ir.IntegerValue:
    """Deal a customer into one of 64 groups, the same on every engine.

    Parameters
    ----------
    customer : ibis string expression

    Returns
    -------
    ibis integer expression
        0 to 63, from the first two hexadecimal digits of the MD5 of the identifier. The
        engines' own ``hash()`` differ, so results would depend on the engine.
    """
    digest = customer.hexdigest("md5")
    digits = ibis.literal(_HEX)
    high, low = digits.find(digest.substr(0, 1)), digits.find(digest.substr(1, 1))
    return ((high * 16 + low) % GROUPS).cast("int64")


def fingerprint(events: ir.Table, *, leave_out: Iterable[str] = ()) -> str:
    """Hash a table so that the order of its rows does not matter.

    Parameters
    ----------
    events : ibis.Table
    leave_out : iterable of str
        Columns that do not count, such as row numbers.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    Each row becomes the MD5 of its cells: numbers as they are, texts with their length before
    them, so that no two rows look the same. The first eight bytes are taken as a number, lowest
    byte first, summed over the rows, and SHA-256 taken of the sum: only integer sums, so every
    engine and every number of threads gives the same.
    """
    columns = sorted(set(events.columns) - set(leave_out))
    text = ibis.literal("|").join([_cell(events[name]) for name in columns])
    rows = events.select(text=text)
    summed = md5_number_upper(rows.text).sum().cast("string").fill_null("0")
    totals = rows.aggregate(rows=rows.count(), total=summed).to_pyarrow().to_pylist()[0]
    content = "|".join([*columns, str(totals["rows"]), str(totals["total"])])
    return hashlib.sha256(content.encode()).hexdigest()


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5_number_upper(text: str) -> dt.uint64:
    """Return the first eight bytes of the MD5, lowest first; a function of DuckDB."""


def _cell(value: ir.Value) -> ir.StringValue:
    text = value.cast("string")
    if value.type().is_numeric():
        return text.fill_null("")
    return (text.length().cast("string") + ":" + text).fill_null("-")


def log_hash(log: EventLog) -> str:
    """Hash the canonical events and outcomes of `log`, whatever the order of rows.

    A declared position counts; row numbers, which stand in for one, do not.
    """
    leave_out = () if log.schema.position else ("position",)
    parts = [fingerprint(log.events, leave_out=leave_out)]
    if log.outcomes is not None:
        parts.append(fingerprint(log.outcomes))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
