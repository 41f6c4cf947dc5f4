"""Text files made plain: unpacked, in UTF-8, with their delimiter and header known."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import lzma
import mmap
import re
import shutil
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from journeylib.core import LogError

_BLOCK = 1 << 20
_SAMPLE = 1 << 18
_LOOKED_AT, _MOST_TITLES = 500, 50
csv.field_size_limit(max(_SAMPLE, csv.field_size_limit()))  # one cell may fill what is looked at
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
# Logs pack to a tenth, at most to a hundredth of their size.
_MOST_EXPANSION = 200
_UNPACKED_FREELY = 64 << 20
_LEFT_FREE = 256 << 20
# `zipfile` raises NotImplementedError for a way of packing that it does not know.
_DAMAGES = (
    EOFError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
)
TEXT_KINDS = {"", ".csv", ".tsv", ".tab", ".txt", ".dat"}
_DELIMITERS = (",", ";", "\t", "|", "^", "~", ":")
DELIMITER_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# An address, a date, a time of day or a long number: no name of a column.
_DATUM = re.compile(
    r"\S@\S+\.\S|^\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}(?!\d)|^\d{1,2}:\d\d(?!\d)|^[+-]?\d{5,}([.,]\d+)?$"
)
_BINARY = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x7fELF": "a program",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"BZh": "a bzip2 archive",
}
# cp1252 is what Western exports are written in; its neighbours decode the same bytes to
# other letters, so short samples cannot tell them apart.
_ENCODINGS = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "shift_jis", "euc_jp"]
_ENCODINGS += ["gb18030", "big5", "euc_kr", "cp1255", "cp1256"]
_WESTERN = {"English", "German", "French", "Spanish", "Italian", "Portuguese", "Dutch", "Unknown"}
_WESTERN |= {"Swedish", "Norwegian", "Danish", "Finnish", "Indonesian", "Turkish"}


@dataclass(frozen=True)
class PlainText:
    """A UTF-8 file on disk, with what it took to get there.

    Attributes
    ----------
    path : Path
    name, encoding : str
        Of the file as it was given.
    lone_returns : int
        Carriage returns within lines, which became blanks.
    """

    path: Path
    name: str
    encoding: str
    lone_returns: int = 0


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is laid out.

    Attributes
    ----------
    delimiter : str
    columns : tuple of str
        Header names, blank and repeated ones made unique.
    skip : int
        Lines before the header.
    repeated : tuple of str
        Names that the header holds more than once.
    titles : int
        Lines of text above the header.
    lone_marks : int
        Cells that begin with a quotation mark where no cell is quoted: the marks are text.
    """

    delimiter: str
    columns: tuple[str, ...]
    skip: int = 0
    repeated: tuple[str, ...] = ()
    titles: int = 0
    lone_marks: int = 0

    @property
    def quote(self) -> str:
        """The mark around cells; empty where there is none."""
        return "" if self.lone_marks else '"'


def plain_text(path: Path, folder: Path, encoding: str | None = None) -> PlainText:
    """Unpack and transcode `path` into `folder`, or leave it where it is when already plain.

    Raises
    ------
    LogError
        The file is empty, binary, an archive of several files, or not in its encoding.
    """
    plain = _unpacked(path, folder)
    with plain.open("rb") as stream:
        head = stream.read(_BLOCK)
    if not head.strip():
        raise LogError(f"{path.name} is empty. Export the log again and check its size.")
    if encoding is None:
        encoding = _encoding(plain, head, path.name)
    elif not _known_encoding(encoding):
        raise LogError(f"encoding '{encoding}' is unknown. Try 'utf-8', 'cp1252' or 'utf-16'.")
    if codecs.lookup(encoding).name != "utf-8":
        plain = _transcoded(plain, folder, encoding, path.name)
    ends = _line_ends(plain)
    if ends.mixed or ends.lone_returns:
        # The engine takes the first line's end for all of them, and would lose rows.
        plain = _one_line_end(plain, folder, ends)
    within = ends.lone_returns if ends.lines else 0
    return PlainText(plain, path.name, encoding, within)


@dataclass(frozen=True)
class _LineEnds:
    """Line ends of a text: those by LF, by CR LF among them, and carriage returns alone."""

    lines: int
    windows: int
    lone_returns: int

    @property
    def mixed(self) -> bool:
        return 0 < self.windows < self.lines


