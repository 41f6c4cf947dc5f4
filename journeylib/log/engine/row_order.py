"""The order of events: customer after customer, each customer's by time.

Rows stay as the engine holds them; DuckDB gives them in the order in which they were put there.
Their order is worked out once, from arrays: nothing else sorts them again.
"""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.operations as ops
import numpy as np
import pyarrow as pa
from ibis import _

from journeylib.log.engine.columns import Flags, Numbers, Whole, picked, read_columns
from journeylib.log.engine.compiled import compiled
from journeylib.log.engine.duckdb import CodedBackend, identifier, run, scratch_name
from journeylib.log.engine.hashing import customer_group

# Where the rows, customers and touchpoints of events whose order is kept are held.
_ROWS, _CUSTOMERS, _TOUCHPOINTS = "{events}_rows", "{events}_customers", "{events}_touchpoints"
# Rows that are put in order by moving one after the other; more are merged.
_FEW = 16


@dataclass(frozen=True, eq=False)
class EventOrder:
    """The order of a log's events: customer after customer, each by time, position, touchpoint.

    Attributes
    ----------
    rows : ndarray of int32
        The rows in which the engine holds them; int64 where there are too many for it.
    numbers : dict of str to ndarray
        By name, in that order: ``customer_no`` (int32, in order of ``customer``), ``group``
        (int8), ``touchpoint_no`` (int32, in order of ``touchpoint``); numbers are from 0 without
        gaps. With a clock ``t_us`` (int64, microseconds since 1970 UTC). Where there are cases,
        ``case_no`` (int32): the rank of the case among those of its customer; −1 where it has none.
    touchpoints : tuple of str
        In the order of their numbers.
    new_position : ndarray of bool or None
        Of each event whether the one before has another position; None where not all events of the
        log are there.
    """

    rows: Numbers
    numbers: dict[str, Numbers]
    touchpoints: tuple[str, ...]
    new_position: Flags | None = None

    def only(self, some: Numbers) -> EventOrder:
        """Return these events in this order."""
        numbers = {name: picked(values, some) for name, values in self.numbers.items()}
        return EventOrder(self.rows[some], numbers, self.touchpoints)


# Of events that are held with their order, by their names, which are never used twice.
_ORDERS: dict[str, EventOrder] = {}


def keep_order(rows: ibis.Table, ids: str) -> ibis.Table:
    """Return canonical events whose order is kept, with their customers.

    Their customers and touchpoints are held as well, one row each: see `customer_sizes` and
    `touchpoint_sizes`.

    Parameters
    ----------
    rows : ibis.Table
        Held in DuckDB, with ``group`` and with ``customer_no``, the customer's number in `ids`.
    ids : str
        Table of the ids of customers, as `hold_customers` returns it; it is dropped.
    """
    backend, name = rows.get_backend(), scratch_name("events")
    held, customers = _ROWS.format(events=name), _CUSTOMERS.format(events=name)
    run(backend, f"ALTER TABLE {rows.get_name()} RENAME TO {held}")
    order, sizes = _ordered(backend.table(held))
    backend.con.register(f"{name}_sizes", sizes)
    run(
        backend,
        f'CREATE TEMP TABLE {customers} AS SELECT customer, "group", sizes.* FROM {ids} AS ids '
        f"JOIN {name}_sizes AS sizes ON ids.customer_no = read_no AND first",
    )
    backend.con.unregister(f"{name}_sizes")
    run(backend, f"DROP TABLE {ids}")
    run(
        backend,
        f"CREATE TEMP TABLE {_TOUCHPOINTS.format(events=name)} AS "
        f"SELECT touchpoint, count(*) AS events FROM {held} GROUP BY touchpoint",
    )
    own = [column for column in rows.columns if column not in ("customer_no", "group")]
    listed = ", ".join(f"r.{identifier(column)}" for column in own)
    run(
        backend,
        f"CREATE TEMP VIEW {name} AS SELECT c.customer, {listed} FROM {held} AS r "
        f"JOIN {customers} AS c ON r.customer_no = c.read_no",
    )
    _ORDERS[name] = order
    weakref.finalize(backend, _ORDERS.pop, name, None)
    return backend.table(name)


