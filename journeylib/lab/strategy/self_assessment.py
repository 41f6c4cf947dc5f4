"""The self-assessment: 24 statements, answered by people and by the audit, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from journeylib.core import LogError, did_you_mean, read_packaged, text
from journeylib.judge import krippendorff_alpha

Measured = Literal["holds", "fails", "not_settled", "cannot_be_seen", "people_only"]
STATEMENTS = Path(__file__).parent / "statements.yaml"
PEOPLE_ONLY = "people_only"
FEWEST_RATERS = 5  # for a spread
SURE = 3.0  # people say "mostly" or "always"
COLUMNS = ("statement", "rater", "role", "answer")
MESSAGES = {
    "columns": "the answers in {file} need the columns {columns}; missing: {missing}.",
    "file": "the answers in {file} cannot be read as CSV or as an Excel workbook (.xlsx).",
    "workbook": "{file} is an Excel workbook: install openpyxl with: pip install "
    "'journeylib[workshop]', or save it as CSV.",
    "statement": "the answers name {count} statements that do not exist, such as '{name}'.{hint}",
    "answer": "{count} answers are not 0 (not at all) to 4 (always).",
    "twice": "{count} answers are given twice: one rater answers a statement once.",
}


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes
    ----------
    id : str
    source : int
        Number of the recommendation.
    where : str
        Source text and paragraph.
    measure : str
        What an audit measures of it, or ``people_only``.
    """

    id: str
    source: int
    where: str
    measure: str

    @property
    def text(self) -> str:
        """The statement in the language in use."""
        return text(f"lab.statement.{self.id}")


@dataclass(frozen=True)
class Assessment:
    """Answers side by side; there is no total.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per statement: ``statement`` (id), ``text``, ``source``, ``people`` (float64, mean
        of 0 to 4, NaN where nobody answered), ``raters`` (int64), ``lo``, ``hi`` (float64, least
        and greatest answer; NaN below five raters), ``audit`` (a `Measured`),
        ``figure`` (str, what was measured). Where people are sure and the measure fails comes
        first.
    agreement : float
        Krippendorff's alpha of the raters, ordinal; NaN below two.
    """

    table: pd.DataFrame
    agreement: float

    @property
    def contradictions(self) -> pd.DataFrame:
        """Return the rows where people are sure and the measure fails."""
        sure = self.table["people"] >= SURE
        return self.table[sure & (self.table["audit"] == "fails")]


@lru_cache(maxsize=1)
def statements() -> tuple[Statement, ...]:
    """Return the 24 statements in the order of their sources."""
    rows = read_packaged(STATEMENTS)
    return tuple(Statement(**row) for row in rows)


def empty_answers() -> pd.DataFrame:
    """Return the table that people fill in: one row per statement, the text beside it."""
    return pd.DataFrame(
        [{"statement": one.id, "text": one.text, "rater": "", "role": "", "answer": ""}
         for one in statements()]
    )  # fmt: skip


def read_answers(file: str | Path) -> pd.DataFrame:
    """Read what people answered.

    Parameters
    ----------
    file : str or Path
        CSV (commas or semicolons) or .xlsx with the columns ``statement``, ``rater``, ``role``,
        ``answer``. Empty answers are left out.

    Returns
    -------
    pandas.DataFrame
        One row per answer; ``answer`` int64, 0 to 4.

    Raises
    ------
    LogError
        If columns are missing, a statement does not exist, or an answer is out of range.
    """
    table = _table(Path(file))
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise LogError(
            MESSAGES["columns"].format(
                file=Path(file).name, columns=", ".join(COLUMNS), missing=", ".join(missing)
            )
        )
    rows = table.loc[table["answer"].str.strip() != "", list(COLUMNS)].reset_index(drop=True)
    ids = [one.id for one in statements()]
    if others := sorted(set(rows["statement"]) - set(ids)):
        hint = did_you_mean(others[0], ids)
        raise LogError(MESSAGES["statement"].format(count=len(others), name=others[0], hint=hint))
    answer = pd.to_numeric(rows["answer"], errors="coerce")
    if wrong := int((~answer.isin(list(range(5)))).sum()):
        raise LogError(MESSAGES["answer"].format(count=wrong))
    if twice := int(rows.duplicated(["statement", "rater"]).sum()):
        raise LogError(MESSAGES["twice"].format(count=twice))
    return rows.assign(answer=answer.astype("int64"))


def _table(file: Path) -> pd.DataFrame:
    given: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    table: pd.DataFrame
    try:
        if file.suffix.lower() == ".xlsx":
            table = pd.read_excel(file, engine="openpyxl", **given)
            return table
        table = pd.read_csv(file, encoding="utf-8-sig", **given)
        if len(table.columns) == 1:
            table = pd.read_csv(file, encoding="utf-8-sig", sep=";", **given)
    except ImportError:
        raise LogError(MESSAGES["workbook"].format(file=file.name)) from None
    except (OSError, ValueError, BadZipFile):
        raise LogError(MESSAGES["file"].format(file=file.name)) from None
    return table


def assess(
    measured: Mapping[str, tuple[Measured, str]], answers: pd.DataFrame | None = None
) -> Assessment:
    """Set people's answers beside what the audit measured.

    Parameters
    ----------
    measured : mapping of str to (state, figure)
        By measure; what is absent cannot be seen.
    answers : pandas.DataFrame, optional
        As `read_answers` returns them.
    """
    given = pd.DataFrame(columns=list(COLUMNS)) if answers is None else answers
    rows = [_row(one, measured, given) for one in statements()]
    table = pd.DataFrame(rows)
    first = (table["people"] >= SURE) & (table["audit"] == "fails")
    order = np.lexsort((table["source"], ~first))
    return Assessment(table.iloc[order].reset_index(drop=True), _agreement(given))


def _row(
    one: Statement, measured: Mapping[str, tuple[Measured, str]], given: pd.DataFrame
) -> dict[str, Any]:
    values = given.loc[given["statement"] == one.id, "answer"].astype("float64")
    spread = len(values) >= FEWEST_RATERS
    state, figure = measured.get(one.measure, ("cannot_be_seen", ""))
    if one.measure == PEOPLE_ONLY:
        state, figure = "people_only", ""
    return {
        "statement": one.id,
        "text": one.text,
        "source": one.source,
        "people": float(values.mean()) if len(values) else np.nan,
        "raters": len(values),
        "lo": float(values.min()) if spread else np.nan,
        "hi": float(values.max()) if spread else np.nan,
        "audit": state,
        "figure": figure,
    }


def _agreement(given: pd.DataFrame) -> float:
    if given["rater"].nunique() < 2:
        return float("nan")
    wide = given.set_index(["rater", "statement"])["answer"].unstack()  # noqa: PD010 - no sums
    return krippendorff_alpha(wide.to_numpy(dtype=np.float64))
