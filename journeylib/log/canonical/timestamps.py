"""Times: from what a log writes to microseconds since 1970 UTC.

Text is looked at as shapes first (digits become 9, letters a), so that formats are chosen
from the whole column without its content ever leaving the engine.
"""

from __future__ import annotations

import datetime as dt
import itertools
import operator
import re
import string
import zoneinfo
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from journeylib.core import US_PER_DAY, SchemaError, did_you_mean
from journeylib.log.canonical.date_orders import DateOrders, Way, Ways, date_orders
from journeylib.log.canonical.zone_letters import offsets_of, with_offsets, zone_letters
from journeylib.log.sources.raw_table import FILE, FIRST_US, LAST_US, POSITION, Raw

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH = dt.datetime(1970, 1, 1)
_US = dt.timedelta(microseconds=1)
_MOST_SHAPES = 1000
_FEWEST_MOVES = 3  # changes of day from row to row before the order of a file decides
# Formats, each with its month-first twin where it has one.
Candidates = list[tuple[str, str | None]]
_PERIODS = {4: "years, declare timestamp_format '%Y'", 6: "months, declare timestamp_format '%Y%m'"}
FAR_YEARS = "Years outside 1900 to 2200 are not read: export dates in the calendar of ISO 8601."
FAR_YEAR = r"\D*(?:\d{1,2}\D+){0,2}(?!19|20|21)\d{4}(?!\d)"
SERIAL_DAYS = "serial days of a spreadsheet: read the workbook itself, or let it write dates."
_BLANKS = "\u00a0\u2009\u202f"
_OUTER_BLANKS = r"[ \t\n\r\f\v]*"

# An offset follows a clock time only: '01-02-2016' must not read as '-2016'.
_CLOCK = r"(:[0-9]{2}(?:[.,][0-9]+)?(?:\s?[AaPp][Mm])?)"
_OFFSET = r"(Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)"
_TAIL = rf"{_CLOCK}\s*{_OFFSET}$"

# (format, month-first twin, shape)
_DATES: tuple[tuple[str, str | None, str], ...] = (
    ("%Y-%m-%d", None, r"9999-99?-99?"),
    ("%Y/%m/%d", None, r"9999/99?/99?"),
    ("%Y.%m.%d", None, r"9999\.99?\.99?"),
    ("%d/%m/%Y", "%m/%d/%Y", r"99?/99?/9999"),
    ("%d/%m/%y", "%m/%d/%y", r"99?/99?/99"),
    ("%d-%m-%Y", "%m-%d-%Y", r"99?-99?-9999"),
    ("%d.%m.%Y", None, r"99?\.99?\.9999"),
    ("%d.%m.%y", None, r"99?\.99?\.99"),
    ("%d %b %Y", None, r"99? aaa 9999"),
    ("%d %B %Y", None, r"99? a{3,9} 9999"),
    ("%d-%b-%Y", None, r"99?-aaa-9999"),
    ("%d-%b-%y", None, r"99?-aaa-99"),
    ("%b %d, %Y", None, r"aaa 99?, 9999"),
    ("%B %d, %Y", None, r"a{3,9} 99?, 9999"),
    ("%Y%m%d", None, r"9{8}"),
)
_CLOCKS: tuple[tuple[str, str], ...] = (
    ("", ""),
    ("%H:%M", r"99?:99"),
    ("%H:%M:%S", r"99?:99:99"),
    ("%H:%M:%S.%f", r"99?:99:99\.9{1,6}"),
    ("%I:%M %p", r"99?:99 aa"),
    ("%I:%M%p", r"99?:99aa"),
    ("%I:%M:%S %p", r"99?:99:99 aa"),
)
_COMPACT: tuple[tuple[str, str], ...] = (
    ("%Y%m%d%H%M%S", r"9{14}"),
    ("%Y%m%d%H%M", r"9{12}"),
    ("%Y%m%dT%H%M%S", r"9{8}a9{6}"),
)
_LETTERS = string.digits + string.ascii_letters
_SHAPE_OF_LETTERS = "9" * len(string.digits) + "a" * len(string.ascii_letters)
_SHAPE_TAIL = re.compile(r"(:99(?:[.,]9+)?(?: ?aa(?= ))?)\s*(?:a|a{3,4}|[+-]99(?::?99)?)$")
_SHAPE_LETTERS = re.compile(r":99(?:[.,]9+)?(?: ?aa)?\s*a{3,4}(?: 9999)?$")
_SHAPE_FRACTION = re.compile(r":99(?:,9+|\.9{7,})(?:\s*(?:a|aaa|[+-]99(?::?99)?))?$")
_NUMBER_SHAPE = re.compile(r"-?9+(\.9+)?")

