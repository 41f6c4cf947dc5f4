"""The one door to XES and OCEL: files checked against entity expansion, then read by others."""

from __future__ import annotations

import contextlib
import gzip
import mmap
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

import pyarrow as pa

from journeylib.core import LogError, SchemaError, did_you_mean
from journeylib.log.engine.private_folder import PrivateFolder
from journeylib.log.sources.text_encoding import is_packed, unpack

_BLOCK = 1 << 16
_HEAD = 1 << 20
_DATE = re.compile(r"<date\b[^>]*>")
_KEY, _VALUE = re.compile(r"""key=["']([^"']*)"""), re.compile(r"""value=["']([^"']*)""")
_STRING, _BYTES_VALUE = re.compile(rb"<string\b[^>]*>"), re.compile(rb"""value=["']([^"']*)""")
# A time, and the zone that it states or nothing.
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(Z|[+-]\d\d:?\d\d|)")
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


class _RootSeen(Exception):  # noqa: N818 - it ends the look at the prolog, nothing is wrong
    """The root element began: a document type can no longer follow."""


def refuse_entities(stream: IO[bytes], name: str) -> None:
    """Refuse XML with a document type, which could define entities that expand without end.

    A document type stands before the root element or nowhere, so reading stops there.

    Raises
    ------
    LogError
        There is a document type, or no XML.
    """

    def doctype(*_: Any) -> None:
        raise LogError(
            f"{name} has a document type (<!DOCTYPE>), which XES and OCEL do not need and which "
            "can hide harmful entities. Remove it if you trust the file."
        )

    def root(*_: Any) -> None:
        raise _RootSeen

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        while block := stream.read(_BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except _RootSeen:
        return
    except (expat.ExpatError, EOFError, gzip.BadGzipFile):
        pass
    raise LogError(f"{name} is not XML, or is damaged. Export the log again.")


@contextmanager
def _plain(path: Path, suffix: str) -> Iterator[Path]:
    """Give a file that is not packed, in a place of its own when it was."""
    if not is_packed(path):
        yield path
        return
    with PrivateFolder() as folder:
        target = folder / f"log{suffix}"
        yield unpack(path, target)


def read_xes(path: Path) -> tuple[pa.Table, int]:
    """Read an XES log, also gzipped: one row per event, trace attributes as ``case:…``.

    Times are UTC; those of a key that states no zone stay local times. `rustxes` reads it where
    it is installed, pm4py otherwise.

    Returns
    -------
    table : pyarrow.Table
    alike : int
        Traces with a name that another one has too: by their name they are one journey.
    """
    with _plain(path, ".xes") as plain:
        with plain.open("rb") as stream:
            refuse_entities(stream, path.name)
        naive, alike = _without_zone(plain), _traces_alike(plain)
        with _reader_errors(path, "XES"):
            try:
                return _in_utc(_xes_by_rust(plain), naive), alike
            except ImportError:
                return _in_utc(_xes_by_pm4py(plain), naive), alike


def _without_zone(path: Path) -> frozenset[str]:
    """Return the keys whose dates state no zone, as far as the beginning of the file tells."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD).decode("utf-8", errors="ignore")
    zoned: dict[str, bool] = {}
    for tag in _DATE.findall(head):
        key, value = _KEY.search(tag), _VALUE.search(tag)
        if key is not None and value is not None:
            zoned[key[1]] = zoned.get(key[1], False) or bool(_ZONE.search(value[1]))
    return frozenset(key for key, stated in zoned.items() if not stated)


def _traces_alike(path: Path) -> int:
    """Count the traces whose name, before their first event, another trace has too."""
    names: Counter[bytes] = Counter()
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        begin = content.find(b"<trace")
        while begin >= 0:
            end = content.find(b"</trace>", begin)
            end = len(content) if end < 0 else end
            event = content.find(b"<event", begin, end)
            for tag in _STRING.findall(content[begin : event if event >= 0 else end]):
                value = _BYTES_VALUE.search(tag)
                if b"concept:name" in tag and value is not None:
                    names[value[1]] += 1
            begin = content.find(b"<trace", end)
    return sum(n for n in names.values() if n > 1)


@contextmanager
def _reader_errors(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a reader throws into one plain error."""
    try:
        yield
    except BaseException as error:
        # Readers in Rust panic, which Python sees as no Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise LogError(
                f"{path.name} cannot be read as {kind} ({type(error).__name__}). Open it in "
                "another tool to see whether it is whole."
            ) from None
        raise


def _xes_by_rust(path: Path) -> pa.Table:
    import rustxes

    frame, _ = rustxes.import_xes(str(path))
    return frame.to_arrow()


