"""Log files into the engine: delimited text, JSON Lines, Parquet, with every row traceable."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend

from journeylib.errors import LogError
from journeylib.log.engine import identifier, quoted, run
from journeylib.log.raw import (
    FILE,
    NO_SUCH_DAY,
    POSITION,
    ROW,
    Fact,
    Raw,
    Window,
    quarantine_frame,
)
from journeylib.log.textfiles import (
    DELIMITER_NAMES,
    Dialect,
    PlainText,
    dialect,
    likely_delimiter,
    plain_text,
    unique_names,
)
from journeylib.log.times import FIRST_US, LAST_US

# Chooses the columns to keep from those that are there: (columns, where) -> columns
Pick = Callable[[Sequence[str], str], list[str]]

_REASONS = {
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": "a quotation mark is not closed where it should be",
    "LINE SIZE OVER MAXIMUM": "the line is too long",
    "INVALID ENCODING": "bytes that are no text",
}
# Times that the engine compares with the statistics of a file, and how a literal is made.
_TYPED_TIMES: dict[str, Callable[[int], str]] = {
    "TIMESTAMP": "make_timestamp({})".format,
    "TIMESTAMP WITH TIME ZONE": "make_timestamptz({})".format,
    "DATE": "make_timestamp({})::DATE".format,
}
_NUMBER = itertools.count(1)


def scratch_name(kind: str) -> str:
    """Return a name that no other table of this process has."""
    return f"_journeylib_{kind}_{next(_NUMBER)}"


def load_delimited(
    paths: Sequence[Path],
    backend: Backend,
    pick: Pick,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    limit: int | None = None,
) -> Raw:
    """Load CSV or TSV files, every cell as text, so that nothing is coerced silently.

    Rows with more or fewer cells than the header are counted in `Raw.rejected`.
    """
    table = scratch_name("raw")
    rejected: list[tuple[str, int, str, str]] = []
    facts: list[Fact] = []
    offset = 0
    with tempfile.TemporaryDirectory(prefix="journeylib-") as folder:
        for index, path in enumerate(paths):
            text = plain_text(path, Path(folder), encoding)
            layout = dialect(text, delimiter)
            columns = _picked(text, layout, delimiter, pick)
            bad = _load_one(backend, table, text, layout, columns, index, offset, limit)
            if limit is None and bad and (lone := _lone_quotes(backend, text, layout)):
                # Without quotation marks every line is a row: they are marks in a text.
                run(backend, f"DELETE FROM {table} WHERE {FILE} = {index}")
                options = (layout, columns, index, offset, limit)
                bad = _load_one(backend, table, text, *options, quote="", again=True)
                facts.append(_lone_fact(text.name, lone))
            rejected += [(path.name, row, "row", reason) for row, reason in bad]
            facts += _delimited_facts(text, layout)
            offset += _count(backend, table, index)
    if offset == 0 and not rejected:
        raise LogError(f"{_names(paths)} holds a header and no rows. Check the export's filter.")
    return Raw(
        backend.table(table),
        _names(paths),
        tuple(path.name for path in paths),
        tuple(dict.fromkeys(facts)),
        quarantine_frame(rejected),
        (table,),
    )


def _names(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"


def _picked(text: PlainText, layout: Dialect, delimiter: str | None, pick: Pick) -> list[str]:
    try:
        return pick(layout.columns, text.name)
    except LogError as error:
        likely = likely_delimiter(text)
        if delimiter is None or likely == delimiter:
            raise
        raise type(error)(
            f"{error} The file was read with the delimiter '{delimiter}' as declared; it looks "
            f"like '{likely}' ({DELIMITER_NAMES.get(likely, 'character')})."
        ) from None


def _load_one(
    backend: Backend,
    table: str,
    text: PlainText,
    layout: Dialect,
    columns: list[str],
    index: int,
    offset: int,
    limit: int | None,
    *,
    quote: str = '"',
    again: bool = False,
) -> list[tuple[int, str]]:
    """Append one file to `table`; return its rejected rows with reasons."""
    rejects, scans = scratch_name("rejects"), scratch_name("scans")
    reader = _reader(text, layout, quote, rejects, scans)
    kept = ", ".join(identifier(name) for name in columns)
    kept = kept + ", " if kept else ""
    select = (
        f"SELECT {kept}{index}::BIGINT AS {FILE}, row_number() OVER () AS {ROW}, "
        f"{offset} + row_number() OVER () AS {POSITION} FROM {reader}"
        + (f" LIMIT {limit}" if limit is not None else "")
    )
    try:
        if index == 0 and not again:
            run(backend, f"CREATE TEMP TABLE {table} AS {select}")
        else:
            run(backend, f"INSERT INTO {table} BY NAME {select}")
        bad = run(
            backend,
            f"SELECT line, min(error_type::VARCHAR) FROM {rejects} GROUP BY line ORDER BY line",
        )
    except duckdb.Error as error:
        raise LogError(
            f"{text.name} cannot be read as delimited text: {type(error).__name__}. "
            "Check that it is a CSV file with one header line."
        ) from None
    finally:
        run(backend, f"DROP TABLE IF EXISTS {rejects}")
        run(backend, f"DROP TABLE IF EXISTS {scans}")
    # The engine counts the header as a line.
    found = [(int(line) - 1 - layout.skip, _REASONS.get(kind, "not a row")) for line, kind in bad]
    if found:
        _renumber(backend, table, index, [row for row, _ in found])
    return found


def _reader(text: PlainText, layout: Dialect, quote: str, rejects: str, scans: str) -> str:
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in layout.columns)
    return (
        f"read_csv({quoted(str(text.path))}, auto_detect=false, header=true, "
        f"skip={layout.skip}, delim={quoted(layout.delimiter)}, quote={quoted(quote)}, "
        f"escape={quoted(quote)}, columns={{{types}}}, store_rejects=true, "
        f"rejects_table={quoted(rejects)}, rejects_scan={quoted(scans)}, compression='none')"
    )


def _lone_quotes(backend: Backend, text: PlainText, layout: Dialect) -> int:
    """Count the lines with a lone quotation mark, where without quoting every line is a row.

    One such mark swallows all lines up to the next. 0 where quoting is meant: cells that begin
    and end with a mark, or lines that are no rows.
    """
    rejects, scans = scratch_name("rejects"), scratch_name("scans")
    cells = [identifier(name) for name in layout.columns]
    quoting = " OR ".join(f"(length({c}) > 1 AND {c} LIKE '\"%\"')" for c in cells)
    marked = " OR ".join(f"contains({c}, '\"')" for c in cells)
    reader = _reader(text, layout, "", rejects, scans)
    try:
        lone, meant = run(
            backend,
            f"SELECT count(*) FILTER ({marked}), count(*) FILTER ({quoting}) FROM {reader}",
        )[0]
        bad = run(backend, f"SELECT count(*) FROM {rejects}")[0][0]
    except duckdb.Error:
        return 0
    finally:
        run(backend, f"DROP TABLE IF EXISTS {rejects}")
        run(backend, f"DROP TABLE IF EXISTS {scans}")
    return 0 if meant or bad else int(lone)


def _lone_fact(name: str, lone: int) -> Fact:
    return Fact(
        "lone_quotes",
        "note",
        lone,
        f"{lone} lines of {name} hold a quotation mark that is never closed; the marks were read "
        "as part of the text, so that no line is lost.",
    )


def _renumber(backend: Backend, table: str, index: int, rejected: list[int]) -> None:
    """Rows were numbered without the rejected ones: give them their numbers in the file."""
    shifts = ", ".join(f"({row - i}, {i + 1})" for i, row in enumerate(rejected))
    shifted = scratch_name("shifted")
    run(
        backend,
        f"CREATE TEMP TABLE {shifted} AS SELECT kept.* REPLACE "
        f"(kept.{ROW} + coalesce(gaps.shift, 0) AS {ROW}) FROM {table} AS kept ASOF LEFT JOIN "
        f"(SELECT first, {index} AS file, max(shift) AS shift FROM (VALUES {shifts}) "
        f"AS gaps(first, shift) GROUP BY first) AS gaps "
        f"ON kept.{FILE} = gaps.file AND kept.{ROW} >= gaps.first",
    )
    run(backend, f"DROP TABLE {table}")
    run(backend, f"ALTER TABLE {shifted} RENAME TO {table}")


def _count(backend: Backend, table: str, index: int) -> int:
    return int(run(backend, f"SELECT count(*) FROM {table} WHERE {FILE} = {index}")[0][0])


def _delimited_facts(text: PlainText, layout: Dialect) -> list[Fact]:
    shown = DELIMITER_NAMES.get(layout.delimiter, f"'{layout.delimiter}'")
    facts = [Fact("delimiter", "ok", 0, f"Cells are delimited by {shown}.")]
    plain = text.encoding in ("utf-8", "utf-8-sig")
    facts.append(
        Fact(
            "encoding",
            "ok" if plain else "note",
            0,
            f"The text is in {text.encoding}."
            if plain
            else f"{text.name} is not in UTF-8; it was read as {text.encoding}. Declare the "
            "encoding if letters look wrong.",
        )
    )
    if layout.titles:
        facts.append(
            Fact(
                "title_lines",
                "note",
                layout.titles,
                f"{layout.titles} lines above the header of {text.name} were left out.",
            )
        )
    if layout.repeated:
        names = ", ".join(f"'{name}'" for name in layout.repeated)
        facts.append(
            Fact(
                "repeated_columns",
                "note",
                0,
                f"The header of {text.name} holds {names} more than once; the second is called "
                f"'{layout.repeated[0]} (2)' here.",
            )
        )
    return facts


def load_parquet(
    paths: Sequence[Path], backend: Backend, pick: Pick, window: Window | None = None
) -> Raw:
    """Look at Parquet files in place: only the columns that `pick` keeps are ever read.

    Of files and row groups whose own statistics say that all their times lie outside `window`,
    nothing is read. Rows keep the numbers that they have in the whole.
    """
    view = scratch_name("raw")
    selects, offset = [], 0
    for index, path in enumerate(paths):
        file = quoted(_literal(path))
        try:
            described = run(backend, f"DESCRIBE SELECT * FROM read_parquet({file})")
            counted = run(backend, f"SELECT sum(num_rows) FROM parquet_file_metadata({file})")[0]
        except duckdb.Error:
            raise LogError(
                f"{path.name} is not a whole Parquet file. Write it again, or rename it if it "
                "is something else."
            ) from None
        types = {row[0]: row[1] for row in described}
        kept = "".join(f"{_known(name, types[name])}, " for name in pick(list(types), path.name))
        inside = "" if window is None else _inside(backend, file, types[window.column], window)
        if inside is not None:
            selects.append(
                f"SELECT {kept}{index}::BIGINT AS {FILE}, file_row_number + 1 AS {ROW}, "
                f"{offset} + file_row_number + 1 AS {POSITION} "
                f"FROM read_parquet({file}, file_row_number=true){inside}"
            )
        offset += int(counted[0] or 0)
    if offset == 0:
        raise LogError(f"{_names(paths)} holds columns and no rows. Check the export's filter.")
    if not selects:
        raise LogError(f"{_names(paths)} {NO_SUCH_DAY}")
    run(backend, f"CREATE TEMP VIEW {view} AS " + " UNION ALL BY NAME ".join(selects))
    return Raw(
        backend.table(view),
        _names(paths),
        tuple(path.name for path in paths),
        scratch=(view,),
        rows=offset,
    )


def _inside(backend: Backend, file: str, kind: str, window: Window) -> str | None:
    """Return the filter that a Parquet file needs; None where none of its rows is wanted.

    Rows without a time, or with one that is none, stay: they are counted as unusable.
    """
    if kind not in _TYPED_TIMES:
        return ""
    first, last, unknown = run(
        backend,
        "SELECT min(epoch_us(try_cast(stats_min_value AS TIMESTAMP))), "
        "max(epoch_us(try_cast(stats_max_value AS TIMESTAMP))), "
        "bool_or(coalesce(stats_null_count, 1) > 0 OR stats_min_value IS NULL "
        "OR stats_max_value IS NULL) "
        f"FROM parquet_metadata({file}) WHERE path_in_schema = {quoted(window.column)}",
    )[0]
    if unknown or first is None or first < FIRST_US or last > LAST_US:
        return ""
    start, end = window.read_us
    if last < start or first > end:
        return None
    time, make = identifier(window.column), _TYPED_TIMES[kind]
    return f" WHERE {time} >= {make(start)} AND {time} <= {make(end)}"


def _known(name: str, kind: str) -> str:
    """Select a column in a type that Ibis knows: it has none for nanoseconds with a zone."""
    column = identifier(name)
    if kind != "TIMESTAMPTZ_NS":
        return column
    return f"make_timestamptz(epoch_ns({column}) // 1000) AS {column}"


def _literal(path: Path) -> str:
    """Return the path with the engine's pattern characters made literal."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def load_json_lines(
    paths: Sequence[Path], backend: Backend, pick: Pick, *, encoding: str | None = None
) -> Raw:
    """Load JSON Lines: one object a line, its top-level keys as columns of text."""
    table = scratch_name("raw")
    lines = scratch_name("lines")
    rejected: list[tuple[str, int, str, str]] = []
    offset = 0
    with tempfile.TemporaryDirectory(prefix="journeylib-") as folder:
        for index, path in enumerate(paths):
            text = plain_text(path, Path(folder), encoding)
            total = _load_lines(backend, lines, text)
            keys = run(
                backend,
                f"SELECT DISTINCT unnest(json_keys(line)) AS key FROM {lines} "
                "WHERE good ORDER BY key",
            )
            if not keys:
                raise LogError(
                    f"{path.name} holds no line that is a JSON object. JSON Lines has one "
                    'object on each line, such as {"customer": …}.'
                )
            # Names that differ by case only are one to the engine.
            names, _repeated = unique_names([row[0] for row in keys], len(keys))
            own = dict(zip(names, (row[0] for row in keys), strict=True))
            kept = "".join(
                f"json_extract_string(line, {quoted(_pointer(own[name]))}) AS {identifier(name)}, "
                for name in pick(names, path.name)
            )
            select = (
                f"SELECT {kept}{index}::BIGINT AS {FILE}, number AS {ROW}, "
                f"{offset} + number AS {POSITION} FROM {lines} WHERE good"
            )
            start = (
                f"CREATE TEMP TABLE {table} AS" if index == 0 else f"INSERT INTO {table} BY NAME"
            )
            run(backend, f"{start} {select}")
            bad = run(
                backend,
                f"SELECT number FROM {lines} WHERE NOT good ORDER BY number",
            )
            rejected += [(path.name, int(row[0]), "row", "not a JSON object") for row in bad]
            offset += total
            run(backend, f"DROP TABLE {lines}")
    files = tuple(path.name for path in paths)
    return Raw(
        backend.table(table),
        _names(paths),
        files,
        (),
        quarantine_frame(rejected),
        (table,),
    )


def _load_lines(backend: Backend, table: str, text: PlainText) -> int:
    run(
        backend,
        f"CREATE TEMP TABLE {table} AS FROM (SELECT line, row_number() OVER () AS number, "
        "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END AS good FROM "
        f"read_csv({quoted(str(text.path))}, auto_detect=false, header=false, delim='\x01', "
        "quote='', escape='', columns={'line': 'VARCHAR'}, compression='none', "
        "max_line_size=67108864, buffer_size=268435456)) WHERE trim(line) <> ''",
    )
    return int(run(backend, f"SELECT coalesce(max(number), 0) FROM {table}")[0][0])


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
