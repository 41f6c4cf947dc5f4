"""Views of the scorecard: fit and need, verdicts and their reasons, weights, people's ratings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from journeylib.audits import Audit
from journeylib.core import abstain_text, estimate_text, number, percent, signed, text
from journeylib.present.blocks import Block, remark
from journeylib.present.charts.quadrant import quadrant
from journeylib.present.figure import Figure
from journeylib.present.tables import Table, as_float, interval, table
from journeylib.present.theme import VERDICTS

REASONS = 2  # of each touchpoint, beside one in the other direction


def judged(audit: Audit) -> pd.DataFrame:
    """Return the scores of touchpoints at which somebody serves, leanings as verdicts.

    Where nobody serves the question does not arise. A leaning stands under the verdict it leans
    to; where it is drawn, it is drawn hollow.
    """
    scores = _served(audit)
    return scores.assign(verdict=scores["leaning"].fillna(scores["verdict"]))


def _served(audit: Audit) -> pd.DataFrame:
    scores = audit.judgement.scores
    return scores[scores["abstain"] != "not_served"].reset_index(drop=True)


def fit_and_need(audit: Audit) -> Figure | Block:
    """Draw automation fit against empathy need, where they are two axes at all."""
    axes = audit.judgement.axes
    if not axes.get("distinguishable", True):
        return remark(text("present.quadrant.one_axis", rho=number(axes["rho"], 2)))
    if not audit.judgement.scores[["automation_fit", "empathy_need"]].notna().all(axis=1).any():
        return remark(text("present.quadrant.no_evidence"))
    settings = audit.config.judge
    return quadrant(
        judged(audit),
        fit_limits=(settings.assist_from, settings.automate_from),
        empathy_limits=(settings.empathy_low, settings.empathy_high),
        min_stability=settings.min_stability,
    )


def scorecard(audit: Audit) -> Table:
    """Return every touchpoint at which somebody serves, with scores, verdict and main reasons."""
    order = {code: rank for rank, code in enumerate(VERDICTS)}
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "customers": int(row["customers"]),
            "automation_fit": _score(row, "automation_fit"),
            "empathy_need": _score(row, "empathy_need"),
            "verdict": _verdict(row),
            "why_and_what_settles": _why(row),
        }
        for row in sorted(
            _served(audit).to_dict("records"),
            key=lambda row: (order[row["leaning"] or row["verdict"]], str(row["touchpoint"])),
        )
    ]
    share = percent(audit.config.judge.min_stability, 0)
    note = text("present.scorecard.note", share=share)
    return table(rows, text("present.scorecard.caption"), note=note)


def _score(row: dict[Any, Any], axis: str) -> str:
    if as_float(row[axis]) is None:
        return text("present.scorecard.coverage", share=percent(row[f"{axis}_coverage"], 0))
    return interval(row[axis], row[f"{axis}_lo"], row[f"{axis}_hi"], lambda x: number(x, 0))


def _verdict(row: dict[Any, Any]) -> str:
    verdict = VERDICTS[row["verdict"]]
    words = f"{verdict.glyph} {verdict.word}"
    if row["leaning"]:
        other = VERDICTS[row["leaning"]].word
        return text("present.scorecard.leaning", verdict=words, other=other)
    if row["verdict"] == "abstain":
        reason = abstain_text(str(row["abstain"]), "")
        return f"{words}: {reason}" if reason else words
    share = percent(row["verdict_stability"], 0)
    return text("present.scorecard.agree", verdict=words, share=share)


def _why(row: dict[Any, Any]) -> str:
    """Return the reasons that decide, at most one in the other direction, and what settles it."""
    reasons = [str(reason) for reason in row["reasons"]]
    first = reasons[:REASONS]
    side = _side(first[-1]) if first else ""
    against = [r for r in reasons[REASONS:] if _side(r) and _side(r) != side][:1]
    datum = row["next_datum"]
    settle = [text("present.verdicts.settle", datum=datum)] if datum else []
    return " ".join([*first, *against, *settle])


def _side(reason: str) -> str:
    """Return for whom a reason speaks, as its first words say; empty for neither."""
    sides = (text("present.scorecard.for_machine"), text("present.scorecard.for_human"))
    return next((side for side in sides if reason.startswith(side)), "")


def sensitivity(audit: Audit) -> Table | Block:
    """Return the verdicts that another weighting would change."""
    tested = audit.judgement.sensitivity
    if tested.empty:
        return remark(text("present.sensitivity.too_few"))
    rows = []
    for name, part in tested.groupby("touchpoint", sort=False):
        by = {str(row["weighting"]): row for row in part.to_dict("records")}
        if any(row["changed"] for row in by.values()):
            usual = {"touchpoint": name, "configured": VERDICTS[by["configured"]["verdict"]].word}
            other = {
                f"weights_{weighting}": VERDICTS[row["verdict"]].word
                if row["changed"]
                else text("present.sensitivity.same")
                for weighting, row in by.items()
                if weighting != "configured"
            }
            rows.append(usual | other)
    if not rows:
        return remark(text("present.sensitivity.none"))
    note = text("present.sensitivity.note")
    return table(rows, text("present.sensitivity.caption"), note=note)


def ratings(audit: Audit) -> Table | Block:
    """Return people's own ratings of touchpoints beside what the log's verdict stands for."""
    people = audit.ratings
    if people is None:
        return remark(text("present.ratings.none"))
    rated = people.touchpoints.assign(apart=people.touchpoints["difference"].abs())
    ordered = rated.sort_values(["apart", "touchpoint"], ascending=[False, True])
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "raters": int(row["raters"]),
            "human_agency_people": as_float(row["human_agency"]),
            "human_agency_verdict": as_float(row["log_level"]),
            "people_minus_log": signed(as_float(row["difference"]), 1),
            "apart_mark": text("present.ratings.apart") if row["flagged"] else "",
            "epoch": as_float(row["epoch"]),
        }
        for row in ordered.to_dict("records")
    ]
    compared = int(rated["difference"].notna().sum())
    apart = int(rated["flagged"].sum())
    key = "present.ratings.compared" if compared else "present.ratings.not_compared"
    judged_names = set(audit.judgement.scores["touchpoint"])
    # A name that differs would pass unseen.
    unmatched = [str(name) for name in rated["touchpoint"] if name not in judged_names]
    notes = [
        text(key, apart=apart, n=compared),
        text("present.ratings.rule"),
        *([text("present.ratings.unmatched", names=", ".join(unmatched))] if unmatched else []),
        text("present.ratings.alpha", value=estimate_text(people.agreement)),
        *(_groups(row) for row in people.groups.to_dict("records")),
    ]
    return table(rows, text("present.ratings.caption"), note=" ".join(notes))


def _groups(row: dict[Any, Any]) -> str:
    values = {"one": row["group"], "other": row["other"], "n": row["touchpoints"]}
    if not row["touchpoints"]:
        return text("present.ratings.no_groups", **values)
    values |= {name: percent(row[name], 0) for name in ("more", "less")}
    return text("present.ratings.groups", **values, kappa=estimate_text(row["kappa"]))