# Dates of mails and of programs, in the order of words that `_DATES` has: (pattern, replacement).
_WORDED_SHAPE = re.compile(r"^a{2,3},? +99? aaa|^aaa aaa +99? |a\. ?a\.?$|\([a ]+\)$")
_WORDED: tuple[tuple[str, str], ...] = (
    (r"\s*\([A-Za-z ]+\)$", ""),
    (r"([AaPp])\. ?([Mm])\.?$", r"\1\2"),
    (r"^[A-Za-z]{2,3},? +([0-9])", r"\1"),
    (
        r"^[A-Za-z]{3} ([A-Za-z]{3}) +([0-9]{1,2}) ([0-9:]{8}) ?([+-][0-9]{4}|UTC|GMT|) ?"
        r"([0-9]{4})$",
        r"\2 \1 \5 \3\4",
    ),
    (
        r"^[A-Za-z]{3} ([A-Za-z]{3}) +([0-9]{1,2}) ([0-9]{4}) ([0-9:]{8}) GMT([+-][0-9]{4})$",
        r"\2 \1 \3 \4\5",
    ),
)


@dataclass(frozen=True)
class TimePlan:
    """How one column of times is read.

    Attributes
    ----------
    kind : {"typed", "text", "number"}
    formats : tuple of str
        For text: strptime formats in the order tried.
    month_formats : tuple of str
        For the files of ``orders.month``, where other files have the day first.
    unit : str
        For numbers: ``s``, ``ms`` or ``us``.
    offsets : bool
        Some texts carry an offset from UTC.
    fractions : bool
        Some texts have a decimal comma or more than six decimals.
    worded : bool
        Some texts are dates as mails have them, or have "a.m.": see `_WORDED`.
    letters : dict of str to str
        Zones that texts write as letters, to their offsets.
    steps : tuple of (int, int)
        Offset of local time from UTC in force from a local time on, both in microseconds;
        empty where times need no zone.
    hits : dict of str to int
        For text: rows that each format reads.
    orders : DateOrders
        Which files have the day first, and which the month.
    offset_rows, naive_rows : int
        Rows with and without an offset of their own.
    skipped : int
        Rows whose local time never was: clocks had been put forward over it.
    twice, ordered, later : int
        Events in hours that occur twice; of these, those of which the order of rows says which
        hour it is; and those of the second hour.
    """

    kind: Literal["typed", "text", "number"]
    formats: tuple[str, ...] = ()
    month_formats: tuple[str, ...] = ()
    unit: str = ""
    offsets: bool = False
    fractions: bool = False
    worded: bool = False
    letters: dict[str, str] = field(default_factory=dict)
    steps: tuple[tuple[int, int], ...] = ()
    hits: dict[str, int] = field(default_factory=dict)
    orders: DateOrders = field(default_factory=DateOrders)
    offset_rows: int = 0
    naive_rows: int = 0
    skipped: int = 0
    twice: int = 0
    ordered: int = 0
    later: int = 0


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
def _try_strptime(text, format):  # type: ignore[no-untyped-def]
    """DuckDB's parser that answers null where the text does not fit."""


