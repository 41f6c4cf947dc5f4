"""Log files into the engine: delimited text, JSON Lines, Parquet, with every row traceable."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend

from journeylib.core import LogError, label, nearest_file
from journeylib.log.engine.duckdb import identifier, quoted, run, scratch_name
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.eventlog import Check, check
from journeylib.log.sources.raw_table import (
    FILE,
    FIRST_US,
    LAST_US,
    NO_SUCH_DAY,
    POSITION,
    ROW,
    Pick,
    Raw,
    ReadOptions,
    Window,
    quarantine_frame,
)
from journeylib.log.sources.text_encoding import (
    DELIMITER_NAMES,
    Dialect,
    PlainText,
    count_folded,
    count_lines,
    dialect,
    likely_delimiter,
    plain_text,
    unique_names,
)

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
# Whether a line is a JSON object.
IS_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"


def matching_files(text: str) -> list[Path]:
    """Return the files that a path or a pattern stands for, patterns in order of name."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise LogError(
            f"{path.name or path} is a directory. Name a file, or a pattern such as "
            f"'{path.name or path}/*.csv'. A folder is read where `journeylib recipes` lists the "
            "system that it is an export of."
        )
    if not path.exists() and glob.has_magic(text):
        matches = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - absolute patterns
        files = [name for name in matches if name.is_file()]
        if not files:
            raise LogError(f"no file matches the pattern '{text}'.")
        return files
    if not path.exists():
        where = "" if path.parent.is_dir() else f" There is no folder '{path.parent.name}' either."
        hint = nearest_file(path) or f"{where} Check its name and its folder."
        raise LogError(f"there is no file '{path.name}'.{hint}")
    if not path.is_file():
        raise LogError(f"{path.name} is a pipe or a device. Write its content to a file first.")
    return [path]


def load_delimited(
    paths: Sequence[Path], backend: Backend, pick: Pick, options: ReadOptions
) -> Raw:
    """Load CSV or TSV files, every cell as text, so that nothing is coerced silently.

    Rows with more or fewer cells than the header are counted in `Raw.rejected`.
    """
    table = scratch_name("raw")
    rejected: list[tuple[str, int, str, str]] = []
    facts: list[Check] = []
    offset = 0
    with PrivateFolder() as folder:
        for index, path in enumerate(paths):
            text = plain_text(path, folder, options.encoding)
            layout = dialect(text, options.delimiter)
            columns = _picked(text, layout, options.delimiter, pick)
            select, rejects = _reader(text, layout, columns, options.limit)
            numbered = f"SELECT *, {index}::BIGINT AS {FILE}, {offset} + {ROW} AS {POSITION}"
            _fill(backend, table, f"{numbered} FROM ({select})", text, columns if index else ())
            bad = _rejected_rows(backend, rejects, layout)
            if bad:
                _renumber(backend, table, index, [row for row, _ in bad])
            rejected += [(path.name, row, "row", reason) for row, reason in bad]
            facts += _delimited_facts(text, layout)
            rows = _count(backend, table, index)
            if options.limit is None:
                _refuse_lost_rows(text, layout, rows, [row for row, _ in bad])
            offset += rows
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


def _reader(
    text: PlainText, layout: Dialect, columns: list[str], limit: int | None
) -> tuple[str, str]:
    """Return the query that reads a file, and the table in which it leaves what is no row."""
    rejects = scratch_name("rejects")
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in layout.columns)
    columns_sql = "".join(f"{identifier(name)}, " for name in columns)
    mark = quoted(layout.quote)
    query = (
        f"SELECT {columns_sql}row_number() OVER () AS {ROW} FROM "
        f"read_csv({quoted(str(text.path))}, auto_detect=false, header=true, "
        f"skip={layout.skip}, delim={quoted(layout.delimiter)}, quote={mark}, escape={mark}, "
        f"columns={{{types}}}, store_rejects=true, rejects_table={quoted(rejects)}, "
        f"rejects_scan={quoted(rejects + '_scans')}, compression='none')"
    )
    return query if limit is None else f"{query} LIMIT {limit}", rejects


