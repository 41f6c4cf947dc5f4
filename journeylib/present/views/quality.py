"""Views of what the numbers rest on: data, detectors, choices before measuring, definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journeylib.audits import Audit
from journeylib.core import duration, estimate_text, number, percent, text
from journeylib.measures import MIN_INFORMED, MIN_LABELLED
from journeylib.present.blocks import Block, remark
from journeylib.present.tables import Table, as_float, quality_table, table
from journeylib.present.theme import VERDICTS


def data_quality(audit: Audit) -> Table:
    """Return what was found out about the log before anything was computed."""
    quality = audit.quality
    return quality_table(quality.checks, rows_read=quality.rows_read, rows_used=quality.rows_used)


def detectors(audit: Audit) -> Table | Block:
    """Return what the text detectors are worth on turns that people have labelled."""
    limits = {"n": MIN_LABELLED, "informed": number(MIN_INFORMED)}
    if not audit.evidence.detectors:
        return remark(text("present.detectors.none", **limits))
    rows = [
        {
            "detector": text(f"present.detectors.{check.detector}"),
            "labelled": check.n,
            **{
                name: estimate_text(getattr(check, name))
                for name in ("precision", "recall", "kappa", "prevalence", "corrected")
            },
        }
        for check in audit.evidence.detectors
    ]
    note = text("present.detectors.note", **limits)
    return table(rows, text("present.detectors.caption"), note=note)


def stitching(audit: Audit) -> Table | Block:
    """Return what each level of stitching says, and which verdicts differ between them."""
    report = audit.prepared.stitching
    if report is None:
        return remark(text("present.stitching.none"))
    rows = [
        {"level": _here(str(row["level"]), row["level"] == report.level), **_cells(row)}
        for row in audit.prepared.stitching_levels.to_dict("records")
    ]
    note = text("present.stitching.note", before=report.customers_before, n=report.customers)
    return table(rows, text("present.stitching.caption"), note=note)


def linkage(audit: Audit) -> Table | Block:
    """Return how many customers were joined by alike identifiers, and what that changes."""
    linked, settings = audit.prepared.linkage, audit.config.linkage
    if linked is None or settings is None:
        return remark(text("present.linkage.none"))
    rows = [
        {
            "linkage": text("present.linkage.joined" if row["linked"] else "present.linkage.apart"),
            **_cells(row),
        }
        for row in audit.prepared.linkage_levels.to_dict("records")
    ]
    note = text(
        "present.linkage.note",
        before=linked.customers_before,
        n=linked.customers,
        people=len(linked.people),
        threshold=percent(settings.threshold, 0),
        moved=percent(linked.moved_share),
    )
    if linked.confidence is not None:
        least = linked.people["confidence"].min()
        shares = {"sure": linked.confidence, "wrong": 1 - linked.confidence, "least": least}
        words = {name: percent(share) for name, share in shares.items()}
        note += " " + text("present.linkage.confidence", **words)
    note += " " + text("present.linkage.advice")
    return table(rows, text("present.linkage.caption"), note=note)


def cut_sensitivity(audit: Audit) -> Table | Block:
    """Return what other cuts say, and which verdicts differ."""
    cuts = audit.prepared.cut_sensitivity
    if cuts.empty:
        return remark(text("present.cuts.none"))
    rows = [
        {"cut": _here(_cut(row), bool(row["chosen"])), **_cells(row)}
        for row in cuts.to_dict("records")
    ]
    return table(rows, text("present.cuts.caption"), note=text("present.cuts.note"))


def _here(words: str, chosen: bool) -> str:
    return text("present.cuts.here", choice=words) if chosen else words


def _cut(row: Mapping[Any, Any]) -> str:
    if not pd.isna(row["threshold"]):
        return text("present.cuts.probable", share=percent(row["threshold"], 0))
    if not pd.isna(row["gap_days"]):
        key = "present.cuts.goal_gap" if row["cut"] == "goal" else "present.cuts.gap"
        return text(key, days=number(row["gap_days"]))
    return text(f"present.cuts.{row['cut']}")


def _cells(row: Mapping[Any, Any]) -> dict[str, object]:
    low, high = (
        percent(as_float(row[name])) for name in ("contained_verified", "contained_verified_hi")
    )
    return {
        "customers": int(row["customers"]),
        "journeys": int(row["journeys"]),
        "steps_per_journey": number(as_float(row["steps_per_journey"]), 2),
        "repeat_contact": percent(as_float(row["repeat_contact"])),
        "raw_containment": percent(as_float(row["contained_raw"])),
        "verified_bounds": low if low == high else text("range.words", lo=low, hi=high),
        "verdicts_changed": _changed(row),
    }


def _changed(row: Mapping[Any, Any]) -> str:
    """Return which verdicts change, and to what."""
    if pd.isna(row["verdicts_compared"]):
        return text("present.cuts.not_compared")
    changes = "; ".join(
        text(
            "present.cuts.change",
            touchpoint=one["touchpoint"],
            verdict=_word(one["verdict"]),
            other=_word(one["instead_of"]),
        )
        for one in row["changes"]
    )
    count = {"n": int(row["verdicts_changed"]), "all": int(row["verdicts_compared"])}
    key = "present.cuts.changes" if changes else "present.cuts.count"
    return text(key, changes=changes, **count)


def _word(verdict: str | None) -> str:
    return text("present.cuts.too_few") if verdict is None else VERDICTS[verdict].word


def definitions(audit: Audit) -> Table:
    """Return what the words of the audit mean with the settings that applied."""
    journeys, measures, judge = audit.config.journeys, audit.config.measures, audit.config.judge
    totals, cutting = audit.evidence.totals, audit.journeys.cutting
    basis = "found" if cutting.quiet_found else "stated"
    values: dict[str, dict[str, object]] = {
        "journey": {"definition": cutting.definition},
        "open": {
            "span": duration(cutting.quiet_us / 1e6),
            "basis": text(f"present.definitions.quiet.{basis}"),
        },
        "repeat": {"days": measures.repeat_days},
        "raw": {},
        "verified": {},
        "honoured": {"minutes": measures.honoured_minutes},
        "automate": {"fit": judge.automate_from, "need": judge.empathy_low},
        "human_led": {"need": judge.empathy_high},
        "minimum": {"n": journeys.min_customers, "rows": totals["suppressed"]},
        "intervals": {},
    }
    if totals["customers"] > journeys.max_customers_modelled:
        most = journeys.max_customers_modelled
        values["modelled"] = {"n": most, "all": totals["customers"]}
    rows = [
        {
            "term": text(f"present.definitions.{name}"),
            "meaning_here": text(f"present.definitions.{name}_is", **given),
        }
        for name, given in values.items()
    ]
    return table(rows, text("present.definitions.caption"))