def _xes_by_pm4py(path: Path) -> pa.Table:
    import pm4py

    frame = pm4py.read_xes(str(path), variant="iterparse", show_progress_bar=False)
    return pa.Table.from_pandas(frame, preserve_index=False)


@dataclass(frozen=True)
class ObjectType:
    """What a log is from the side of the objects of one type.

    Attributes
    ----------
    name : str
    lost : int
        Events that touch no object of the type.
    extra : int
        Rows beyond one an event: events that touch several objects are repeated.
    """

    name: str
    lost: int
    extra: int


ChooseType = Callable[[Sequence[ObjectType]], str | None]


def _object_types(log: Any) -> list[ObjectType]:
    """Return the object types of an OCEL log, that which loses and repeats least first."""
    relations, total = log.relations, len(log.events)
    types = []
    for name in sorted(relations[log.object_type_column].unique()):
        own = relations[relations[log.object_type_column] == name]
        touched = own[log.event_id_column].nunique()
        types.append(ObjectType(str(name), total - touched, len(own) - touched))
    return sorted(types, key=lambda one: (one.lost, one.extra, one.name))


def read_ocel(path: Path, object_type: str | ChooseType | None) -> pa.Table:
    """Read an OCEL log, 2.0 or 1.0 (JSON, XML or SQLite), as seen by the objects of one type.

    An event that touches several objects of the type has a row for each. The type is a name, or
    chosen by a function that gets all types, that which loses and repeats least first.

    Raises
    ------
    SchemaError
        No object type is given, or the log has none of that name.
    """
    import pm4py

    log, stated = _ocel(path)
    types = sorted(pm4py.ocel_get_object_types(log))
    if callable(object_type):
        object_type = object_type(_object_types(log))
    if object_type not in types:
        near = did_you_mean(object_type, types) if object_type else ""
        what = f"no object type '{object_type}'" if object_type else "several object types"
        raise SchemaError(
            f"{path.name} has {what}.{near} Declare as object_type (--object-type of `journeylib "
            f"init`) whose objects are the journeys: {', '.join(types)}."
        )
    flat = pm4py.ocel_flattening(log, object_type).reset_index(drop=True)
    table = pa.Table.from_pandas(flat, preserve_index=False)
    return _in_utc(table, frozenset() if stated else frozenset(map(_bare, table.column_names)))


def _ocel(path: Path) -> tuple[Any, bool]:
    """Read a log with all its objects by the reader of its version; say if times state a zone."""
    import pm4py

    # It would draw a progress bar of its own.
    pm4py.util.constants.SHOW_PROGRESS_BAR = False

    suffix = _ocel_suffix(path)
    with _plain(path, suffix) as plain, PrivateFolder() as folder:
        if suffix == ".xmlocel":
            with plain.open("rb") as stream:
                refuse_entities(stream, path.name)
        # pm4py tells formats apart by their names.
        named = folder / f"log{suffix}"
        shutil.copyfile(plain, named)
        with named.open("rb") as stream:
            zones = _TIME.findall(stream.read(_HEAD))
        stated = any(zones) or not zones
        if _is_first_version(named, suffix):
            with _reader_errors(path, "OCEL 1.0"):
                return pm4py.read_ocel(str(named)), stated
        with _reader_errors(path, "OCEL 2.0"):
            return pm4py.read_ocel2(str(named)), stated


def _is_first_version(path: Path, suffix: str) -> bool:
    """Tell OCEL 1.0 by its marks: keys with ``ocel:``, global scopes, and its tables."""
    if suffix == ".sqlite":
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            try:
                rows = database.execute("SELECT lower(name) FROM sqlite_master").fetchall()
            except sqlite3.DatabaseError:
                return False
        return "event_map_type" not in {row[0] for row in rows} and "relations" in {
            row[0] for row in rows
        }
    if suffix == ".csv":
        return True
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    return b'"ocel:' in head if suffix == ".jsonocel" else b"<global scope" in head


def _in_utc(table: pa.Table, naive: frozenset[str] = frozenset()) -> pa.Table:
    """Mark times as the UTC that the readers give, so that no zone is added to them later.

    Times of the `naive` columns are marked as what they are: local, in a zone to be declared.
    """
    fields = [
        pa.field(field.name, pa.timestamp("us", tz=None if _bare(field.name) in naive else "UTC"))
        if pa.types.is_timestamp(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields), safe=False)


def _bare(column: str) -> str:
    return column.removeprefix("case:")


def _ocel_suffix(path: Path) -> str:
    names = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    last = names[-1] if names else ""
    return {".json": ".jsonocel", ".xml": ".xmlocel"}.get(last, last)
