"""Spark as an engine: the same expressions and the same answers as on DuckDB.

Ibis writes Spark's SQL. What it does not yet write there, or writes so that the answer differs,
is put right here, once, so that no expression of this library asks on which engine it runs.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, ClassVar

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.common.exceptions import UnsupportedOperationError
from ibis.formats.pandas import PandasData

from journeylib.core import LogError

LOCAL = "local[*]"
_NEEDED = "Spark is an optional extra: pip install 'journeylib[spark]' (it needs Java 17 or newer)."
# Of a session that is opened here. Without a page of its own it opens no port.
_OWN = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
# Of one on this machine, unless the user says otherwise: of small tables most of Spark's 200
# partitions are empty, and each costs as much as a full one.
_LOCAL = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "2"}
_QUICK_START = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
# Of any session: an overflow is an error, as on DuckDB, and never a wrong number.
_EVERY = {"spark.sql.ansi.enabled": "true"}


class _Compiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis's own, with what it leaves out."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar = {ops.BitOr: "bit_or"}

    def _in_order(self, arg: Any, where: Any, order_by: Any) -> Any:
        """Collect the values of a group that are there, in order: Spark's own order is none."""
        there = arg.is_(sge.Not(this=NULL))
        there = there if where is None else sge.And(this=sge.paren(where), expression=there)
        if any(by.args.get("desc") for by in order_by):
            # Nothing here collects so; sorting pairs only rises.
            raise UnsupportedOperationError("Spark cannot collect values in falling order")
        keys = [self.f.named_struct(*_named(by.this for by in order_by), "value", arg)]
        pairs = self.f.array_sort(self.f.collect_list(self.if_(there, keys[0], NULL)))
        pair = sge.to_identifier("pair")
        return self.f.transform(
            pairs,
            sge.Lambda(this=sge.Dot.build([pair, sge.to_identifier("value")]), expressions=[pair]),
        )

    def visit_ArrayCollect(  # noqa: N802 - Ibis finds its methods by these names
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: Any, distinct: Any
    ) -> Any:
        if order_by and not include_null and not distinct:
            return self._in_order(arg, where, order_by)
        return super().visit_ArrayCollect(
            op,
            arg=arg,
            where=where,
            order_by=order_by,
            include_null=include_null,
            distinct=distinct,
        )

    def visit_GroupConcat(  # noqa: N802
        self, op: Any, *, arg: Any, sep: Any, where: Any, order_by: Any
    ) -> Any:
        if not order_by:
            return super().visit_GroupConcat(op, arg=arg, sep=sep, where=where, order_by=order_by)
        result = self._in_order(arg, where, order_by)
        return self.if_(self.f.size(result).eq(0), NULL, self.f.array_join(result, sep))

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        # Ibis sums the condition, which is null over no rows.
        if where is None:
            return super().visit_CountStar(op, arg=arg, where=where)
        return self.f.count_if(where)

    def visit_TimestampDelta(  # noqa: N802
        self, op: Any, *, left: Any, right: Any, **_part: Any
    ) -> Any:
        return self.f.anon.timestampdiff(sge.Var(this=op.part.value.upper()), right, left)

    def visit_TimestampFromYMDHMS(self, _op: Any, **parts: Any) -> Any:  # noqa: N802
        names = ("year", "month", "day", "hours", "minutes", "seconds")
        return self.f.anon.make_timestamp_ntz(*(parts[name] for name in names))

    def visit_WindowFunction(self, op: Any, **parts: Any) -> Any:  # noqa: N802
        result = super().visit_WindowFunction(op, **parts)
        # Spark numbers rows in 32 bits where Ibis promises 64.
        return self.cast(result, op.dtype) if isinstance(op.func, ops.RankBase) else result

    def visit_StringFind(self, op: Any, **parts: Any) -> Any:  # noqa: N802
        return self.cast(super().visit_StringFind(op, **parts), op.dtype)


def _named(values: Any) -> list[Any]:
    return [part for i, value in enumerate(values) for part in (sge.convert(f"key{i}"), value)]


def spark_engine(session: Any = None, *, master: str = LOCAL) -> Any:
    """Open Spark as an engine.

    Parameters
    ----------
    session : pyspark.sql.SparkSession, optional
        One that is open; its time zone is set to UTC. A new one unless given.
    master : str
        Where a new session runs: ``local[2]``, ``spark://host:7077``, ``yarn`` ….

    Returns
    -------
    ibis backend
        Takes the place of DuckDB in `read_log`.

    Raises
    ------
    LogError
        Spark or Java is not installed, or the master does not answer.
    """
    with warnings.catch_warnings():
        # It warns of pandas 3 on import; nothing here goes through its pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        return _connected(session if session is not None else _open(master))


