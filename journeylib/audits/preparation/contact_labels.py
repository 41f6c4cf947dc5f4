"""Labels of contacts: the spreadsheet that people fill in, and the file that comes of it.

Both hold what customers say. They stand outside every run, and nothing of them enters one.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.core import ConfigError, RunError, extra, nearest_file, text, use_language
from journeylib.journeys import Journeys
from journeylib.measures import (
    LABEL_COLUMNS,
    LEARN,
    MEASURE,
    UNSURE,
    LabelLists,
    ServiceTypeSettings,
    label_lists,
    openings,
)

LISTS = (LEARN, MEASURE)
LABELS_END = "-labels.personal.csv"
WORKBOOK_END = "-labels.personal.xlsx"
RUN_FILES = ("audit.json", "manifest.json")
_TO_CHOOSE = ("type", "second_type")


@dataclass(frozen=True)
class ImportedLabels:
    """Labels that came back.

    Attributes
    ----------
    path : Path
        Where they are kept.
    learned, measured, second : int
        Openings with a type on either list, and those with a second one.
    """

    path: Path
    learned: int
    measured: int
    second: int


def write_label_lists(config: AuditConfig, journeys: Journeys, path: Path) -> LabelLists:
    """Write the openings that people label as a workbook.

    Parameters
    ----------
    config : AuditConfig
        Its types are the choices, its language that of the instructions.
    journeys : Journeys
        As of `read_journeys`.
    path : Path
        Ends with ``.xlsx``; in no folder of a run.

    Raises
    ------
    RunError
        If the file is there already, stands in a run, or cannot be written.
    LogError
        If too few customers say something.
    """
    outside_runs(path)
    if path.suffix.casefold() != ".xlsx":
        raise RunError(f"{path.name} must end with .xlsx: the lists are an Excel workbook.")
    if path.exists():
        raise RunError(
            f"{path} is there already, perhaps with labels in it. Move it, or choose another --out."
        )
    lists = label_lists(openings(journeys, config.measures))
    types = config.service_types or ServiceTypeSettings()
    with use_language(config.language):
        _write_private(path, _workbook(lists, (*types.names, UNSURE)))
    return lists


def outside_runs(path: Path) -> None:
    """Refuse a path in the folder of a run: what customers say stays out of it."""
    for folder in path.resolve().parents:
        if all((folder / name).is_file() for name in RUN_FILES):
            raise RunError(
                f"{path} stands in the run {folder.name}, and openings are personal. Choose a "
                "path outside the runs."
            )


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
    except OSError as error:
        raise RunError(
            f"cannot write {path.name}: {error.strerror}. Choose another path."
        ) from None


def _workbook(lists: LabelLists, choices: Sequence[str]) -> bytes:
    with extra("workshop", "an Excel workbook"):
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font
        from openpyxl.worksheet.datavalidation import DataValidation
    book = Workbook()
    about = book.active
    about.title = "about"
    about.column_dimensions["A"].width = 100
    for line in text("audits.labels.about", choices=", ".join(choices)).splitlines():
        about.append([line])
    about["A1"].font = Font(bold=True)
    for name in LISTS:
        sheet = book.create_sheet(name)
        sheet.append([column for column in LABEL_COLUMNS if column != "list"])
        for row in lists.rows[lists.rows["list"] == name].to_dict("records"):
            second = text("audits.labels.second") if row["twice"] else ""
            opening = _plain(row["opening"])
            sheet.append([row["contact"], opening, None, None, None, second])
        sheet["F1"] = "note"
        sheet["E1"] = "matter"
        choice = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True)
        choice.showErrorMessage = True
        sheet.add_data_validation(choice)
        choice.add(f"C2:D{sheet.max_row}")
        for letter, width in zip("ABCDEF", (19, 90, 18, 18, 24, 24), strict=True):
            sheet.column_dimensions[letter].width = width
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for (cell,) in sheet.iter_rows(min_row=2, min_col=2, max_col=2):
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.data_type = "s"  # what a customer says is no formula
        sheet.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(opening: str) -> str:
    """Return an opening without characters that a workbook cannot hold."""
    return "".join(letter for letter in opening if letter >= " " or letter in "\t\n")


def import_labels(config: AuditConfig, file: Path, path: Path) -> ImportedLabels:
    """Bring labels back from a workbook; those that are kept already stay.

    Parameters
    ----------
    config : AuditConfig
        Its types are what a label may say.
    file : Path
        The workbook, filled in.
    path : Path
        The file of labels that the configuration names; written, or added to. A contact that
        is in both has the label of `file`.

    Raises
    ------
    ConfigError
        If the workbook cannot be read, or a label is none of the types. Nothing is written then.
    RunError
        If `path` stands in a run.
    """
    outside_runs(path)
    types = config.service_types or ServiceTypeSettings()
    brought = _checked(_read_workbook(file), types.names, file.name)
    if path.exists():
        earlier = read_labels(path, types.names)
        brought = pd.concat([brought, earlier[~earlier["contact"].isin(brought["contact"])]])
    labels = keep_labels(path, brought)
    return ImportedLabels(
        path,
        learned=int((labels["list"] == LEARN).sum()),
        measured=int((labels["list"] == MEASURE).sum()),
        second=int((labels["second_type"] != "").sum()),
    )


def keep_labels(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Write the rows that somebody labelled to the personal file of labels, and return them."""
    ordered = table[list(LABEL_COLUMNS)].sort_values(["list", "contact"], ignore_index=True)
    labelled: pd.DataFrame = ordered[ordered["type"] != ""]
    _write_private(path, labelled.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    return labelled


def _read_workbook(file: Path) -> pd.DataFrame:
    with extra("workshop", "an Excel workbook"):
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    try:
        book = load_workbook(file, data_only=True)
    except FileNotFoundError:
        hint = nearest_file(file, "*.xlsx")
        raise ConfigError(f"there is no workbook {file.name}.{hint}") from None
    except (OSError, KeyError, InvalidFileException, zipfile.BadZipFile):
        raise ConfigError(f"{file.name} is not an Excel workbook (.xlsx).") from None
    if missing := [name for name in LISTS if name not in book.sheetnames]:
        raise ConfigError(
            f"{file.name} has no sheet '{missing[0]}'. Fill in the workbook that "
            f"`journeylib label` writes; its sheets are {', '.join(LISTS)}."
        )
    parts = []
    for name in LISTS:
        header, *rows = book[name].iter_rows(values_only=True)
        columns = ["" if cell is None else str(cell).strip() for cell in header]
        table = pd.DataFrame(rows, columns=columns).astype("object")
        if absent := [c for c in LABEL_COLUMNS if c not in ("list", *columns)]:
            raise ConfigError(f"sheet '{name}' of {file.name} needs a column '{absent[0]}'.")
        parts.append(table.assign(list=name)[list(LABEL_COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def read_labels(path: str | Path, names: Sequence[str]) -> pd.DataFrame:
    """Read the labels that `import_labels` keeps.

    Returns
    -------
    pandas.DataFrame
        One row per labelled contact: ``contact``, ``list``, ``opening``, ``type``,
        ``second_type``, ``matter`` (str, empty where nothing was said). Personal: a working table.

    Raises
    ------
    ConfigError
        If the file is not there, lacks a column, or holds other words.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no file of labels {path.name}. `journeylib label` writes the lists to fill "
            "in, and `journeylib label --import` makes this file of them."
        ) from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise ConfigError(f"the labels {path.name} are not a table in UTF-8.") from None
    if absent := [name for name in LABEL_COLUMNS if name not in table]:
        raise ConfigError(f"{path.name} needs a column '{absent[0]}'.")
    return _checked(table, names, path.name)


def _checked(table: pd.DataFrame, names: Sequence[str], file: str) -> pd.DataFrame:
    """Return labels as words of the types; the message of a fault holds no opening."""
    clean: Any = table[list(LABEL_COLUMNS)].fillna("").astype("str")
    for column in LABEL_COLUMNS:
        clean[column] = clean[column].str.strip()
    words = {name.casefold(): name for name in (*names, UNSURE)}
    for column in _TO_CHOOSE:
        answers = clean[column].str.casefold()
        wrong = clean[~answers.isin(["", *words])]
        if len(wrong):
            raise ConfigError(
                f"{len(wrong)} labels in the column '{column}' of {file} are none of "
                f"{', '.join(words.values())}; the first is of the contact "
                f"{wrong['contact'].iloc[0]}."
            )
        clean[column] = answers.map({"": "", **words})
    strange = int((~clean["list"].isin(LISTS)).sum())
    if strange:
        raise ConfigError(f"{strange} rows of {file} are on neither list: {', '.join(LISTS)}.")
    if (clean["contact"] == "").any():
        raise ConfigError(f"{int((clean['contact'] == '').sum())} rows of {file} name no contact.")
    once: pd.DataFrame = clean.drop_duplicates("contact", keep="last", ignore_index=True)
    return once