def in_order(events: ibis.Table) -> tuple[ibis.Table, EventOrder]:
    """Return the rows of events as the engine holds them, and their order.

    Rows are without ``customer``, and have a ``customer_no`` that tells customers apart.
    """
    columns = [name for name in events.columns if name != "customer"]
    backend = events.get_backend()
    if (name := _name_in_order(events)) is not None:
        held = backend.table(_ROWS.format(events=name))
        others = set(held.columns) - {*columns, "customer_no"}
        return held.drop(*others), _ORDERS[name]
    customers = _numbered_customers(events).drop("events")
    rows, numbers = events.inner_join(customers, "customer"), ["customer_no", "group"]
    if "case" in events.columns:
        rows, numbers = _with_cases(rows), [*numbers, "case_no"]
    with backend.packing() if isinstance(backend, CodedBackend) else contextlib.nullcontext():
        rows = rows.select(*columns, *numbers).cache()
    return rows, _ordered(rows)[0]


def rows_at(held: ibis.Table, rows: Numbers) -> ibis.Table:
    """Return rows of a table as the engine holds it, with their number `_row`, in any order."""
    wanted = ibis.memtable(pa.table({"_row": rows}))
    numbered = held.mutate(_row=ibis.row_number())
    return numbered.filter(numbered["_row"].isin(wanted["_row"]))


def lies_in_order(events: ibis.Table) -> bool:
    """Return whether the order of events is kept."""
    return _name_in_order(events) is not None


def _ordered(rows: ibis.Table) -> tuple[EventOrder, pa.Table]:
    """Return the order of rows, and of each customer both numbers and how many `events`."""
    wanted = ["customer_no", "group", "case_no", "t_us", "position", "touchpoint"]
    numbers = read_columns(rows.select([name for name in wanted if name in rows.columns]))
    customer, position = numbers.pop("customer_no"), numbers.pop("position")
    # Codes of texts are in the order of the texts.
    position = getattr(position, "held", position)
    sizes = _counts(customer, int(customer.max(initial=-1)) + 1)
    keys = (numbers.get("t_us", position), position, numbers["touchpoint"].held)
    order = rows_by_customer(customer, sizes, keys)
    new_position = _differ(order, position)
    del customer, position, keys
    for name in list(numbers):
        numbers[name] = picked(numbers[name], order)
    touchpoint = numbers.pop("touchpoint")
    numbers["touchpoint_no"] = touchpoint.number
    own = np.flatnonzero(sizes)
    number = np.arange(len(own), dtype=np.int32)
    numbers["customer_no"] = np.repeat(number, sizes[own])
    table = pa.table({"read_no": own, "customer_no": number, "events": sizes[own]})
    return EventOrder(order, numbers, touchpoint.words, new_position), table


@compiled
def _counts(customer: Numbers, customers: int) -> Whole:
    """Count the events of each customer."""
    sizes = np.zeros(customers, dtype=np.int64)
    for row in range(len(customer)):
        sizes[customer[row]] += 1
    return sizes


@compiled
def _differ(order: Numbers, values: Numbers) -> Flags:
    """Mark in an order of rows those whose value is not that of the row before."""
    differ = np.ones(len(order), dtype=np.bool_)
    for position in range(1, len(order)):
        differ[position] = values[order[position]] != values[order[position - 1]]
    return differ