def _connected(session: Any) -> Any:
    backend = _backend()()
    backend.do_connect(session, **_EVERY)
    return backend


def adopt(table: ir.Table) -> ir.Table:
    """Take a table of Ibis's own Spark over into ours; any other is returned as it is."""
    backend = table.get_backend()
    if not is_plain(backend):
        return table
    return spark_engine(backend._session).hold_frame(backend._session.sql(backend.compile(table)))


def is_plain(backend: Any) -> bool:
    """Say whether this is Ibis's own Spark."""
    return getattr(backend, "name", "") == "pyspark" and not hasattr(backend, "hold_frame")


def is_session(value: Any) -> bool:
    """Say whether `value` is a Spark session, without importing Spark."""
    return type(value).__name__ == "SparkSession" and type(value).__module__.startswith("pyspark")


def _open(master: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise LogError(_NEEDED) from None
    here = master.startswith("local")
    builder = SparkSession.builder.master(master).appName("journeylib")
    for key, value in (_OWN | (_QUICK_START if here else {})).items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
        settings = session.sparkContext.getConf()
        for key, value in _LOCAL.items() if here else ():
            if not settings.contains(key):
                session.conf.set(key, value)
        return session
    except Exception as error:
        raise LogError(
            f"Spark does not start at '{master}' ({type(error).__name__}). Check that Java 17 or "
            "newer is installed (JAVA_HOME) and that the address is right."
        ) from None


def _is_local(session: Any) -> bool:
    context = getattr(session, "sparkContext", None)  # a session of Spark Connect has none
    return context is not None and str(context.master).startswith("local")


@functools.cache
def _backend() -> Any:
    """Return the class of the engine; it can be made only where pyspark is installed."""
    try:
        from ibis.backends.pyspark import Backend
    except ImportError:
        raise LogError(_NEEDED) from None
    ibis.pyspark  # noqa: B018 - looked up once, Ibis knows the options that its compiler asks for

    class Spark(Backend):  # type: ignore[misc]
        """Ibis's Spark, which takes and gives Arrow, and holds tables for the session alone."""

        compiler = _Compiler()

        def to_pyarrow(self, expr: ir.Expr, /, **kwargs: Any) -> Any:
            # Ibis goes through pandas, where integers with gaps become floats.
            table = expr.as_table()
            self._run_pre_execute_hooks(table)
            result = self._session.sql(self.compile(table, **kwargs)).toArrow()
            return expr.__pyarrow_result__(result.cast(table.schema().to_pyarrow()))

        def execute(self, expr: ir.Expr, /, **kwargs: Any) -> Any:
            table = expr.as_table()
            frame = self.to_pyarrow(table, **kwargs).to_pandas()
            return expr.__pandas_result__(PandasData.convert_table(frame, table.schema()))

        def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
            self._run_pre_execute_hooks(expr)
            frame = self._session.sql(self.compile(expr))
            # Here it is cut off from how it was made; a cluster makes again what a machine lost.
            frame = frame.localCheckpoint() if _is_local(self._session) else frame.cache()
            frame.createOrReplaceTempView(name)
            self._cached_dataframes[name] = frame
            return self.table(name)

        def _drop_cached_table(self, name: str) -> None:
            self._session.catalog.dropTempView(name)
            self._cached_dataframes.pop(name).unpersist()

        def hold_arrow(self, name: str, table: pa.Table) -> ir.Table:
            """Hand a table to the session under a name."""
            self._session.createDataFrame(_of_plain_types(table)).createOrReplaceTempView(name)
            return self.table(name)

        def hold_frame(self, frame: Any) -> ir.Table:
            """Show a Spark data frame to the session under a name of its own."""
            name = ibis.util.gen_name("journeylib_frame")
            frame.createOrReplaceTempView(name)
            return self.table(name)

        def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
            self.hold_arrow(op.name, op.data.to_pyarrow(op.schema))

        def create_table(self, name: str, /, obj: Any = None, **kwargs: Any) -> ir.Table:
            if not kwargs.pop("temp", False):
                return super().create_table(name, obj, **kwargs)
            if isinstance(obj, ir.Table):
                return self._create_cached_table(name, obj)
            return self.hold_arrow(name, obj)

    return Spark


def _of_plain_types(table: pa.Table) -> pa.Table:
    """Give columns types that Spark has: no dictionaries, no unsigned or null ones."""

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_unsigned_integer(kind):
            return pa.int64()
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            return pa.timestamp("us", kind.tz)
        return pa.string() if pa.types.is_null(kind) else kind

    return table.cast(
        pa.schema([pa.field(f.name, plain(f.type)) for f in table.schema]), safe=False
    )