def plan_times(
    raw: Raw, column: str, *, declared: str | None, timezone: str, missing: tuple[str, ...]
) -> TimePlan:
    """Look at a column of times and decide how to read it.

    Parameters
    ----------
    raw : Raw
    column : str
    declared : str, optional
        ``timestamp_format`` of the schema: a strptime format, or a unit of `UNITS`.
    timezone : str
        Zone of times that carry none.
    missing : tuple of str
        Texts that stand for a missing value.

    Raises
    ------
    SchemaError
        Numbers without a declared unit, an unknown zone, day-first and month-first mixed in one
        file, or a column that holds no times at all.
    """
    zone = _zone(timezone)
    values, where = raw.table[column], raw.name
    kind = values.type()
    if kind.is_timestamp() or kind.is_date():
        plan = TimePlan("typed")
        local = None if kind.is_timestamp() and kind.timezone else _micros(values)
    elif kind.is_numeric():
        return TimePlan("number", unit=_unit(values, declared, column, where))
    elif kind.is_string():
        if declared in UNITS:
            return TimePlan("number", unit=declared)
        text = _time_text(values, missing)
        shapes = _shapes(text)
        letters: dict[str, str] = {}
        if any(map(_SHAPE_LETTERS.search, shapes)):
            letters = offsets_of(zone_letters(text), zone, column, where)
            text = with_offsets(text, letters)
            shapes = _shapes(text) if letters else shapes
        if worded := declared is None and any(map(_WORDED_SHAPE.search, shapes)):
            text = _unworded(text)
            shapes = _shapes(text)
        plan = _plan_text(text, shapes, declared, column, raw)
        plan = replace(plan, worded=worded, letters=letters)
        local = _text_local(text, plan, raw.table[FILE]) if plan.naive_rows else None
    else:
        raise SchemaError(
            f"column '{column}' of {where} holds {kind}, not times. "
            "Name a column of times in 'timestamp'."
        )
    if timezone == "UTC" or local is None:
        return plan
    steps = _zone_steps(local, zone)
    # Rows with an offset of their own are no local times.
    skipped = 0 if plan.offsets else _count_skipped(local, steps)
    return replace(plan, steps=steps, skipped=skipped)


def micros_utc(
    values: ir.Value, plan: TimePlan, missing: tuple[str, ...], file: ir.IntegerValue
) -> ir.IntegerValue:
    """Return microseconds since 1970 UTC, null where there is no time or it cannot be read.

    `file` is the column `FILE` of the same table.

    Pass the result through `plausible` in a step of its own: used twice in one expression, it
    would be computed twice.
    """
    if plan.kind == "number":
        micros = _number_micros(values, plan.unit, missing)
    elif plan.kind == "typed":
        micros = _to_utc(_micros(values), plan.steps)
    else:
        text = with_offsets(_time_text(values, missing), plan.letters)
        text = _unworded(text) if plan.worded else text
        local = _text_local(text, plan, file)
        if not plan.offsets:
            micros = _to_utc(local, plan.steps)
        elif not plan.steps:
            micros = local - _offset_micros(text)
        else:
            stated = _offset_text(text) != ""
            utc = _to_utc(local, plan.steps)
            micros = ibis.ifelse(stated, local - _offset_micros(text), utc)
    return micros


def plausible(micros: ir.IntegerValue) -> ir.IntegerValue:
    """Return the time where it lies between 1900 and 2200, else null: 9999 is no time."""
    return ibis.ifelse(micros.between(FIRST_US, LAST_US), micros, ibis.null("int64"))


def present(values: ir.Value, missing: tuple[str, ...]) -> ir.StringValue:
    """Return text without outer blanks, null where it stands for a missing value."""
    text = values.cast("string")
    return ibis.ifelse(is_missing(text, missing), ibis.null("string"), text.strip())


def is_missing(text: ir.StringValue, missing: tuple[str, ...]) -> ir.BooleanValue:
    """Say whether text stands for a missing value, whatever blanks are around it.

    A pattern gives up at the first wrong letter; to strip long texts took a third of a read.
    """
    if not missing:
        return ibis.literal(False)
    words = "|".join(map(re.escape, missing))
    return text.re_search(rf"^{_OUTER_BLANKS}(?:{words}){_OUTER_BLANKS}$")


def _time_text(values: ir.Value, missing: tuple[str, ...]) -> ir.StringValue:
    """Return the text of a time with plain blanks: browsers write narrow ones before AM and PM."""
    text = present(values, missing)
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    return text


def _unworded(text: ir.StringValue) -> ir.StringValue:
    """Return dates of mails and programs in the order of words that formats have."""
    for pattern, plain in _WORDED:
        text = text.re_replace(pattern, plain)
    return text


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(name, zoneinfo.available_timezones())
        raise SchemaError(
            f"timezone '{name}' is not a zone of the IANA list.{near} "
            "Write a name such as 'Europe/Berlin' or 'UTC'."
        ) from None


