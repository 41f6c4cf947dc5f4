"""Workbooks and archives as logs: what is read of them, what is left out, and that it is said."""

from __future__ import annotations

import datetime as dt
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from journeylib.audits import write_first_config
from journeylib.core.errors import LogError
from journeylib.log.eventlog import EventLog
from journeylib.log.sources import spreadsheets

from .conftest import checks_of, frame_of, read

HEADER = ["who", "what", "at"]
NOON = dt.datetime(2026, 3, 1, 12, 0)
ROWS: list[list[Any]] = [
    ["a", "Call", NOON],
    ["a", "Mail", NOON + dt.timedelta(days=1)],
    ["b", "Call", NOON + dt.timedelta(days=2)],
]
CSV = "who,what,at\n{0},Call,2026-03-01\n{0},Mail,2026-03-02\n"


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def seen(log: EventLog) -> list[tuple[str, str, int]]:
    frame = frame_of(log)
    return list(zip(frame["customer"], frame["touchpoint"], frame["t_us"], strict=True))


NOON_US = 1_772_366_400_000_000
DAY = 86_400_000_000
WANTED = [("a", "Call", NOON_US), ("a", "Mail", NOON_US + DAY), ("b", "Call", NOON_US + 2 * DAY)]


def test_a_sheet_reads_as_its_rows_would_in_a_csv(tmp_path: Path) -> None:
    assert seen(read(workbook(tmp_path / "log.xlsx", Data=[HEADER, *ROWS]))) == WANTED


def test_titles_and_totals_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        ["Contacts of March"], [None], ["Source: the desk"], HEADER, *ROWS,
        ["Total", 3, None], [None], ["Printed on Monday"],
    ]  # fmt: skip
    log = read(workbook(tmp_path / "log.xlsx", Notes=[["hello"]], Data=rows))
    assert seen(log) == WANTED
    assert checks_of(log, "sheet")["text"][0] == (
        "log.xlsx: sheet 'Data'; 1 smaller sheet was left out."
    )
    assert checks_of(log, "title_lines")["rows"][0] == 2
    assert checks_of(log, "total_rows")["rows"][0] == 2


def test_a_customer_called_summer_is_no_total(tmp_path: Path) -> None:
    rows = [*ROWS, ["Summer", "Call", NOON + dt.timedelta(days=3)]]
    assert len(seen(read(workbook(tmp_path / "log.xlsx", Data=[HEADER, *rows])))) == 4


def test_serial_days_in_a_column_of_times_become_days(tmp_path: Path) -> None:
    # 46082.5 is noon of 1 March 2026: 46082 days since 30 December 1899.
    assert (NOON - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1) == 46082.5
    rows = [["a", "Call", 46082.5], ["a", "Mail", 46083.5], ["b", "Call", 46084.5]]
    log = read(workbook(tmp_path / "log.xlsx", Data=[HEADER, *rows]))
    assert seen(log) == WANTED
    assert "'at' were read as the serial days" in checks_of(log, "serial_days")["text"][0]


def test_ids_that_a_spreadsheet_rounded_are_doubted(tmp_path: Path) -> None:
    rows = [[4_000_000_000_000_000 + i, "Call", NOON] for i in range(2)]
    log = read(workbook(tmp_path / "log.xlsx", Data=[HEADER, *rows]))
    assert checks_of(log, "rounded_numbers")["severity"][0] == "warning"
    short = read(workbook(tmp_path / "b.xlsx", Data=[HEADER, [12345, "Call", NOON]]))
    assert seen(short)[0][0] == "12345"
    assert checks_of(short, "rounded_numbers").empty


def test_an_open_document_is_read_too(tmp_path: Path) -> None:
    def cell(text: str) -> str:
        return (
            '<table:table-cell office:value-type="string"><text:p>' + text + "</text:p>"
            "</table:table-cell>"
        )

    rows = [HEADER, ["a", "Call", "2026-03-01 12:00"], ["a", "Mail", "2026-03-02 12:00"]]
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<office:document-content xmlns:office="{names}office:1.0" '
        f'xmlns:table="{names}table:1.0" xmlns:text="{names}text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="Data">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    path = tmp_path / "log.ods"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", content)
        file.writestr(
            "META-INF/manifest.xml",
            f'<m:manifest xmlns:m="{names}manifest:1.0"><m:file-entry m:full-path="/"/>'
            "</m:manifest>",
        )
    assert seen(read(path)) == WANTED[:2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><table><tr><td>who</td></tr></table></html>", "is a web page .HTML. under"),
        (b"<?xml version='1.0'?><Workbook/>", "is XML under the name of a spreadsheet"),
        (b"PK\x03\x04 and no more", "is not a workbook that can be opened"),
    ],
)
def test_what_is_no_workbook_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "log.xls"
    path.write_bytes(content)
    with pytest.raises(LogError, match=said):
        read(path)


def test_a_zip_and_a_tar_of_several_files_are_read_as_their_files(tmp_path: Path) -> None:
    packed = tmp_path / "logs.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("b", "a"):
            file.writestr(f"2026/{name}.csv", CSV.format(name))
        file.writestr("__MACOSX/._a.csv", "x")
    tarred = tmp_path / "logs.tar.gz"
    with tarfile.open(tarred, "w:gz") as archive:
        for name in ("b", "a"):
            content = CSV.format(name).encode()
            member = tarfile.TarInfo(f"../../{name}.csv")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    for path in (packed, tarred):
        log = read(path)
        assert frame_of(log)["customer"].tolist() == ["a", "a", "b", "b"]
    assert not list(tmp_path.parent.glob("*.csv"))  # a path in an archive leads nowhere


def test_a_damaged_archive_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "logs.tar.gz"
    path.write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(LogError, match="is damaged: it cannot be unpacked"):
        read(path)


def test_init_opens_a_workbook_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[f"c{i // 3}", "abc"[i % 3], NOON + dt.timedelta(hours=i)] for i in range(30)]
    path = workbook(tmp_path / "log.xlsx", log=[["customer", "activity", "timestamp"], *rows])
    opened: list[str] = []
    opening = CalamineWorkbook.from_path

    def counted(name: Any) -> Any:
        opened.append(str(name))
        return opening(name)

    class Counted:
        from_path = staticmethod(counted)

    monkeypatch.setattr(spreadsheets, "CalamineWorkbook", Counted)
    write_first_config(path, out=tmp_path / "log.yaml")
    assert len(opened) == 1
