"""From a raw table and a schema to canonical events, as one Ibis expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from journeylib.core import MICRO, SchemaError
from journeylib.log.canonical.timestamps import (
    TimePlan,
    is_missing,
    micros_utc,
    plan_times,
    plausible,
    present,
)
from journeylib.log.engine.duckdb import identifier, quoted, run, scratch_name
from journeylib.log.privacy import looks_personal, masked
from journeylib.log.schema import ACTORS, ID, OFFICES, OutcomesSchema, Schema
from journeylib.log.sources.raw_table import FILE, POSITION, ROW, Raw

# Names of at most so many distinct values are cleaned once each and held as codes.
MOST_WORDS = 5_000
HELPER = "_journeylib_"
REASON = f"{HELPER}reason"
WRITTEN = f"{HELPER}written_"
UNREAD = f"{HELPER}unread_"
CONTROL = f"{HELPER}control_"
PERSONAL = f"{HELPER}personal_"
KEY = f"{HELPER}key_"
# Roles whose value is one of the canonical columns of text, kept under the role's name.
TEXT_ROLES = ("channel", "stage", "segment", "intent", "resource", "session", "text")
NUMBER_ROLES = {"sentiment": "sentiment_micro", "rating": "rating_micro", "cost": "cost_micro"}
FLAG_ROLES = ("ai_disclosed", "handover", "error")
# Roles whose value may be there and yet mean nothing that the role can use.
PARSED = {"end_timestamp": "end_us", "actor": "actor", "office": "office"}
PARSED |= NUMBER_ROLES | {role: role for role in FLAG_ROLES}
FIELD_ROLES = ("context_sent", "context_requested", "context_opened", "context_given")
_NAMES = ("channel", "stage", "segment", "intent")
_SHOWN = ("touchpoint", *_NAMES)  # roles whose names reports show
_CONTROLS = r"[\x00-\x1f\x7f]+"
YES_WORDS = ("true", "t", "yes", "y", "1", "1.0", "x", "ja", "j", "oui", "o", "wahr", "vrai")
NO_WORDS = ("false", "f", "no", "n", "0", "0.0", "nein", "non", "falsch", "faux")
_LARGEST = 9.0e12

# Columns of events and, later, of steps: no attribute may bear such a name.
RESERVED = {"customer", "case", "touchpoint", "t_us", "end_us", "position", "actor", "office"}
RESERVED |= {*TEXT_ROLES, *NUMBER_ROLES.values(), *FLAG_ROLES, *FIELD_ROLES}
RESERVED |= {"journey", "customer_no", "group", "step", "steps", "visit", "touchpoint_no"}
RESERVED |= {"lifecycle", "boundary_micro", "service_business_us", "wait_business_us"}
RESERVED |= {
    "next_touchpoint",
    "next_touchpoint_no",
    "next_actor",
    "next_us",
    "service_us",
    "wait_us",
    "visit_us",
    "visit_step",
}

NO_CUSTOMER = "no customer"
NO_JOURNEY = "no journey"
NO_TOUCHPOINT = "no touchpoint"
NO_TIME = "no time"
BAD_TIME = "time cannot be read"
STRAY_TIME = "time lies a year or more from all others"
NO_POSITION = "no position"
REASON_ROLE = {
    NO_CUSTOMER: "customer",
    NO_JOURNEY: "journey",
    NO_TOUCHPOINT: "touchpoint",
    NO_TIME: "timestamp",
    BAD_TIME: "timestamp",
    STRAY_TIME: "timestamp",
    NO_POSITION: "position",
}


@dataclass(frozen=True)
class ReadingPlan:
    """What was plan from the whole of the source before any row was mapped.

    Attributes
    ----------
    times : dict of str to TimePlan
        For the roles ``timestamp`` and ``end_timestamp``, where declared.
    position : {"whole", "number", "text"}
        What every declared position is.
    few : tuple of str
        Columns of names with at most `MOST_WORDS` distinct values.
    clean : dict of str to tuple of str
        Those of them whose every name is kept as it is written, to these names.
    decimals : dict of str to str
        For roles of numbers written as text: the decimal mark, where the column shows it.
    """

    times: dict[str, TimePlan]
    position: Literal["whole", "number", "text"] = "whole"
    few: tuple[str, ...] = ()
    clean: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)


def time_plan(raw: Raw, column: str, schema: Schema | OutcomesSchema) -> TimePlan:
    """Decide how a column of times is read, from all its values and what is declared of them."""
    return plan_times(
        raw,
        column,
        declared=schema.timestamp_format,
        timezone=schema.timezone,
        missing=schema.missing,
    )


def reading_plan(raw: Raw, schema: Schema) -> ReadingPlan:
    """Look at the columns whose reading depends on all their values: times, positions, numbers."""
    times = {
        role: time_plan(raw, column, schema)
        for role in ("timestamp", "end_timestamp")
        if (column := getattr(schema, role)) is not None
    }
    few = _few(raw.table, schema)
    clean = _clean(raw.table, few, schema)
    decimals = {
        role: mark
        for role in NUMBER_ROLES
        if (column := getattr(schema, role)) is not None
        and (mark := decimal_mark(raw.table[column], schema.missing)) is not None
    }
    return ReadingPlan(times, _kind_of_position(raw.table, schema), few, clean, decimals)


def _few(table: ir.Table, schema: Schema) -> tuple[str, ...]:
    """Return the columns of names that repeat a small vocabulary."""
    named = [
        getattr(schema, role) for role in ("touchpoint", *_NAMES, "actor", "lifecycle", "office")
    ]
    named += list(schema.attributes)
    columns = [column for column in dict.fromkeys(named) if column is not None]
    texts = [column for column in columns if table[column].type().is_string()]
    if not texts:
        return ()
    backend = table.get_backend()
    sizes = ", ".join(f"approx_count_distinct({identifier(column)})" for column in texts)
    counts = run(backend, f"SELECT {sizes} FROM ({backend.compile(table)})")[0]
    return tuple(column for column, n in zip(texts, counts, strict=True) if n < MOST_WORDS)


def _clean(table: ir.Table, columns: tuple[str, ...], schema: Schema) -> dict[str, tuple[str, ...]]:
    """Return the columns of which no name would be changed, or taken for missing: their names."""
    if not columns:
        return {}
    backend, name = table.get_backend(), scratch_name("words")
    source = f"FROM ({backend.compile(table.select(*columns))})"
    each = [
        f"SELECT raw::VARCHAR AS raw, {quoted(column)} AS used_by "
        f"FROM (SELECT DISTINCT {identifier(column)} AS raw {source})"
        for column in columns
    ]
    # Held, or the engine would clean the name of every row and then look which are distinct.
    run(backend, f"CREATE TEMP TABLE {name} AS {' UNION ALL '.join(each)}")
    words = backend.table(name)
    plain = name_of(words.raw, schema.missing)
    shown = [column for column in columns if _is_shown(column, schema)]
    cleaned = words.used_by.isin(shown).ifelse(masked(plain, _not_personal(schema)), plain)
    cleaner = words.filter(words.raw.notnull()).mutate(same=words.raw.identical_to(cleaned))
    names: dict[str, list[str]] = {column: [] for column in columns}
    for row in cleaner.to_pyarrow().to_pylist():
        if row["used_by"] in names and row["same"]:
            names[row["used_by"]].append(row["raw"])
        else:
            names.pop(row["used_by"], None)
    run(backend, f"DROP TABLE {name}")
    return {column: tuple(words) for column, words in names.items()}


@dataclass(frozen=True)
class Vocabulary:
    """The columns of names of a raw table, cleaned once per distinct value where these are few."""

    table: ir.Table
    schema: Schema
    cleaned: Mapping[str, str]
    clean: Mapping[str, tuple[str, ...]]

    def name(self, column: str) -> ir.StringValue:
        """Return the cleaned names of a column."""
        if column in self.clean:
            return self.table[column]
        if column in self.cleaned:
            return self.table[f"{self.cleaned[column]}_name"]
        return _shown_name(self.table[column], column, self.schema)

    def is_personal(self, column: str) -> ir.BooleanValue:
        """Say where a name held what looks personal."""
        if column in self.cleaned:
            return self.table[f"{self.cleaned[column]}_personal"].fill_null(False)
        return _is_personal(self.table[column], self.schema)

    def has_controls(self, column: str) -> ir.BooleanValue:
        """Say where a name held control characters."""
        if column in self.cleaned:
            return self.table[f"{self.cleaned[column]}_control"].fill_null(False)
        return self.table[column].re_search(_CONTROLS).fill_null(False)


def with_vocabulary(
    table: ir.Table, schema: Schema, plan: ReadingPlan
) -> tuple[ir.Table, Vocabulary]:
    """Join the cleaned vocabulary of each column of few names to the rows."""
    joined, cleaned = table, {}
    for i, column in enumerate(c for c in plan.few if c not in plan.clean):
        prefix = cleaned[column] = f"{HELPER}word{i}"
        raw = table.select(**{f"{prefix}_raw": table[column]}).distinct()
        names = {
            f"{prefix}_name": _shown_name(raw[f"{prefix}_raw"], column, schema),
            f"{prefix}_personal": _is_personal(raw[f"{prefix}_raw"], schema),
            f"{prefix}_control": raw[f"{prefix}_raw"].re_search(_CONTROLS),
        }
        joined = joined.left_join(raw.mutate(**names), joined[column] == raw[f"{prefix}_raw"])
    return joined, Vocabulary(joined, schema, cleaned, plan.clean)


def _kind_of_position(table: ir.Table, schema: Schema) -> Literal["whole", "number", "text"]:
    if schema.position is None or table[schema.position].type().is_integer():
        return "whole"
    texts = text_of(table[schema.position], schema.missing)
    number = texts.try_cast("float64")
    odd = {
        # The engine would round 10.5.
        "whole": texts.try_cast("int64").isnull() | (number != number.floor()),
        "number": ~(number.abs() < _LARGEST).fill_null(False),
    }
    counts = table.aggregate(
        **{kind: (texts.notnull() & mark).sum().fill_null(0) for kind, mark in odd.items()}
    )
    row = counts.to_pyarrow().to_pylist()[0]
    return "whole" if not row["whole"] else "text" if row["number"] else "number"


def known_words(schema: Schema, plan: ReadingPlan) -> dict[str, tuple[str, ...]]:
    """Return the canonical columns whose names are known before they are mapped, with these."""
    as_written = _NAMES if schema.touchpoint_values else _SHOWN
    roles = {role: getattr(schema, role) for role in as_written}
    named = roles | {name: name for name in schema.attributes if name not in RESERVED}
    words = {role: plan.clean[column] for role, column in named.items() if column in plan.clean}
    return words | {"actor": ACTORS, "office": OFFICES}


def coded_columns(schema: Schema, plan: ReadingPlan) -> list[str]:
    """Return the canonical columns that the engine may hold as codes of few names."""
    roles = ("touchpoint", *_NAMES, "actor", "office")
    columns = [role for role in roles if getattr(schema, role) in plan.few]
    for role, values in (("stage", schema.stage_values), ("office", schema.office_values)):
        columns += [role] if values and getattr(schema, role) is None else []
    return list(dict.fromkeys([*columns, *(a for a in schema.attributes if a in plan.few)]))


def mapped_rows(raw: Raw, schema: Schema, plan: ReadingPlan) -> ir.Table:
    """Return canonical columns for every row of the source, usable or not.

    Parameters
    ----------
    raw : Raw
    schema : Schema
    plan : ReadingPlan

    Returns
    -------
    ibis.Table
        Row: one raw row. The columns of ``EventLog.events``, touchpoints still under their raw
        names, and helpers whose names begin with `HELPER`: `FILE`, `ROW`, and flags for roles
        whose value is there (`WRITTEN`) or holds control characters (`CONTROL`). Where events
        are put in order of customers, `KEY` columns stand for the customer.
    """
    table, vocabulary = with_vocabulary(raw.table, schema, plan)
    identifiers = _identifiers(table, schema)
    columns: dict[str, ir.Value] = {}
    if schema.in_order:
        columns |= {KEY + str(i): table[key] for i, key in enumerate(customer_keys(schema))}
    else:
        columns["customer"] = customer_of(table, schema)
    if schema.journey is not None:
        columns["case"] = text_of(table[schema.journey], schema.missing)
    columns["touchpoint"] = vocabulary.name(schema.touchpoint)
    for role, column in (("timestamp", "t_us"), ("end_timestamp", "end_us")):
        if role in plan.times:
            values = table[getattr(schema, role)]
            columns[column] = micros_utc(values, plan.times[role], schema.missing, table[FILE])
    columns["position"] = _position(table, schema, plan)
    columns |= _text_columns(table, schema, vocabulary)
    columns |= _mapped_columns(schema, vocabulary)
    columns |= _value_columns(table, schema, plan)
    columns |= identifiers
    columns |= _attributes(schema, columns, vocabulary)
    flags = _flags(table, schema, vocabulary)
    return table.select(**columns, **flags, **{FILE: table[FILE], ROW: table[ROW]})


def judged(first: ir.Table, schema: Schema) -> ir.Table:
    """Return the mapped rows with `REASON` and with `UNREAD` instead of `WRITTEN` flags.

    A step of its own: what the first step computed is used several times here. DuckDB works out
    the subject of a CASE anew for each of its branches, so value maps look at a column.
    """
    times = {c: plausible(first[c]) for c in ("t_us", "end_us") if c in first.columns}
    rows = first.mutate(**times, **_named_columns(first.touchpoint, schema))
    unread = {
        UNREAD + role: first[WRITTEN + role] & rows[column].isnull()
        for role, column in PARSED.items()
        if WRITTEN + role in first.columns
    }
    written = [column for column in first.columns if column.startswith(WRITTEN)]
    return rows.mutate(**unread, **{REASON: _reason(rows)}).drop(*written)


def _flags(table: ir.Table, schema: Schema, vocabulary: Vocabulary) -> dict[str, ir.BooleanValue]:
    written = {
        # A name that is kept as it is written stands for no missing value.
        WRITTEN + role: table[source].notnull()
        if source in vocabulary.clean
        else _is_written(table[source], schema.missing)
        for role in ("timestamp", *PARSED)
        if (source := getattr(schema, role)) is not None
    }
    named = [(role, getattr(schema, role)) for role in _SHOWN]
    personal = {
        PERSONAL + role: vocabulary.is_personal(source)
        for role, source in named
        if source is not None and source not in vocabulary.clean
    }
    named += [(name, name) for name in schema.attributes]
    return (
        written
        | personal
        | {
            CONTROL + role: vocabulary.has_controls(source)
            for role, source in named
            if source is not None
            and source not in vocabulary.clean
            and table[source].type().is_string()
        }
    )


def _is_written(values: ir.Value, missing: tuple[str, ...]) -> ir.BooleanValue:
    """Say whether there is a value; a typed time need not become text to tell."""
    kind = values.type()
    typed = kind.is_temporal() and not any(word[:1].isdigit() for word in missing)
    return values.notnull() if typed else text_of(values, missing).notnull()


def _attributes(
    schema: Schema, columns: Mapping[str, ir.Value], vocabulary: Vocabulary
) -> dict[str, ir.Value]:
    """Return the declared attributes; one that a role keeps under the same name is there."""
    wanted = [
        name
        for name in schema.attributes
        if not (name in columns and schema.roles().get(name) == name)
    ]
    for name in wanted:
        if name in (*RESERVED, *schema.identifier_columns) or name.startswith(HELPER):
            raise SchemaError(
                f"the attribute '{name}' has the name of a column that journeylib makes. Rename "
                "the column, or declare it as a role."
            )
    return {name: vocabulary.name(name) for name in wanted}


def _identifiers(table: ir.Table, schema: Schema) -> dict[str, ir.StringValue]:
    return {
        ID + kind: text_of(table[column], schema.missing)
        for kind, column in schema.identifiers.items()
    }


def customer_keys(schema: Schema) -> list[str]:
    """Return the columns of the source that say who the customer is, where no case does."""
    named = (schema.customer, *schema.identifiers.values())
    return list(dict.fromkeys(column for column in named if column is not None))


def customer_of(table: ir.Table, schema: Schema) -> ir.StringValue:
    """The customer; where there is none the surest identifier, and at last the case."""
    identifiers = _identifiers(table, schema)
    candidates = [alias(name.removeprefix(ID), value) for name, value in identifiers.items()]
    if schema.customer is not None:
        candidates.insert(0, text_of(table[schema.customer], schema.missing))
    elif schema.journey is not None:
        candidates.append(text_of(table[schema.journey], schema.missing))
    return candidates[0] if len(candidates) == 1 else ibis.coalesce(*candidates)


def alias(kind: str, identifier: ir.StringValue) -> ir.StringValue:
    """Name a customer of whom only an identifier is known; null where that is null."""
    return ibis.literal(f"{kind}:") + identifier


def _position(table: ir.Table, schema: Schema, plan: ReadingPlan) -> ir.Value:
    if schema.position is None:
        return table[POSITION].cast("int64")
    if table[schema.position].type().is_integer():
        return table[schema.position].cast("int64")
    texts = text_of(table[schema.position], schema.missing)
    if plan.position == "text":
        return texts
    # Of numbers with decimals six count: as texts 10.5 would come before 9.5.
    number = texts.try_cast("float64") * MICRO
    return texts.try_cast("int64") if plan.position == "whole" else number.round().cast("int64")


def _text_columns(table: ir.Table, schema: Schema, vocabulary: Vocabulary) -> dict[str, ir.Value]:
    return {
        role: vocabulary.name(column) if role in _NAMES else text_of(table[column], schema.missing)
        for role in TEXT_ROLES + FIELD_ROLES
        if (column := getattr(schema, role)) is not None
    }


def _mapped_columns(schema: Schema, vocabulary: Vocabulary) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {}
    if schema.actor is not None:
        columns["actor"] = actor_of(vocabulary.name(schema.actor), schema)
    if schema.lifecycle is not None:
        columns["lifecycle"] = lifecycle_of(vocabulary.name(schema.lifecycle), schema)
    if schema.office is not None:
        word = vocabulary.name(schema.office).strip().lower()
        columns["office"] = word.cases(*((office, office) for office in OFFICES), else_=None)
    return columns


def _named_columns(raw: ir.StringValue, schema: Schema) -> dict[str, ir.Value]:
    """Touchpoint, and stage and office where only their value maps are given, by raw name."""
    columns: dict[str, ir.Value] = {}
    if schema.touchpoint_values:
        columns["touchpoint"] = raw.cases(*schema.touchpoint_values.items(), else_=raw)
    for role, values in (("stage", schema.stage_values), ("office", schema.office_values)):
        if getattr(schema, role) is None and values:
            named = _by_raw_name(values, schema)
            columns[role] = raw.cases(*named.items(), else_=None) if named else ibis.null("string")
    return columns


def _by_raw_name(values: Mapping[str, str], schema: Schema) -> dict[str, str]:
    """Return `values`, which is by touchpoint, by the raw names of these touchpoints."""
    renamed = schema.touchpoint_values
    same = {name: word for name, word in values.items() if name not in renamed}
    return same | {raw: values[name] for raw, name in renamed.items() if name in values}


def actor_of(word: ir.StringValue, schema: Schema) -> ir.StringValue:
    """Map the company's word to an actor; null where no word of `actor_values` fits."""
    values = {actor: actor for actor in ACTORS} | dict(schema.actor_values)
    rest = values.pop("*", None)
    actor = map_extract_value(ibis.literal(values, "map<string, string>"), word)
    if rest is None:
        return actor
    return ibis.ifelse(word.isnull(), ibis.null("string"), actor.fill_null(rest))


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def map_extract_value(values: dt.Map[dt.String, dt.String], word: str) -> dt.string:
    """Return the value of a word, else null; DuckDB asks once a word, where words are codes."""


