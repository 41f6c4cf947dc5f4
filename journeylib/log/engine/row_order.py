"""Rows in order: DuckDB keeps the rows of a table in the order in which they were put there.

What is put in order once, customer after customer, is read as it lies: nothing sorts it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import ibis
import ibis.expr.operations as ops
from ibis import _
from ibis.backends.duckdb import Backend

from journeylib.log.engine.duckdb import PACKED, CodedBackend, identifier, run, scratch_name
from journeylib.log.engine.hashing import customer_group

NUMBERS = ("customer_no", "group", "touchpoint_no")
# A customer's number in the source, some of whose customers may have no event that can be used.
_READ_NO = "_journeylib_read_no"
# Tables that were filled in order, by their names, which are never used twice.
_IN_ORDER: set[str] = set()
# Where the customers and touchpoints of events that are held in order are held.
_CUSTOMERS = "{events}_customers"
_TOUCHPOINTS = "{events}_touchpoints"


def store_by_customer(
    rows: ibis.Table, columns: Sequence[str], usable: str, ids: str
) -> ibis.Table:
    """Hold canonical events in DuckDB, each customer's in order of time, with `NUMBERS`.

    Their customers and touchpoints are held as well, one row each: see `customer_sizes` and
    `touchpoint_sizes`.

    Parameters
    ----------
    rows : ibis.Table
        Held in DuckDB, customers by their number in `ids`.
    columns : sequence of str
        Those of `rows` that are kept.
    usable : str
        SQL condition of the rows that are kept.
    ids : str
        Table of the ids of customers, as `hold_customers` returns it; it is dropped.
    """
    backend, name = rows.get_backend(), scratch_name("events")
    usable = f"FROM {rows.get_name()} WHERE {usable}"
    sizes = f"SELECT customer_no AS {_READ_NO}, count(*) AS events {usable} GROUP BY ALL"
    customers = _fill(
        backend,
        _CUSTOMERS.format(events=name),
        f"SELECT customer, events, (row_number() OVER (ORDER BY {_READ_NO}) - 1)::INT "
        f'AS customer_no, "group", {_READ_NO} FROM ({sizes}) '
        f"JOIN {ids} AS ids ON {_READ_NO} = ids.customer_no AND first",
    )
    run(backend, f"DROP TABLE {ids}")
    touchpoints = _fill(
        backend,
        _TOUCHPOINTS.format(events=name),
        "SELECT touchpoint, count(*) AS events, (row_number() OVER (ORDER BY touchpoint) - 1)::INT "
        f"AS touchpoint_no {usable} GROUP BY touchpoint",
    )
    listed = ", ".join(map(identifier, columns))
    _fill(
        backend,
        name,
        f'SELECT customer, {listed}, customer_no, "group", touchpoint_no '
        f"FROM (SELECT customer_no AS {_READ_NO}, {listed} {usable}) "
        f"JOIN (SELECT * EXCLUDE (events) FROM {customers}) USING ({_READ_NO}) "
        f"JOIN (SELECT * EXCLUDE (events) FROM {touchpoints}) USING (touchpoint) "
        "ORDER BY customer_no, t_us, position, touchpoint_no",
    )
    _IN_ORDER.add(name)
    packed = isinstance(backend, CodedBackend)
    return backend.table(name, database=(PACKED, "main") if packed else None)


def _fill(backend: Backend, name: str, query: str) -> str:
    """Fill a table that stays as long as the connection; return its name in SQL."""
    if isinstance(backend, CodedBackend):
        return backend.pack(name, query)
    run(backend, f"CREATE TEMP TABLE {name} AS {query}")
    return name


def in_order(events: ibis.Table) -> ibis.Table:
    """Hold events customer after customer, each customer's in order; as they are if they lie so.

    Returns
    -------
    ibis.Table
        Without ``customer``, and with what stands for it and for touchpoints in few bytes, each
        from 0 without gaps: ``customer_no`` (int32, in order of ``customer``), ``group`` (int8) and
        ``touchpoint_no`` (int32, in order of ``touchpoint``). Where there are cases, ``case_no``
        (int32): the rank of the case among those of its customer; −1 where it has none.
    """
    columns = [name for name in events.columns if name != "customer"]
    if (held := _held_numbered(events)) is not None:
        return held.select(*columns, *NUMBERS)
    rows, numbers = _with_numbers(events, _numbered_customers(events)), list(NUMBERS)
    if "case" in events.columns:
        rows, numbers = _with_cases(rows), [*numbers, "case_no"]
    clock = ["t_us"] if "t_us" in columns else []
    order = [*clock, "position", "touchpoint_no"]
    backend = rows.get_backend()
    with backend.packing() if isinstance(backend, CodedBackend) else contextlib.nullcontext():
        return rows.select(*columns, *numbers).order_by(["customer_no", *order]).cache()


def lies_in_order(events: ibis.Table) -> bool:
    """Return whether events lie customer after customer, each customer's in order."""
    return _held_numbered(events) is not None


