"""Privacy: identifiers replaced by keyed digests, and what looks personal in names masked."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from journeylib.core import LogError
from journeylib.log.engine.duckdb import run, scratch_name
from journeylib.log.eventlog import EventLog

_IDENTIFIERS = ("customer", "case", "resource", "session")
_DIGITS = 32
_SHORTEST_KEY = 16

MASK = "•••"
# A mail address; a telephone number, from + or 0 on; seven digits or more in a row; nine or more
# that blanks, dots, slashes or hyphens part. A day, as 01.07.2026, is none of them.
PERSONAL = (
    r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+"
    r"|\+\d(?:[ ./()-]{0,3}\d){6,}"
    r"|\b0\d{2,}(?:[ ./()-]{0,3}\d){4,}"
    r"|\d{7,}"
    r"|\d(?:[ ./-]?\d){8,}"
)


def looks_personal(name: ir.StringValue, shown: tuple[str, ...]) -> ir.BooleanValue:
    """Say of a name whether it holds a number or address of a person and is not in `shown`."""
    return (name.re_search(PERSONAL) & ~name.isin(shown)).fill_null(False)


def masked(name: ir.StringValue, shown: tuple[str, ...]) -> ir.StringValue:
    """Replace what looks personal in a name by `MASK`; names in `shown` stay as they are.

    Names of persons are words like others and stay: no pattern knows them.
    """
    return ibis.ifelse(name.isin(shown), name, name.re_replace(PERSONAL, MASK))


def pseudonymise(log: EventLog, key: bytes) -> EventLog:
    """Replace what identifies customers, cases, sessions and resources by keyed digests.

    The same identifier gives the same digest under the same key, in events and outcomes, so
    journeys stay whole; without the key nobody can try identifiers out.

    Parameters
    ----------
    log : EventLog
        In DuckDB.
    key : bytes
        Secret, at least 16 bytes; keep it apart from the data.

    Returns
    -------
    EventLog
        Identifiers are 32 hexadecimal digits. Texts and attributes stay as they are: what
        people wrote may still name them.

    Raises
    ------
    LogError
        The key is too short, or the log lies in another engine than DuckDB.

    Notes
    -----
    HMAC-SHA256 (RFC 2104), cut to 128 bits. A role's name is part of what is digested, so a
    case and a customer of equal number do not look alike; where the case stands in for the
    customer, both are digested as the customer.
    """
    if len(key) < _SHORTEST_KEY:
        raise LogError(
            f"the key has {len(key)} bytes; use at least {_SHORTEST_KEY}, for example "
            "secrets.token_bytes(32)."
        )
    backend = log.events.get_backend()
    if not isinstance(backend, Backend):
        raise LogError("identifiers are replaced in DuckDB only. Read the log's files instead.")
    events = log.events
    for column in (*_IDENTIFIERS, *log.schema.identifier_columns):
        if column in events.columns:
            role = "customer" if column == "case" and log.schema.customer is None else column
            events = _replaced(backend, events, column, role, key)
    outcomes = log.outcomes
    if outcomes is not None:
        outcomes = _held(backend, _replaced(backend, outcomes, "customer", "customer", key))
    return replace(log, events=_held(backend, events), outcomes=outcomes)


def _replaced(backend: Backend, table: ir.Table, column: str, role: str, key: bytes) -> ir.Table:
    """Join the digests of the column's distinct values in place of the values."""
    values = table.select(column).distinct().to_pyarrow()[column].drop_null().to_pylist()
    digests = pa.table(
        {
            "_plain": pa.array(values, type=pa.string()),
            "_digest": pa.array([_digest(key, role, value) for value in values], type=pa.string()),
        }
    )
    pairs = backend.create_table(scratch_name("digests"), digests, temp=True)
    joined = table.left_join(pairs, table[column] == pairs["_plain"])
    others = [c for c in table.columns if c != column]
    swapped = joined.select(*others, joined["_digest"].name(column))
    return _held(backend, swapped.select(*table.columns), drop=pairs.get_name())


def _held(backend: Backend, table: ir.Table, drop: str | None = None) -> ir.Table:
    held = backend.create_table(scratch_name("private"), table, temp=True)
    if drop is not None:
        # The pairs of identifier and digest must not outlive this call.
        run(backend, f"DROP TABLE {drop}")
    return held


def _digest(key: bytes, role: str, value: str) -> str:
    message = f"{role}\0{value}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:_DIGITS]
