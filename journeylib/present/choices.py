"""Views of choices made before measuring: what another cut or stitching would have said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.present.blocks import Block, words
from journeylib.present.tables import Table, table
from journeylib.present.theme import VERDICTS

if TYPE_CHECKING:
    from journeylib.audits.run import Audit


def stitching(audit: Audit) -> Table | Block:
    """Return what each level of stitching says, and which verdicts differ between them."""
    report = audit.prepared.stitching
    if report is None:
        return words(
            "Nothing is stitched (stitching): a customer is who the log says it is, so a person "
            "known by two names counts as two."
        )
    rows = [
        {
            "Level": f"{row['level']}{' (this audit)' * (row['level'] == report.level)}",
            **_cells(row),
        }
        for row in audit.prepared.stitching_levels.to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "Levels of stitching",
        note=f"{report.customers_before:,} customers as logged are {report.customers:,} people. "
        "Looser stitching may invent loops; stricter stitching hides repeat contact, so "
        "containment looks better than it is. Act on a verdict that holds at every level.",
    )


def cut_sensitivity(audit: Audit) -> Table | Block:
    """Return what half and twice the gap say, and which verdicts differ."""
    found = audit.prepared.cut_sensitivity
    if found.empty:
        return words("Silence does not end a journey here, so there is no other gap to compare.")
    rows = [
        {
            "Silence that ends a journey": f"{row['gap_days']:.3g} days"
            + " (this audit)" * (row["factor"] == 1.0),
            **_cells(row),
        }
        for row in found.to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "Half and twice the gap",
        note="A result that changes with the gap rests on where journeys were cut.",
    )


def _cells(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "Customers": int(row["customers"]),
        "Journeys": int(row["journeys"]),
        "Steps per journey": _number(row["steps_per_journey"]),
        "Repeat contact": _share(row["repeat_contact"]),
        "Raw containment": _share(row["contained_raw"]),
        "Verified containment (bounds)": _bounds(row),
        "Verdicts that change": _changed(row),
    }


def _number(value: float | None) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{100 * value:.1f} %"


def _bounds(row: Mapping[Any, Any]) -> str:
    low, high = _share(row["contained_verified"]), _share(row["contained_verified_hi"])
    return low if low == high else f"{low} to {high}"


def _changed(row: Mapping[Any, Any]) -> str:
    """Say which verdicts change, and to what."""
    if pd.isna(row["verdicts_compared"]):
        return "not compared (compare)"
    counted = f"{row['verdicts_changed']} of {row['verdicts_compared']}"
    said = [
        f"{one['touchpoint']}: {_word(one['verdict'])} instead of {_word(one['instead_of'])}"
        for one in row["changes"]
    ]
    return f"{counted}: {'; '.join(said)}" if said else counted


def _word(verdict: str | None) -> str:
    return "too few customers to show" if verdict is None else VERDICTS[verdict].word.lower()