def lifecycle_of(word: ir.StringValue, schema: Schema) -> ir.StringValue:
    """Map the company's word to start, complete or other; null where there is none."""
    values = dict(schema.lifecycle_values)
    rest = values.pop("*", "other")
    plain = word.strip().lower()
    step = ibis.cases(
        *((word == own, meant) for own, meant in values.items()),
        (plain == "start", "start"),
        (plain == "complete", "complete"),
        else_=rest,
    )
    return ibis.ifelse(word.isnull(), ibis.null("string"), step)


def _value_columns(table: ir.Table, schema: Schema, plan: ReadingPlan) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {
        target: micro_of(table[column], schema.missing, plan.decimals.get(role))
        for role, target in NUMBER_ROLES.items()
        if (column := getattr(schema, role)) is not None
    }
    columns |= {
        role: flag_of(table[column], schema.missing)
        for role in FLAG_ROLES
        if (column := getattr(schema, role)) is not None
    }
    return columns


def _reason(rows: ir.Table) -> ir.StringValue:
    """Say why a row cannot be used: the first of the reasons, or null."""
    tests = [(rows["customer"].isnull(), NO_CUSTOMER)] if "customer" in rows.columns else []
    if "case" in rows.columns:
        tests.append((rows["case"].isnull(), NO_JOURNEY))
    tests.append((rows["touchpoint"].isnull(), NO_TOUCHPOINT))
    if "t_us" in rows.columns:
        tests.append((~rows[WRITTEN + "timestamp"], NO_TIME))
        tests.append((rows["t_us"].isnull(), BAD_TIME))
    tests.append((rows["position"].isnull(), NO_POSITION))
    return ibis.cases(*tests, else_=ibis.null("string"))


