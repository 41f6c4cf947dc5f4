"""Customers as numbers: each id of a source is read once, its events carry a number."""

from __future__ import annotations

from journeylib.log.canonical.canonical_events import (
    KEY,
    NO_CUSTOMER,
    REASON,
    customer_keys,
    customer_of,
)
from journeylib.log.engine.duckdb import quoted, run, scratch_name
from journeylib.log.engine.hashing import customer_group
from journeylib.log.schema import Schema
from journeylib.log.sources.raw_table import Raw


def hold_customers(raw: Raw, schema: Schema) -> str:
    """Number the customers of a source in the order of their names.

    Returns
    -------
    str
        A table in the engine of the source. Row: one id as the source writes it (`KEY` columns),
        with ``customer``, ``group`` (int8), ``customer_no`` (int32, from 0) and ``first``, true for
        one id of each customer. Of an id that means no customer these are null or false.
    """
    backend, name, keys = raw.table.get_backend(), scratch_name("ids"), customer_keys(schema)
    ids = raw.table.select(*keys).distinct()
    named = ids.select(
        **{KEY + str(i): ids[key] for i, key in enumerate(keys)}, customer=customer_of(ids, schema)
    )
    grouped = named.mutate(group=customer_group(named.customer).cast("int8"))
    run(
        backend,
        f"CREATE TEMP TABLE {name} AS SELECT *, "
        "if(customer IS NULL, NULL, dense_rank() OVER names - 1)::INT AS customer_no, "
        "customer IS DISTINCT FROM lag(customer) OVER names AND customer IS NOT NULL AS first "
        f"FROM ({backend.compile(grouped)}) WINDOW names AS (ORDER BY customer)",
    )
    return name


def with_numbers(rows: str, customers: str, schema: Schema) -> str:
    """Return the SQL that puts a customer's number in place of the ids in the view `rows`."""
    keys = [KEY + str(i) for i in range(len(customer_keys(schema)))]
    same = " AND ".join(f"r.{key} IS NOT DISTINCT FROM c.{key}" for key in keys)
    reason = f"CASE WHEN c.customer_no IS NULL THEN {quoted(NO_CUSTOMER)} ELSE {REASON} END"
    return (
        f'SELECT c.customer_no, c."group", r.* EXCLUDE ({", ".join(keys)}) '
        f"REPLACE ({reason} AS {REASON}) "
        f"FROM {rows} AS r LEFT JOIN {customers} AS c ON {same}"
    )