def _fill(backend: Backend, table: str, select: str, text: PlainText, more: Sequence[str]) -> None:
    """Make `table` of what a query gives, or append it where `more` names a later file's columns.

    Rows of earlier files lack the columns that only a later one has.
    """
    for name in more:
        run(backend, f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {identifier(name)} VARCHAR")
    start = f"INSERT INTO {table} BY NAME" if more else f"CREATE TEMP TABLE {table} AS"
    try:
        run(backend, f"{start} {select}")
    except duckdb.Error as error:
        raise LogError(
            f"{text.name} cannot be read row by row: {type(error).__name__}. Check that it is a "
            "CSV file with one header line, or JSON Lines."
        ) from None


def _rejected_rows(backend: Backend, rejects: str, layout: Dialect) -> list[tuple[int, str]]:
    """Return the numbers of what is no row, with reasons, and drop the reader's own tables."""
    query = f"SELECT line, min(error_type::VARCHAR) FROM {rejects} GROUP BY line ORDER BY line"
    lines = run(backend, query)
    for name in (rejects, f"{rejects}_scans"):
        run(backend, f"DROP TABLE IF EXISTS {name}")
    # The engine counts the header as a line.
    return [(int(line) - 1 - layout.skip, _REASONS.get(kind, "not a row")) for line, kind in lines]


def _refuse_lost_rows(text: PlainText, layout: Dialect, rows: int, bad: list[int]) -> None:
    """Raise where the reader passed over rows: the lines of the file are counted without it."""
    lines = count_lines(text, layout.skip, blank=len(layout.columns) == 1) - 1
    if lines != rows + len(bad):
        lines -= count_folded(text, layout.delimiter)
    if lines != rows + len(bad):
        hint = f" Look at row {bad[0]} first." if bad else ""
        raise LogError(
            f"{text.name} has {lines} rows, of which {rows + len(bad)} can be told apart. A "
            f"quotation mark that is never closed hides the rows after it.{hint} Correct the "
            "file, or export it again."
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


def _delimited_facts(text: PlainText, layout: Dialect) -> list[Check]:
    mark = layout.delimiter
    shown = label("log.delimiter", mark) if mark in DELIMITER_NAMES else f"'{mark}'"
    encoding = "utf8" if text.encoding in ("utf-8", "utf-8-sig") else "other"
    facts = [
        check("delimiter.read", delimiter=shown),
        check(f"encoding.{encoding}", encoding=text.encoding, file=text.name),
    ]
    if layout.titles:
        facts.append(check("title_lines.some", rows=layout.titles, file=text.name))
    if layout.lone_marks:
        facts.append(check("lone_quotes.some", rows=layout.lone_marks, file=text.name))
    if text.lone_returns:
        facts.append(check("lone_returns.some", rows=text.lone_returns, file=text.name))
    if layout.repeated:
        names = ", ".join(f"'{name}'" for name in layout.repeated)
        second = layout.repeated[0]
        facts.append(check("repeated_columns.some", file=text.name, names=names, second=second))
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
        columns_sql = "".join(
            f"{_known(name, types[name])}, " for name in pick(list(types), path.name)
        )
        inside = "" if window is None else _inside(backend, file, types[window.column], window)
        if inside is not None:
            selects.append(
                f"SELECT {columns_sql}{index}::BIGINT AS {FILE}, file_row_number + 1 AS {ROW}, "
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
    paths: Sequence[Path], backend: Backend, pick: Pick, options: ReadOptions
) -> Raw:
    """Load JSON Lines: one object a line, its top-level keys as columns of text."""
    table = scratch_name("raw")
    lines = scratch_name("lines")
    rejected: list[tuple[str, int, str, str]] = []
    offset = 0
    with PrivateFolder() as folder:
        for index, path in enumerate(paths):
            text = plain_text(path, folder, options.encoding)
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
            columns = pick(names, path.name)
            columns_sql = "".join(
                f"json_extract_string(line, {quoted(_pointer(own[name]))}) AS {identifier(name)}, "
                for name in columns
            )
            select = (
                f"SELECT {columns_sql}{index}::BIGINT AS {FILE}, number AS {ROW}, "
                f"{offset} + number AS {POSITION} FROM {lines} WHERE good"
            )
            _fill(backend, table, select, text, columns if index else ())
            bad = run(backend, f"SELECT number FROM {lines} WHERE NOT good ORDER BY number")
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


def lines_of(text: PlainText) -> str:
    """Return the SQL of a table of a text's lines, in the column ``line``."""
    return (
        f"read_csv({quoted(str(text.path))}, auto_detect=false, header=false, delim='\x01', "
        "quote='', escape='', columns={'line': 'VARCHAR'}, compression='none', "
        "max_line_size=67108864, buffer_size=268435456)"
    )


def _load_lines(backend: Backend, table: str, text: PlainText) -> int:
    select = (
        f"SELECT line, row_number() OVER () AS number, {IS_OBJECT} AS good FROM {lines_of(text)}"
    )
    _fill(backend, table, select, text, ())
    read = int(run(backend, f"SELECT count(*) FROM {table}")[0][0])
    if (lines := count_lines(text, blank=True)) != read:
        raise LogError(f"{text.name} has {lines} lines, of which {read} can be read.")
    run(backend, f"DELETE FROM {table} WHERE coalesce(trim(line), '') = ''")
    return read


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