def rows_by_customer(customer: Numbers, sizes: Whole, keys: tuple[Any, Any, Any]) -> Numbers:
    """Return the rows customer after customer, each customer's by three keys, then as they lie.

    Parameters
    ----------
    customer : ndarray of int32
        Of each row.
    sizes : ndarray of int64
        Rows of each customer.
    keys : tuple of three ndarrays of int
        Of each row, the first one first.

    Returns
    -------
    ndarray of int32; of int64 where there are too many rows for it
    """
    few = len(customer) <= np.iinfo(np.int32).max
    order = np.empty(len(customer), dtype=np.int32 if few else np.int64)
    _fill(order, customer, sizes, keys)
    return order


@compiled
def _fill(order: Numbers, customer: Numbers, sizes: Whole, keys: tuple[Any, ...]) -> None:
    """Fill `order` with all rows: customer after customer, each customer's by its keys."""
    ends = np.cumsum(sizes)
    places = ends - sizes
    for row in range(len(customer)):
        order[places[customer[row]]] = row
        places[customer[row]] += 1
    spare = np.empty(sizes.max() if len(sizes) else 0, dtype=order.dtype)
    for number in range(len(sizes)):
        _sort(order[ends[number] - sizes[number] : ends[number]], spare, keys)


@compiled
def _sort(rows: Numbers, spare: Numbers, keys: tuple[Any, ...]) -> None:
    """Put rows in order of their keys where they lie; those that are alike stay as they lie."""
    for first in range(0, len(rows), _FEW):
        for later in range(first + 1, min(first + _FEW, len(rows))):
            row, position = rows[later], later
            while position > first and _follows(rows[position - 1], row, keys):
                rows[position] = rows[position - 1]
                position -= 1
            rows[position] = row
    width = _FEW
    while width < len(rows):
        for first in range(0, len(rows) - width, 2 * width):
            _merge(rows[first : first + 2 * width], width, spare, keys)
        width *= 2


@compiled
def _merge(rows: Numbers, width: int, spare: Numbers, keys: tuple[Any, ...]) -> None:
    """Merge the first rows, `width` of them, with the rest; both are in order."""
    if not _follows(rows[width - 1], rows[width], keys):
        return
    spare[:width] = rows[:width]
    one, other = 0, width
    while one < width:
        if other < len(rows) and _follows(spare[one], rows[other], keys):
            rows[one + other - width] = rows[other]
            other += 1
        else:
            rows[one + other - width] = spare[one]
            one += 1


@compiled
def _follows(one: int, other: int, keys: tuple[Any, ...]) -> bool:
    """Return whether row `one` comes after row `other`: by the first key that differs."""
    first, second, third = keys
    if first[one] != first[other]:
        return bool(first[one] > first[other])
    if second[one] != second[other]:
        return bool(second[one] > second[other])
    return bool(third[one] > third[other])


def _with_cases(rows: ibis.Table) -> ibis.Table:
    cases = rows.filter(_["case"].notnull()).select("customer_no", "case").distinct()
    rank = ibis.row_number().over(group_by="customer_no", order_by="case")
    ranked = cases.mutate(case_no=rank.cast("int32"))
    joined = rows.left_join(ranked, ["customer_no", "case"])
    return joined.mutate(case_no=ibis.coalesce(_.case_no, ibis.literal(-1, "int32")))


def customer_numbers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer``, ``customer_no``, ``group``.

    By it what else is known of customers (outcomes, say) meets the steps.
    """
    customers = _order_table(events, _CUSTOMERS)
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
    held = _order_table(events, beside)
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


def _order_table(events: ibis.Table, what: str) -> ibis.Table | None:
    """Return the customers or touchpoints of events whose order is kept, if it is."""
    name = _name_in_order(events)
    return None if name is None else events.get_backend().table(what.format(events=name))


def _name_in_order(events: ibis.Table) -> str | None:
    """Return the name of the events whose order is kept that all of `events` are, if any."""
    node = events.op()
    while isinstance(node, ops.DropColumns):
        node = node.parent
    return node.name if isinstance(node, ops.DatabaseTable) and node.name in _ORDERS else None
