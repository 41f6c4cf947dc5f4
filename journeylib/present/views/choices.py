"""Views of choices made before measuring: what another cut or stitching would have said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import percent
from journeylib.present.blocks import Block, words
from journeylib.present.tables import Table, table
from journeylib.present.theme import VERDICTS

if TYPE_CHECKING:
    from journeylib.audits import Audit


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


def linkage(audit: Audit) -> Table | Block:
    """Return how many customers were joined by alike identifiers, and what that changes."""
    found, settings = audit.prepared.linkage, audit.config.linkage
    if found is None or settings is None:
        return words(
            "Customers whose identifiers are alike but not equal are not joined (linkage): a "
            "misspelt name or address counts as another customer."
        )
    rows = [
        {
            "Linkage": "joined (this audit)" if row["linked"] else "not joined",
            **_cells(row),
        }
        for row in audit.prepared.linkage_levels.to_dict("records")
    ]
    sure = ""
    if found.confidence is not None:
        sure = (
            f" Mean probability of a link {percent(found.confidence)}, so about "
            f"{percent(1 - found.confidence)} of the links may be wrong; the least sure "
            f"person stands at {percent(found.people['confidence'].min())}."
        )
    return table(
        pd.DataFrame(rows),
        "Customers joined by alike identifiers",
        note=f"{found.customers_before:,} customers as logged are {found.customers:,}: "
        f"{len(found.people):,} people were known as several, joined where the model gives at "
        f"least {100 * settings.threshold:g} %; {percent(found.moved_share)} of events changed "
        f"their customer.{sure} Act on a verdict that holds with and without.",
    )


def cut_sensitivity(audit: Audit) -> Table | Block:
    """Return what other cuts say, and which verdicts differ."""
    found = audit.prepared.cut_sensitivity
    if found.empty:
        return words("The log knows no customer but the case, so there is no other cut to compare.")
    rows = [
        {
            "A journey is": _cut(row) + " (this audit)" * bool(row["chosen"]),
            **_cells(row),
        }
        for row in found.to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "Other cuts",
        note="A result that changes from row to row rests on where journeys were cut.",
    )


def _cut(row: Mapping[Any, Any]) -> str:
    if not pd.isna(row["threshold"]):
        return f"cut where an end is at least {percent(row['threshold'], 0)} probable"
    if not pd.isna(row["gap_days"]):
        end = "a goal or " if row["cut"] == "goal" else ""
        return f"cut after {end}{row['gap_days']:.3g} days of silence"
    return {
        "case": "a case of the log",
        "goal": "cut after a goal",
        "learned": "cut where the log itself shows an end",
        "customer": "everything of a customer",
    }[row["cut"]]


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
    return "–" if value is None or pd.isna(value) else percent(value)


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