def text_of(values: ir.Value, missing: tuple[str, ...]) -> ir.StringValue:
    """Return the value as text, kept as it is, or null where it stands for a missing value.

    A float column of whole numbers, as pandas makes of integers with gaps, reads as integers.
    """
    text = values.cast("string")
    if values.type().is_floating():
        whole = (values == values.floor()) & (values.abs() < _LARGEST)
        text = ibis.ifelse(whole, values.cast("int64").cast("string"), text)
        text = ibis.ifelse(values.isnan(), ibis.null("string"), text)
    return ibis.ifelse(is_missing(text, missing), ibis.null("string"), text)


def name_of(values: ir.Value, missing: tuple[str, ...]) -> ir.StringValue:
    """Return a name to be shown: as `text_of`, a run of control characters as one blank."""
    return text_of(values, missing).re_replace(_CONTROLS, " ")


def _shown_name(values: ir.Value, column: str, schema: Schema) -> ir.StringValue:
    """Return a name; where reports may show it, what looks personal in it is masked."""
    name = name_of(values, schema.missing)
    return masked(name, _not_personal(schema)) if _is_shown(column, schema) else name


def _is_shown(column: str, schema: Schema) -> bool:
    """Say whether reports may show the names of a column."""
    return column in {getattr(schema, role) for role in _SHOWN}


