"""assessment.html: objective, bets, and 24 statements answered by people and by the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from journeylib.lab import (
    DECISIONS,
    FEWEST_RATERS,
    MEASURED_WORDS,
    SCALE,
    Assessment,
    JoinedBet,
    ObjectiveReport,
)
from journeylib.present.lab.page import Section, render_page
from journeylib.present.tables import html_table

WORDS = {
    "title": "What it is for, what we try, and our own habits",
    "lead": "{title}, as of {as_of}. People's answers and the audit's stand side by side; nothing "
    "is added up.",
    "objective": "The objective",
    "no_objective": "No objective is declared: 'objective' in the configuration.",
    "bets": "The bets",
    "no_bets": "No bets are declared: 'bets' in the configuration.",
    "assessment": "The self-assessment",
    "scale": "People answer from 0 (not at all) to 4 (always). The range is shown from {least} "
    "people on.",
    "first": "Where people are sure and the audit says it fails, the row comes first.",
    "agreement": "Agreement between people (Krippendorff's alpha): {value:.2f}.",
    "nobody": "Nobody has answered yet: `journeylib lab assess --empty` writes the table to fill "
    "in.",
    "bets_table": "Bets beside what is known of them",
    "assessment_table": "Statements, answered twice",
}


def assessment_page(
    heading: str,
    as_of: object,
    *,
    objective: ObjectiveReport | None,
    bets: Sequence[JoinedBet],
    assessment: Assessment,
) -> str:
    """Return the page of objective, bets and self-assessment.

    Parameters
    ----------
    heading : str
        Title of the audit.
    as_of : date or str
    objective : ObjectiveReport or None
    bets : sequence of JoinedBet
    assessment : Assessment

    Returns
    -------
    str
    """
    texts = (WORDS["no_objective"],) if objective is None else objective.texts
    sections = [Section(WORDS["objective"], texts), _bets(bets), _assessment(assessment)]
    return render_page(WORDS["title"], WORDS["lead"].format(title=heading, as_of=as_of), sections)


def _bets(bets: Sequence[JoinedBet]) -> Section:
    if not bets:
        return Section(WORDS["bets"], (WORDS["no_bets"],))
    problems = tuple(dict.fromkeys(p.text for one in bets for p in one.inconsistencies))
    rows = [
        {
            "Bet": one.bet.name,
            "Touchpoint": one.bet.touchpoint,
            "What": one.bet.what,
            "State": one.bet.state,
            "Owner": one.bet.owner_role,
            "Verdict": (one.facts.verdict or "").replace("_", " "),
            "Plan ends": "" if one.facts.plan_end is None else one.facts.plan_end.isoformat(),
            "Reading": DECISIONS[one.facts.decision] if one.facts.has_reading else "",
        }
        for one in bets
    ]
    table = html_table(pd.DataFrame(rows), caption=WORDS["bets_table"])
    return Section(WORDS["bets"], problems, (table,))


def _assessment(assessment: Assessment) -> Section:
    texts = [WORDS["scale"].format(least=FEWEST_RATERS), WORDS["first"]]
    if not assessment.table["raters"].any():
        texts.append(WORDS["nobody"])
    if math.isfinite(assessment.agreement):
        texts.append(WORDS["agreement"].format(value=assessment.agreement))
    rows = [
        {
            "Statement": row["text"],
            "Source": row["source"],
            "People": _people(row["people"]),
            "Range": "" if math.isnan(row["lo"]) else f"{row['lo']:.0f} to {row['hi']:.0f}",
            "Raters": row["raters"],
            "Audit": MEASURED_WORDS[row["audit"]],
            "What was measured": row["figure"],
        }
        for row in assessment.table.to_dict("records")
    ]
    table = html_table(pd.DataFrame(rows), caption=WORDS["assessment_table"])
    return Section(WORDS["assessment"], tuple(texts), (table,))


def _people(mean: float) -> str:
    return "" if math.isnan(mean) else f"{mean:.1f} ({SCALE[round(mean)]})"