def _line_ends(path: Path) -> _LineEnds:
    windows, lines, returns, last = 0, 0, 0, b""
    for block in _blocks(path):
        windows += block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
        lines += block.count(b"\n")
        returns += block.count(b"\r")
        last = block[-1:]
    return _LineEnds(lines, windows, returns - windows)


def _one_line_end(path: Path, folder: Path, ends: _LineEnds) -> Path:
    """End each line by LF: a carriage return within a line is a blank, alone it is a line end."""
    target = _free_name(folder, ".txt")
    with target.open("wb") as out:
        if ends.lines:
            with path.open("rb") as source:
                for line in source:
                    out.write(line.replace(b"\r\n", b"\n").replace(b"\r", b" "))
        else:
            out.writelines(block.replace(b"\r", b"\n") for block in _blocks(path))
    return target


def count_lines(text: PlainText, skip: int = 0, *, blank: bool = False) -> int:
    """Count the lines of a text after the first `skip`, empty ones only where `blank`."""
    with text.path.open("rb") as stream:
        for _ in range(skip):
            stream.readline()
        return sum(1 for line in stream if blank or line.strip(b"\r\n"))


def count_folded(text: PlainText, delimiter: str) -> int:
    """Count the lines that begin within a quoted cell, which may hold line ends.

    Only a cell whose closing quotation mark stands before a delimiter or the end of its line
    counts: what a mark that is never closed would swallow are rows.
    """
    inner = re.compile(rb"\n(?!\r?\n)")
    with _mapped(text) as content:
        return sum(
            len(inner.findall(match[0])) for match in _quoted_cell(delimiter).finditer(content)
        )


def _lone_marks(text: PlainText) -> int:
    """Count the cells of a text with tabs that begin with a quotation mark, if none is quoted.

    With tabs most programs quote nothing, so that a mark is a letter like any other. With other
    delimiters a mark that is never closed is a damage. 0 where some cell is quoted.
    """
    opening = re.compile(rb'(?:^|(?<=[\n\t]))"')
    with _mapped(text) as content:
        if content.find(b'"') < 0 or _quoted_cell("\t").search(content):
            return 0
        return sum(1 for _ in opening.finditer(content))