def _is_personal(values: ir.Value, schema: Schema) -> ir.BooleanValue:
    return looks_personal(name_of(values, schema.missing), _not_personal(schema))


def _not_personal(schema: Schema) -> tuple[str, ...]:
    """Return the names that stay: those allowed, and those that have another name in reports."""
    return (*schema.names_shown, *schema.touchpoint_values)


def decimal_mark(values: ir.Value, missing: tuple[str, ...]) -> str | None:
    """Return the decimal mark that a column of numbers shows; None where it shows none or both.

    A mark before any but three last digits, after a lone 0, or after groups of three by the other
    mark is the decimal one. Of 1,234 beside 1,234.50 the point is.
    """
    if not values.type().is_string():
        return None
    text = present(values, missing)
    shown = {
        mark: text.re_search(
            rf"^[^{mark}]*[{mark}]([0-9]{{1,2}}|[0-9]{{4,}})$|^[+-]?0[{mark}][0-9]+$|"
            rf"[{group}][0-9]{{3}}[{mark}{group}]"
        )
        for mark, group in ((",", "."), (".", ","))
    }
    row = (
        values.name("v")
        .as_table()
        .aggregate(comma=shown[","].any().fill_null(False), point=shown["."].any().fill_null(False))
    )
    counts = row.to_pyarrow().to_pylist()[0]
    if counts["comma"] == counts["point"]:
        return None
    return "," if counts["comma"] else "."