def _micros(values: ir.Value) -> ir.IntegerValue:
    """Microseconds from 1970 of a typed time, in its own zone where it is naive."""
    if values.type().is_date():
        values = values.cast("timestamp")
    if values.type().timezone:
        start = ibis.literal("1970-01-01 00:00:00+00:00").cast("timestamp('UTC')")
    else:
        start = ibis.timestamp(1970, 1, 1, 0, 0, 0)
    return values.delta(start, unit="microsecond").cast("int64")


def _unit(values: ir.Value, declared: str | None, column: str, where: str) -> str:
    if declared in UNITS:
        return declared
    largest = values.abs().max().to_pyarrow().as_py()
    raise _unknown_unit(column, where, 0 if largest is None else len(str(int(largest))))


def _unknown_unit(column: str, where: str, digits: int) -> SchemaError:
    guess = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us"}.get(digits)
    hint = f" Their size suggests '{guess}'." if guess else ""
    if digits == 5:
        hint = f" They look like the {SERIAL_DAYS}"
    what = f"of unknown unit. Declare timestamp_format: 's', 'ms' or 'us' (since 1970 UTC).{hint}"
    if digits in _PERIODS:
        what = f"of {digits} digits. If they are {_PERIODS[digits]}; it reads text alone."
    return SchemaError(
        f"column '{column}' of {where} holds numbers {what} If they only give an order, declare "
        "the column as 'position' instead of 'timestamp'."
    )


def _number_micros(values: ir.Value, unit: str, missing: tuple[str, ...]) -> ir.IntegerValue:
    factor = UNITS[unit]
    if values.type().is_integer():
        return values.cast("int64") * factor
    if values.type().is_string():
        values = present(values, missing).try_cast("float64")
    number = values.cast("float64") * factor
    sane = number.abs() < float(LAST_US)
    return ibis.ifelse(sane, number, ibis.null("float64")).round().cast("int64")


def _plan_text(
    text: ir.StringValue, written: dict[str, int], declared: str | None, column: str, raw: Raw
) -> TimePlan:
    where = raw.name
    filled = sum(written.values())
    if not filled:
        return TimePlan("text")
    offsets = any(_SHAPE_TAIL.search(shape) for shape in written)
    fractions = any(_SHAPE_FRACTION.search(shape) for shape in written)
    shapes = _without_tails(written)
    candidates = _candidates(shapes)
    if declared is not None:
        # The offset is read by itself, whether the format names it or not.
        bare = re.sub(r"\s*(%z|%Z|Z)$", "", declared) if offsets else declared
        candidates = [(bare, None)]
    numbers = {shape: n for shape, n in shapes.items() if _NUMBER_SHAPE.fullmatch(shape)}
    if not candidates and 2 * sum(numbers.values()) > filled:
        digits = max(numbers, key=lambda shape: (numbers[shape], shape)).split(".")[0]
        raise _unknown_unit(column, where, len(digits))
    draft = TimePlan("text", offsets=offsets, fractions=fractions)
    counts = _count(text, candidates, draft, raw.table)
    orders = _orders(text, candidates, draft, counts, column, raw)
    day, month = (_hits(candidates, counts, orders, month_first=way) for way in (False, True))
    hits = dict((day + month).most_common())
    formats, month_formats = tuple(day or month), tuple(month if day else ())
    stated = sum(count["offset"] for count in counts.values())
    if not formats:
        wanted = f"with the declared format '{declared}'" if declared else "as a time"
        looks = ", ".join(f"'{shape}'" for shape in list(shapes)[:3])
        raise SchemaError(
            f"column '{column}' of {where}: none of its {filled} values can be read {wanted}. "
            f"They look like {looks} (9 stands for a digit, a for a letter). Declare "
            "timestamp_format, for example '%d.%m.%Y %H:%M', or name another column. "
            f"{FAR_YEARS if candidates else ''}".rstrip()
        )
    return TimePlan(
        "text",
        formats=formats,
        month_formats=month_formats,
        offsets=stated > 0,
        fractions=fractions,
        hits=hits,
        orders=orders,
        offset_rows=stated,
        naive_rows=filled - stated,
    )