def _with_cases(rows: ibis.Table) -> ibis.Table:
    cases = rows.filter(_["case"].notnull()).select("customer_no", "case").distinct()
    rank = ibis.row_number().over(group_by="customer_no", order_by="case")
    ranked = cases.mutate(case_no=rank.cast("int32"))
    joined = rows.left_join(ranked, ["customer_no", "case"])
    return joined.mutate(case_no=ibis.coalesce(_.case_no, ibis.literal(-1, "int32")))


def _with_numbers(events: ibis.Table, customers: ibis.Table) -> ibis.Table:
    names = events.select("touchpoint").distinct()
    number = ibis.row_number().over(order_by="touchpoint").cast("int32")
    joined = events.inner_join(customers.drop("events"), "customer")
    return joined.inner_join(names.mutate(touchpoint_no=number), "touchpoint")


def customer_numbers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer``, ``customer_no``, ``group``.

    By it what else is known of customers (outcomes, say) meets the steps.
    """
    customers = _held_beside(events, _CUSTOMERS)
    customers = _numbered_customers(events) if customers is None else customers
    numbers = {name: customers[name].cast("int64") for name in ("customer_no", "group")}
    return customers.select("customer", **numbers)


def customer_sizes(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer`` and the number of its ``events``."""
    return _sizes(events, "customer", _CUSTOMERS)


def touchpoint_sizes(events: ibis.Table) -> ibis.Table:
    """Return one row per touchpoint of a log: ``touchpoint`` and the number of its ``events``."""
    return _sizes(events, "touchpoint", _TOUCHPOINTS)


def _sizes(events: ibis.Table, column: str, beside: str) -> ibis.Table:
    held = _held_beside(events, beside)
    if held is not None:
        return held.select(column, "events")
    return events.group_by(column).aggregate(events=events.count())


def _numbered_customers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer, with ``events``, ``customer_no`` and ``group``."""
    customers = events.group_by("customer").aggregate(events=events.count())
    return customers.mutate(
        customer_no=ibis.row_number().over(order_by="customer").cast("int32"),
        group=customer_group(customers.customer).cast("int8"),
    )


def _held_beside(events: ibis.Table, what: str) -> ibis.Table | None:
    """Return the customers or touchpoints of events that are held in order, if they are."""
    if (held := _held_numbered(events)) is None:
        return None
    node = held.op()
    where = (node.namespace.catalog, node.namespace.database)
    database = where if all(where) else None
    return held.get_backend().table(what.format(events=node.name), database=database)


def _held_numbered(events: ibis.Table) -> ibis.Table | None:
    """Return the table with `NUMBERS` in which all of `events` are held, if there is one."""
    node = events.op()
    while isinstance(node, ops.DropColumns):
        node = node.parent
    held = isinstance(node, ops.DatabaseTable) and node.name in _IN_ORDER
    return node.to_expr() if held else None
