"""Views of what people said beside the log: labels of turns, ratings of touchpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import estimate_text, percent, signed
from journeylib.measures import MIN_INFORMED, MIN_LABELLED
from journeylib.present.blocks import Block, words
from journeylib.present.tables import Table, as_float, table

if TYPE_CHECKING:
    from journeylib.audits import Audit

DETECTOR_LABELS = {
    "human_request": "Asks for a human",
    "repetition": "Says it again",
    "negative": "Sounds negative",
}


def detectors(audit: Audit) -> Table | Block:
    """Return what the text detectors are worth on turns that people have labelled."""
    if not audit.evidence.detectors:
        return words(
            "The text detectors were not checked on labelled turns: how often they are right on "
            f"this log, nobody knows. {MIN_LABELLED} turns drawn at random, labelled by people "
            "(measures.labelled_turns), would tell."
        )
    rows = [
        {
            "Detector": DETECTOR_LABELS[check.detector],
            "Labelled turns": check.n,
            "Right, of what it finds (precision)": estimate_text(check.precision),
            "Found, of what is there (recall)": estimate_text(check.recall),
            "Agreement with the labels (kappa)": estimate_text(check.kappa),
            "Found in the log": estimate_text(check.prevalence),
            "Corrected for its mistakes": estimate_text(check.corrected),
        }
        for check in audit.evidence.detectors
    ]
    return table(
        pd.DataFrame(rows),
        "Text detectors on labelled turns",
        note="The share in the log is corrected after Rogan and Gladen, where at least "
        f"{MIN_LABELLED} turns are labelled and the detector tells enough (sensitivity and "
        f"specificity add up to {MIN_INFORMED:g} or more). In the scores, requests for a human and "
        "negative turns at each touchpoint are corrected alike; all else is as detected.",
    )


def ratings(audit: Audit) -> Table | Block:
    """Return people's own ratings of touchpoints beside what the log's verdict stands for."""
    found = audit.ratings
    if found is None:
        return words(
            "No ratings are declared (ratings), so nobody's own view of the touchpoints stands "
            "beside what the log shows."
        )
    rated = found.touchpoints.assign(apart=found.touchpoints["difference"].abs())
    ordered = rated.sort_values(["apart", "touchpoint"], ascending=[False, True])
    shown = [_rated(row) for row in ordered.to_dict("records")]
    said = [
        _compared(rated),
        "Ratings enter no score; a touchpoint needs two raters.",
        *_unmatched(audit, rated),
        f"Agreement of raters (Krippendorff's alpha): {estimate_text(found.agreement)}.",
        *(_groups(row) for row in found.groups.to_dict("records")),
    ]
    return table(pd.DataFrame(shown), "What people say, beside the log", note=" ".join(said))


def _compared(rated: pd.DataFrame) -> str:
    compared = int(rated["difference"].notna().sum())
    if not compared:
        return "No touchpoint has both a verdict and enough raters, so nothing is compared."
    apart = int(rated["flagged"].sum())
    return (
        f"People and log are at least one level apart at {apart} of {compared} touchpoints that "
        "have both."
    )


def _unmatched(audit: Audit, rated: pd.DataFrame) -> list[str]:
    """Name what was rated and is not judged: a name that differs would pass unseen."""
    known = set(audit.judgement.scores["touchpoint"])
    absent = [name for name in rated["touchpoint"] if name not in known]
    if not absent:
        return []
    return [
        "Not on the scorecard, for another name or for too few customers: "
        f"{', '.join(map(str, absent))}."
    ]


def _rated(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "Touchpoint": row["touchpoint"],
        "Raters": int(row["raters"]),
        "Human should do, people (1–5)": as_float(row["human_agency"]),
        "Human should do, verdict (1–5)": as_float(row["log_level"]),
        "People − log": signed(as_float(row["difference"]), 1),
        "Apart": "▲ apart" if row["flagged"] else "",
        "EPOCH (0–4)": as_float(row["epoch"]),
    }


def _groups(row: dict[Any, Any]) -> str:
    one, other, n = row["group"], row["other"], row["touchpoints"]
    if not n:
        return f"No touchpoint was rated by both {one} and {other}."
    return (
        f"Of {n} touchpoints rated by both, {one} want more human than {other} at "
        f"{percent(row['more'], 0)}, less at {percent(row['less'], 0)} "
        f"(weighted kappa: {estimate_text(row['kappa'])})."
    )