@contextlib.contextmanager
def _mapped(text: PlainText) -> Iterator[mmap.mmap]:
    with (
        text.path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        yield content


def _quoted_cell(delimiter: str) -> re.Pattern[bytes]:
    mark = re.escape(delimiter.encode())
    return re.compile(rb'(?:^|(?<=[\n%b]))"(?:[^"]++|"")*+"(?=[\r\n%b]|\Z)' % (mark, mark))


def _known_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _free_name(folder: Path, suffix: str) -> Path:
    return folder / f"{len(list(folder.iterdir())):05d}{suffix}"


def _unpacked(path: Path, folder: Path) -> Path:
    if is_packed(path):
        return unpack(path, _free_name(folder, ".txt"))
    if any(c in path.name for c in "*?["):
        # The engine would take such a name for a pattern.
        link = _free_name(folder, ".txt")
        link.symlink_to(path.resolve())
        return link
    return path


def is_packed(path: Path) -> bool:
    """Return whether a file is packed by gzip or zip, by its first bytes."""
    return _starts(path, _GZIP) or _starts(path, _ZIP)


def _starts(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def unpack(path: Path, target: Path) -> Path:
    """Unpack a gzip file, or the one file in a zip, to `target`.

    Raises
    ------
    LogError
        It is damaged, encrypted or holds several files, or what comes out is out of proportion.
    """
    with damage_named(path), contextlib.ExitStack() as stack:
        source: IO[bytes] | gzip.GzipFile
        if _starts(path, _GZIP):
            source = stack.enter_context(gzip.open(path, "rb"))
        else:
            archive = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(_member(archive, path.name))
        copy_within_bounds(source, target, path)
    return target


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what goes wrong in a damaged archive into one plain error."""
    damaged = LogError(f"{path.name} is damaged: it cannot be unpacked. Copy it again.")
    try:
        yield
    except _DAMAGES:
        raise damaged from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise damaged from None


def copy_within_bounds(
    source: IO[bytes] | gzip.GzipFile, target: Path, packed: Path, before: int = 0
) -> int:
    """Copy what an archive holds to `target`; return how large all is that came out of it.

    Parameters
    ----------
    source : binary stream
    target : Path
    packed : Path
        The archive.
    before : int
        Bytes that came out of it before.

    Raises
    ------
    LogError
        What comes out is out of proportion, or there is no room for it.
    """
    most = max(_UNPACKED_FREELY, _MOST_EXPANSION * packed.stat().st_size)
    size = before
    with target.open("wb") as out:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > most:
                raise LogError(
                    f"{packed.name} unpacks to more than {_MOST_EXPANSION} times its size, as no "
                    "log does. Unpack it yourself and name the file if you trust it."
                )
            if shutil.disk_usage(target.parent).free < _LEFT_FREE:
                raise LogError(
                    f"{packed.name} does not fit unpacked in the temporary folder. Set TMPDIR to "
                    "a folder on a disk with more room."
                )
            out.write(block)
    return size


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
    if any(m.filename == "[Content_Types].xml" for m in members):
        raise LogError(
            f"{name} is an Office file. Name it .xlsx, or save its sheet as CSV (UTF-8)."
        )
    if len(members) != 1:
        listed = ", ".join(sorted(m.filename for m in members)[:5])
        raise LogError(
            f"{name} holds {len(members)} files ({listed}); a zipped log holds one. Unpack it "
            "and name the files."
        )
    if members[0].flag_bits & 1:
        raise LogError(f"{name} is encrypted. Unpack it and name the file inside.")
    return archive.open(members[0])


def _encoding(path: Path, head: bytes, name: str) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise LogError(f"{name} is {what}, not a log. Export the log as CSV or Parquet.")
    if b"\0" in head:
        return _wide_encoding(head, name)
    if _is_utf8(path):
        return "utf-8"
    return _legacy_encoding(path, name)


def _wide_encoding(head: bytes, name: str) -> str:
    """UTF-16 without a mark shows as zeros in every other byte; other zeros mean binary."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.4 * len(head[1::2]) and even == 0:
        return "utf-16-le"
    if even > 0.4 * len(head[0::2]) and odd == 0:
        return "utf-16-be"
    raise LogError(f"{name} is a binary file, or text with zero bytes. Export the log again.")


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _legacy_encoding(path: Path, name: str) -> str:
    import charset_normalizer

    with path.open("rb") as stream:
        telling: list[bytes] = []
        size = 0
        for line in stream:
            if not line.isascii():
                telling.append(line)
                size += len(line)
            if size > _SAMPLE // 4:
                break
    sample = b"".join(telling)
    controls = sum(byte < 32 and byte not in b"\t\r\n\f" for byte in sample)
    if controls > len(sample) // 100:
        raise LogError(f"{name} is a binary file, not a log. Export the log as CSV or Parquet.")
    best = charset_normalizer.from_bytes(sample, cp_isolation=_ENCODINGS).best()
    if best is not None and best.language not in _WESTERN:
        return best.encoding
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _transcoded(path: Path, folder: Path, encoding: str, name: str) -> Path:
    target = _free_name(folder, ".txt")
    try:
        with (
            path.open(encoding=encoding, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as out,
        ):
            shutil.copyfileobj(source, out, _BLOCK)
    except UnicodeError as error:
        raise LogError(
            f"{name} cannot be read in the encoding '{encoding}'. Declare the right one, or "
            "export the log as UTF-8."
        ) from error
    return target


def dialect(text: PlainText, delimiter: str | None = None) -> Dialect:
    """Find the delimiter and the header of a delimited file.

    Raises
    ------
    LogError
        The file holds a header and nothing else, or no header. What stands there is not shown.
    """
    with text.path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
        whole = len(sample) < _SAMPLE
    lines = sample.decode("utf-8-sig", errors="ignore").splitlines(keepends=True)
    if not whole and len(lines) > 2:  # the first row is kept even where it is cut
        lines = lines[:-1]
    skip = 0
    if lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        delimiter = delimiter or lines[0].strip()[4]
        skip = 1
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    body = "".join(lines[skip:])
    if delimiter is None:
        delimiter = _delimiter(body)
    elif len(delimiter) != 1:
        raise LogError(f"delimiter '{delimiter}' has {len(delimiter)} characters; it must have 1.")
    lone = _lone_marks(text) if delimiter == "\t" else 0
    quote = "" if lone else '"'
    titles, above = _title_lines(body, delimiter, quote)
    skip += above
    body = "".join(lines[skip:])
    rows = _rows(body, delimiter, quote)
    if len(rows) < 2 and len(body.split("\n")) > 2:
        raise LogError(
            f"the first rows of {text.name} cannot be told apart: a quotation mark is never "
            "closed. Correct the file, or export it again."
        )
    if len(rows) < 2:
        kind = Path(text.name).suffix
        hint = "" if kind in TEXT_KINDS else f" It was read as CSV: save a '{kind}' file as such."
        raise LogError(
            f"{text.name} holds a header and no rows. Check the filter of the export.{hint}"
        )
    if _is_row(rows[0], rows[1:]):
        raise LogError(
            f"{text.name} seems to have no header: its first line holds values, not names of "
            "columns. Write a first line with a name for each column."
        )
    widths = Counter(len(row) for row in rows[1:] if row)
    columns, repeated = unique_names(rows[0], widths.most_common(1)[0][0] if widths else 0)
    return Dialect(delimiter, columns, skip, repeated, titles, lone)


def _title_lines(body: str, delimiter: str, quote: str) -> tuple[int, int]:
    """Return how many lines of text stand above the header, and how many lines it is with blanks.

    A header is as wide as the rows usually are; with a delimiter at the end of each row it is
    one cell less.
    """
    reader = _reader(body, delimiter, quote)
    seen: list[tuple[int, int]] = []
    with contextlib.suppress(csv.Error):
        for row in itertools.islice(reader, _LOOKED_AT):
            seen += [(len(row), reader.line_num)] if row else []
    widths = Counter(width for width, _ in seen)
    usual, often = widths.most_common(1)[0] if widths else (0, 0)
    if usual < 2 or often < 0.6 * len(seen):
        return 0, 0
    for index, (width, line) in enumerate(seen[:_MOST_TITLES]):
        if width >= max(2, usual - 1):
            return index, line - 1 if index else 0
    return 0, 0


def _reader(body: str, delimiter: str, quote: str) -> Any:
    content = io.StringIO(body, newline="")
    if quote:
        return csv.reader(content, delimiter=delimiter)
    return csv.reader(content, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def likely_delimiter(text: PlainText) -> str:
    """Return the delimiter that the file seems to be written with."""
    with text.path.open("rb") as stream:
        return _delimiter(stream.read(_SAMPLE).decode("utf-8-sig", errors="ignore"))


def _delimiter(body: str) -> str:
    """Take the delimiter that gives rows of equal width, then the one that gives most columns.

    Rows are held against the header; below lines of title, against most of the rows.
    """
    split = {one: [row for row in _rows(body, one)[:200] if row] for one in _DELIMITERS}

    def even(candidate: str, width: int) -> float:
        rows = split[candidate]
        return sum(len(row) == width for row in rows) / max(len(rows), 1)

    def by_header(candidate: str) -> tuple[bool, float, int]:
        width = len(split[candidate][0]) if split[candidate] else 0
        return width > 1, round(even(candidate, width), 1), width

    def by_rows(candidate: str) -> tuple[bool, float, int]:
        widths = Counter(map(len, split[candidate]))
        width = widths.most_common(1)[0][0] if widths else 0
        return width > 1, even(candidate, width), width

    best = max(_DELIMITERS, key=by_header)
    wide, share, _ = by_header(best)
    return best if wide and share >= 0.5 else max(_DELIMITERS, key=by_rows)


def _rows(body: str, delimiter: str, quote: str = '"') -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in _reader(body, delimiter, quote):
            if row:
                rows.append(row)
            if len(rows) > 500:
                break
    except csv.Error:
        # A field longer than the reader allows; what came before is enough to judge.
        return rows
    return rows


def _is_row(header: list[str], rows: list[list[str]]) -> bool:
    """Return whether what should be a header holds a datum, or what its own columns hold.

    The row below does not count: surveys write the wording of their questions there.
    """
    others = [row for row in (rows[1:] or rows) if row != header]
    repeated = [
        cell
        for i, cell in enumerate(header)
        if cell.strip() and any(cell == row[i] for row in others if i < len(row))
    ]
    return len(repeated) > 1 or any(_DATUM.search(cell.strip()) for cell in header)


def unique_names(header: list[str], width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name every column once; rows that end in a delimiter get a last column without name."""
    names = [cell.strip() or f"column {i}" for i, cell in enumerate(header, start=1)]
    if width == len(names) + 1:
        names.append(f"column {width}")
    seen: Counter[str] = Counter(name.casefold() for name in names)
    taken: set[str] = set()
    unique: list[str] = []
    repeated: list[str] = []
    for name in names:
        number, new = 1, name
        # The engine takes names that differ by case only for one.
        while new.casefold() in taken or (number > 1 and new.casefold() in seen):
            number += 1
            new = f"{name} ({number})"
        taken.add(new.casefold())
        unique.append(new)
        repeated += [name] if number == 2 else []
    return tuple(unique), tuple(dict.fromkeys(repeated))