def micro_of(
    values: ir.Value, missing: tuple[str, ...], decimal: str | None = None
) -> ir.IntegerValue:
    """Return a number times 1,000,000, rounded; null where it is none.

    ``3,5`` reads as 3.5, unless `decimal_mark` says of the column that its commas part thousands.
    """
    if values.type().is_string():
        text = present(values, missing)
        comma = text.contains(",") & ~text.contains(".")
        plain = ibis.ifelse(comma, text.replace(",", "."), text)
        if decimal is not None:
            group, mark = (",", "[.]") if decimal == "." else ("[.]", ",")
            grouped = text.re_search(rf"^[+-]?[0-9]{{1,3}}({group}[0-9]{{3}})+({mark}[0-9]*)?$")
            whole = text.re_replace(group, "").replace(",", ".")
            plain = ibis.ifelse(grouped, whole, plain)
        number = plain.try_cast("float64")
    else:
        number = values.cast("float64")
    sane = number.abs() < _LARGEST
    return ibis.ifelse(sane, number * MICRO, ibis.null("float64")).round().cast("int64")


def flag_of(values: ir.Value, missing: tuple[str, ...]) -> ir.BooleanValue:
    """Return a yes-or-no word (English, German, French, 1 and 0) as a boolean, else null."""
    if values.type().is_boolean():
        return values
    word = present(values, missing).lower()
    return ibis.cases((word.isin(YES_WORDS), True), (word.isin(NO_WORDS), False), else_=None).cast(
        "boolean"
    )
