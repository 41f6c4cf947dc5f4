"""Rows in order: what stands before and after a row in its run, read as the rows lie.

Any engine answers this by windows, each of which sorts the whole table. DuckDB keeps the rows of
a table in the order in which they were put there; where they were sorted once, a window without
an order reads them as they lie, at a tenth of the cost and in no memory to speak of. `Runs` says
the same either way, and a test holds the two equal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.operations as ops
from ibis import _

from journeylib.log.engine.duckdb import CodedBackend, run, scratch_name
from journeylib.log.engine.hashing import customer_group

ROW_NUMBER = "_row"
NUMBERS = ("customer_no", "group", "touchpoint_no")
# More than any time in microseconds; times any key it stays within 38 digits.
APART = 10**18
WIDE = "decimal(38, 0)"
# Tables that were filled in order: their names (never used twice), and what their runs are of.
_SORTED_TABLES: dict[str, frozenset[str]] = {}
# Where the customers of events that are held in order are held.
_CUSTOMERS = "{events}_customers"


def materialise_sorted(
    rows: ibis.Table, runs: Sequence[str], order: Sequence[str] = ()
) -> ibis.Table:
    """Hold `rows` in the engine, each run of equal keys together.

    Parameters
    ----------
    rows : ibis.Table
    runs : sequence of str
        Columns whose equal values come one after the other. The rows are put in order of the
        first of them, then of `order`; without an `order` they lie so already.
    order : sequence of str
    """
    backend = rows.get_backend()
    rows = rows.order_by([runs[0], *order]) if order else rows
    with backend.packing() if isinstance(backend, CodedBackend) else contextlib.nullcontext():
        held = rows.cache()
    _SORTED_TABLES[held.op().name] = frozenset(runs)
    return held


def store_sorted(
    rows: ibis.Table, name: str, runs: Sequence[str], order: Sequence[str]
) -> ibis.Table:
    """Fill a table of DuckDB in order, which stays as long as the connection."""
    _SORTED_TABLES[name] = frozenset(runs)
    return _hold_packed(rows.order_by([runs[0], *order]), name)


def _hold_packed(rows: ibis.Table, name: str) -> ibis.Table:
    backend = rows.get_backend()
    if isinstance(backend, CodedBackend):
        return backend.hold(name, rows, packed=True)
    run(backend, f"CREATE TEMP TABLE {name} AS {backend.compile(rows)}")
    return backend.table(name)


def store_by_customer(events: ibis.Table) -> ibis.Table:
    """Hold canonical events in DuckDB, each customer's in order of time, with `NUMBERS`.

    Their customers are held as well, one row each: see `customer_sizes`.
    """
    runs = ("customer_no", "customer", "journey")
    order = ("t_us", "position", "touchpoint_no")
    name = scratch_name("events")
    customers = _hold_packed(_numbered_customers(events), _CUSTOMERS.format(events=name))
    return store_sorted(_with_numbers(events, customers), name, runs, order)


def reusable(rows: ibis.Table) -> ibis.Table:
    """Make `rows` a table that many queries ask, in DuckDB; elsewhere return `rows`.

    Ibis writes out a whole expression for each query and the engine plans all of it, which costs
    more than a small log's query itself. Of a table or view Ibis writes the name. A small table is
    held; a large one is a view, of which the engine leaves out the columns that nobody asks for.
    """
    backend = rows.get_backend()
    if not isinstance(backend, CodedBackend):
        return rows
    table = backend.reusable(scratch_name("rows"), rows)
    runs = [key for key in ("journey", "customer_no") if is_sorted(rows, key)]
    _SORTED_TABLES[table.op().name] = frozenset(runs)
    return table


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
    return materialise_sorted(rows.select(*columns, *numbers), ["customer_no"], order)


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
    customers = _held_customers(events)
    customers = _numbered_customers(events) if customers is None else customers
    numbers = {name: customers[name].cast("int64") for name in ("customer_no", "group")}
    return customers.select("customer", **numbers)


def customer_sizes(events: ibis.Table) -> ibis.Table:
    """Return one row per customer of a log: ``customer`` and the number of its ``events``."""
    customers = _held_customers(events)
    customers = _counted_customers(events) if customers is None else customers
    return customers.select("customer", "events")


def _counted_customers(events: ibis.Table) -> ibis.Table:
    return events.group_by("customer").aggregate(events=events.count())


def _numbered_customers(events: ibis.Table) -> ibis.Table:
    """Return one row per customer, with ``events``, ``customer_no`` and ``group``."""
    customers = _counted_customers(events)
    return customers.mutate(
        customer_no=ibis.row_number().over(order_by="customer").cast("int32"),
        group=customer_group(customers.customer).cast("int8"),
    )


def _held_customers(events: ibis.Table) -> ibis.Table | None:
    """Return the customers of events that are held in order, if they are."""
    if (held := _held_numbered(events)) is None:
        return None
    node = held.op()
    where = (node.namespace.catalog, node.namespace.database)
    database = where if all(where) else None
    return held.get_backend().table(_CUSTOMERS.format(events=node.name), database=database)


def _held_numbered(events: ibis.Table) -> ibis.Table | None:
    """Return the table with `NUMBERS` in which all of `events` are held, if there is one."""
    node = events.op()
    while isinstance(node, ops.DropColumns):
        node = node.parent
    held = isinstance(node, ops.DatabaseTable) and "customer" in _SORTED_TABLES.get(node.name, ())
    return node.to_expr() if held else None


def is_sorted(rows: ibis.Table, by: str) -> bool:
    """Return whether the rows are read in the order of a sorted table, by runs of `by`.

    So they are as long as columns were added or rows left out, and nothing was joined. A window
    with keys or an order of its own puts the rows in another one.
    """
    node = rows.op()
    while isinstance(node, ops.Project | ops.Filter | ops.DropColumns):
        if _sorts(node):
            return False
        node = node.parent
    return isinstance(node, ops.DatabaseTable) and by in _SORTED_TABLES.get(node.name, ())


def _sorts(node: ops.Relation) -> bool:
    """Whether what is worked out in this very step asks for the rows by key or in order."""
    if isinstance(node, ops.DropColumns):
        return False
    values = node.values.values() if isinstance(node, ops.Project) else node.predicates
    windows = [w for value in values for w in value.find(ops.WindowFunction, filter=ops.Value)]
    return any(window.group_by or window.order_by for window in windows)


@dataclass(frozen=True)
class Runs:
    """Neighbours within runs of rows with the same key.

    Attributes
    ----------
    by : str
        The key.
    order : tuple of str
        Of the rows of a run; no two are equal in it.
    lying : bool
        The rows are read as they lie, so that the engine need not sort them.
    also : tuple of str
        Further keys: rows of the same key and these make a run.
    """

    by: str
    order: tuple[str, ...]
    lying: bool = False
    also: tuple[str, ...] = ()

    @staticmethod
    def of(
        rows: ibis.Table, by: str, *order: str, also: tuple[str, ...] = (), apart: bool = False
    ) -> Runs:
        """Find out how `rows` are best read; `rows` is what the windows are then put on.

        `apart` says that rows of the same `also` may lie apart within a run of `by`.
        """
        return Runs(by, order, not (also and apart) and is_sorted(rows, by), also)

    def _over(self, value: ibis.Value, until_here: bool = False) -> ibis.Value:
        frame = {"preceding": (None, 0)} if until_here else {}
        whose = {"group_by": [self.by, *self.also], "order_by": list(self.order)}
        whose = {} if self.lying else whose
        return value.over(ibis.window(**whose, **frame))

    def before(self, value: ibis.Value) -> ibis.Value:
        """Return `value` of the row before; null at the first of a run."""
        return self._beside(value.lag(), [_[key].lag() for key in (self.by, *self.also)])

    def after(self, value: ibis.Value) -> ibis.Value:
        """Return `value` of the row after; null at the last of a run."""
        return self._beside(value.lead(), [_[key].lead() for key in (self.by, *self.also)])

    def _beside(self, value: ibis.Value, keys: list[ibis.Value]) -> ibis.Value:
        if not self.lying:
            return self._over(value)
        own = (_[key] for key in (self.by, *self.also))
        same = ibis.and_(*(self._over(key) == mine for key, mine in zip(keys, own, strict=True)))
        return ibis.cases((same, self._over(value)))

    def row(self) -> ibis.Value:
        """Return the number of a row, to be kept as `ROW_NUMBER` for `since`; opaque."""
        return self._over(ibis.row_number())

    def since(self, marked: ibis.Value) -> ibis.Value:
        """Return how many rows ago `marked`, which holds at the first of each run, last held."""
        last = marked.ifelse(_[ROW_NUMBER], ibis.null("int64")).max()
        return _[ROW_NUMBER] - self._over(last, until_here=True)

    def at_last(self, marked: ibis.Value, value: ibis.Value) -> ibis.Value:
        """Return `value` (int64, not null) where `marked`, true at each first, last held."""
        row = marked.ifelse(_[ROW_NUMBER], ibis.null("int64"))
        latest = self._over(row.max(), until_here=True).cast(WIDE) * APART
        both = self._over((row.cast(WIDE) * APART + value).max(), until_here=True)
        return (both - latest).cast("int64")

    def most_so_far(self, value: ibis.Value) -> ibis.Value:
        """Return the largest `value` (int64, not null) of the run up to and with this row."""
        if not self.lying:
            return self._over(value.max(), until_here=True)
        # Runs lie in order of their key: with it before the value, no earlier run counts.
        apart = _[self.by].cast(WIDE) * APART
        return (self._over((apart + value).max(), until_here=True) - apart).cast("int64")