def _shapes(text: ir.StringValue) -> dict[str, int]:
    """Count each shape, the most frequent first: '2016-02-01' is '9999-99-99'."""
    # Letters become a's in what is left once digits are 9's: to do so in each text costs most.
    digits = text.translate(string.digits, "9" * len(string.digits)).name("shape").as_table()
    digits = digits.filter(digits["shape"].notnull())
    plain = digits.group_by("shape").aggregate(n=digits.count())
    letters = plain["shape"].translate(string.ascii_letters, "a" * len(string.ascii_letters))
    counts = plain.group_by(shape=letters).aggregate(n=plain["n"].sum())
    rows = counts.order_by([ibis.desc("n"), "shape"]).limit(_MOST_SHAPES).to_pyarrow()
    return dict(zip(rows["shape"].to_pylist(), rows["n"].to_pylist(), strict=True))


def _without_tails(written: dict[str, int]) -> dict[str, int]:
    """Add up shapes that differ only by an offset or by the length of a fraction."""
    shapes: Counter[str] = Counter()
    for shape, n in written.items():
        bare = _SHAPE_TAIL.sub(r"\1", shape)
        shapes[re.sub(r"(:99)[.,]9+$", r"\1.999999", bare)] += n
    return dict(shapes.most_common())


def _candidates(shapes: dict[str, int]) -> Candidates:
    """Return formats, each with its month-first twin, that fit at least one of the shapes."""
    formats = [
        (date + joint + clock, twin and twin + joint + clock, date_shape + joint_shape + shape)
        for date, twin, date_shape in _DATES
        for clock, shape in _CLOCKS
        for joint, joint_shape in ((" ", " "), ("T", "a"), (", ", ", "))
        if clock or joint == " "
    ]
    formats = [
        (form.strip(), twin and twin.strip(), shape.strip()) for form, twin, shape in formats
    ]
    formats += [(form, None, shape) for form, shape in _COMPACT]
    return [
        (form, twin)
        for form, twin, pattern in formats
        if any(re.fullmatch(pattern, shape) for shape in shapes)
    ]


def _count(
    text: ir.StringValue, candidates: Candidates, draft: TimePlan, table: ir.Table
) -> dict[int, dict[str, int]]:
    """Count of each file the rows that a format reads, or a pair, and those with an offset."""
    table = table.select(text=text, file=table[FILE])
    core = _core(table["text"], draft)
    sums = {"offset": ibis.literal(0)}
    if draft.offsets:
        sums["offset"] = (_offset_text(table["text"]) != "").sum()
    for form, twin in candidates:
        first = _in_range(_try_strptime(core, form))
        sums[form] = first.sum()
        if twin:
            second = _in_range(_try_strptime(core, twin))
            sums[twin] = second.sum()
            sums[_pair(form)] = (first | second).sum()
    counts = table.group_by("file").aggregate(
        [value.name(f"c{i}") for i, value in enumerate(sums.values())]
    )
    return {
        row["file"]: {name: int(row[f"c{i}"] or 0) for i, name in enumerate(sums)}
        for row in counts.order_by("file").to_pyarrow().to_pylist()
    }


def _pair(form: str) -> str:
    return f"{form} either way"


def _orders(
    text: ir.StringValue,
    candidates: Candidates,
    draft: TimePlan,
    counts: dict[int, dict[str, int]],
    column: str,
    raw: Raw,
) -> DateOrders:
    """Settle day-first or month-first for each file."""
    pairs = [(form, twin) for form, twin in candidates if twin]
    ways = {
        file: Ways(
            day=sum(count[form] for form, _ in pairs),
            month=sum(count[twin] for _, twin in pairs),
            either=sum(count[_pair(form)] for form, _ in pairs),
            american=any("%I" in twin and count[twin] for _, twin in pairs),
        )
        for file, count in counts.items()
    }
    for file, way in ways.items():
        if way.mixed:
            where = raw.name if len(raw.files) == 1 else f"the file {raw.files[file]}"
            raise SchemaError(
                f"column '{column}' of {where} mixes day-first and month-first dates: "
                f"{way.either - way.month} values can only be read day-first, "
                f"{way.either - way.day} only month-first. Declare timestamp_format for one kind, "
                "and read the others as a log of their own."
            )
    unclear = [file for file, way in ways.items() if way.unclear]
    in_order = {}
    if unclear and len(counts) > 1:
        local = {
            way: _text_local(text, replace(draft, formats=forms), raw.table[FILE])
            for way, forms in (
                ("day", tuple(form for form, _ in candidates)),
                ("month", tuple(twin or form for form, twin in candidates)),
            )
        }
        table = raw.table.select(file=raw.table[FILE], position=raw.table[POSITION], **local)
        in_order = _in_order(table.filter(table["file"].isin(unclear)))
    return date_orders(ways, in_order)


def _in_order(table: ir.Table) -> dict[int, Way]:
    """Return the only way in which the days of a file never step back, of files that have one."""
    days = table.filter(table["day"].notnull() & table["month"].notnull())
    days = days.mutate(day=days["day"] // US_PER_DAY, month=days["month"] // US_PER_DAY)
    rows = ibis.window(group_by="file", order_by="position")
    steps = days.select(
        "file", **{way: days[way] - days[way].lag().over(rows) for way in ("day", "month")}
    )
    ordered = steps.group_by("file").aggregate(
        moves=(steps["day"] != 0).sum(),
        day=(steps["day"] < 0).sum(),
        month=(steps["month"] < 0).sum(),
    )
    ways: dict[int, Way] = {}
    for row in ordered.to_pyarrow().to_pylist():
        # Of fewer rows, one order out of a few would be in order by chance.
        if (row["moves"] or 0) >= _FEWEST_MOVES and (row["day"] == 0) != (row["month"] == 0):
            ways[row["file"]] = "day" if row["day"] == 0 else "month"
    return ways


def _hits(
    candidates: Candidates,
    counts: dict[int, dict[str, int]],
    orders: DateOrders,
    *,
    month_first: bool,
) -> Counter[str]:
    """Count the rows that each format reads of the files with the month first, or of the others."""
    files = [count for file, count in counts.items() if (file in orders.month) == month_first]
    chosen = [twin if twin and month_first else form for form, twin in candidates]
    hits = Counter({form: sum(count[form] for count in files) for form in chosen})
    return Counter(dict((+hits).most_common()))


def _core(text: ir.StringValue, plan: TimePlan) -> ir.StringValue:
    """Return the text without its offset, and with at most six digits after a decimal point."""
    if plan.offsets:
        text = text.re_replace(_TAIL, r"\1")
    if plan.fractions:
        text = text.re_replace(r"(:[0-9]{2})[.,]([0-9]{1,6})[0-9]*$", r"\1.\2")
    return text


def _offset_text(text: ir.StringValue) -> ir.StringValue:
    """Return the offset that the text states, such as '+01:00' or 'Z', or an empty string."""
    return text.re_extract(_TAIL, 2)


def _offset_micros(text: ir.StringValue) -> ir.IntegerValue:
    """Return the offset from UTC that the text states, 0 where it states none."""
    # '+01:00', '+0100' and '+01' all become 100; 'Z' becomes no number, so 0.
    clock = _offset_text(text).replace(":", "").rpad(5, "0").try_cast("int64").fill_null(0)
    size = clock.abs()
    minutes = (size - size % 100) * 60 + size % 100 * 100
    return (clock.sign().cast("int64") * minutes * 600_000).cast("int64")


def _in_range(time: ir.TimestampValue) -> ir.BooleanValue:
    return _micros(time).between(FIRST_US, LAST_US).fill_null(False)


def _text_local(text: ir.StringValue, plan: TimePlan, file: ir.IntegerValue) -> ir.IntegerValue:
    """Return microseconds from 1970 in the zone of the text."""
    if not plan.formats:
        return ibis.null("int64")
    core = _core(text, plan)
    time = _parsed(core, plan.formats)
    if plan.month_formats:
        month_first = file.isin(plan.orders.month)
        time = ibis.ifelse(month_first, _parsed(core, plan.month_formats), time)
    return _micros(time)


def _parsed(core: ir.StringValue, formats: tuple[str, ...]) -> ir.TimestampValue:
    # Years of two digits first: '%Y' would read '16' as the year 16.
    ordered = sorted(formats, key=lambda form: "%y" not in form)
    return ibis.coalesce(*(_try_strptime(core, form) for form in ordered))


def _zone_steps(local: ir.IntegerValue, zone: zoneinfo.ZoneInfo) -> tuple[tuple[int, int], ...]:
    """When local time's offset changes between the first and the last time of the column.

    Taken from Python's zone table, not the engine's, so that every engine agrees. A local time
    that occurs twice is taken as the first; one that is skipped, as before the change.
    """
    table = local.name("us").as_table()
    ends = table.aggregate(lo=table["us"].min(), hi=table["us"].max()).to_pyarrow().to_pylist()[0]
    if ends["lo"] is None:
        return ()
    day = dt.timedelta(days=1)
    time = _EPOCH + max(int(ends["lo"]), FIRST_US) * _US - day
    last = _EPOCH + min(int(ends["hi"]), LAST_US) * _US + day
    steps = [(FIRST_US, _offset_at(time, zone))]
    while time < last:
        if _offset_at(time + day, zone) != steps[-1][1]:
            change = _first_change(time, time + day, zone)
            steps.append(((change - _EPOCH) // _US, _offset_at(change, zone)))
        time += day
    return tuple(steps)


def _count_skipped(local: ir.IntegerValue, steps: tuple[tuple[int, int], ...]) -> int:
    """Count the local times over which clocks were put forward."""
    gaps = [
        (change - (after - before), change)
        for (_, before), (change, after) in itertools.pairwise(steps)
        if after > before
    ]
    if not gaps:
        return 0
    table = local.name("us").as_table()
    within = [table["us"].between(begin, end - 1) for begin, end in gaps]
    skipped = table.aggregate(n=reduce(operator.or_, within).sum()).to_pyarrow().to_pylist()[0]["n"]
    return int(skipped or 0)


def _offset_at(local: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset()
    return 0 if offset is None else offset // _US


def _first_change(before: dt.datetime, after: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    start = _offset_at(before, zone)
    while after - before > _US:
        middle = before + (after - before) // 2
        if _offset_at(middle, zone) == start:
            before = middle
        else:
            after = middle
    return after


def _to_utc(local: ir.IntegerValue, steps: tuple[tuple[int, int], ...]) -> ir.IntegerValue:
    if not steps:
        return local
    return local - _offset_tree(local, steps)


def _offset_tree(local: ir.IntegerValue, steps: tuple[tuple[int, int], ...]) -> ir.IntegerValue:
    """Search the steps by halves: a few comparisons a row, however long the log."""
    if len(steps) == 1:
        return ibis.literal(steps[0][1], type="int64")
    half = len(steps) // 2
    earlier, later = _offset_tree(local, steps[:half]), _offset_tree(local, steps[half:])
    return ibis.ifelse(local < steps[half][0], earlier, later)


def month_first_format(text: str) -> str | None:
    """Return the format with the month first that fits a text; None where there is none.

    Examples
    --------
    >>> month_first_format("03/04/2024 10:00")
    '%m/%d/%Y %H:%M'
    """
    shape = text.strip().translate(str.maketrans(_LETTERS, _SHAPE_OF_LETTERS))
    twins = [twin for _, twin in _candidates(_without_tails({shape: 1})) if twin is not None]
    return twins[0] if twins else None


def shape_share(texts: pd.Series[str]) -> float:
    """Return the share of texts that look like times in a known format."""
    if texts.empty:
        return 0.0
    plain = texts.str.translate(dict.fromkeys(map(ord, _BLANKS), " ")).str.strip()
    for pattern, written in _WORDED:
        plain = plain.str.replace(pattern, written, regex=True)
    shapes = plain.str.replace("[0-9]", "9", regex=True)
    counts = shapes.str.replace("[A-Za-z]", "a", regex=True).value_counts()
    read = 0
    for shape, n in counts.head(_MOST_SHAPES // 10).items():
        bare = _without_tails({str(shape): int(n)})
        # Eight digits may be a date or a number; only a name can tell.
        if not _NUMBER_SHAPE.fullmatch(str(shape)) and _candidates(bare):
            read += int(n)
    return read / len(texts)
