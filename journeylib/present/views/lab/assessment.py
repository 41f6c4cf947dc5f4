"""assessment.html: objective, bets, and 24 statements answered by people and by the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from journeylib.core import number, text
from journeylib.lab import FEWEST_RATERS, Assessment, JoinedBet, ObjectiveReport
from journeylib.present.tables import html_table
from journeylib.present.views.lab.page import Section, render_page


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
    """
    texts = (text("lab.assessment.no_objective"),) if objective is None else objective.texts
    sections = [
        Section(text("lab.assessment.objective"), texts),
        _bets(bets),
        _assessment(assessment),
    ]
    return render_page(
        text("lab.assessment.title"),
        text("lab.assessment.lead", title=heading, as_of=str(as_of)),
        sections,
    )


def _bets(bets: Sequence[JoinedBet]) -> Section:
    if not bets:
        return Section(text("lab.assessment.bets"), (text("lab.assessment.no_bets"),))
    problems = tuple(dict.fromkeys(p.text for one in bets for p in one.inconsistencies))
    rows = [
        {
            "bet": one.bet.name,
            "touchpoint": one.bet.touchpoint,
            "what": one.bet.what,
            "state": text(f"lab.state.{one.bet.state}"),
            "owner": one.bet.owner_role,
            "verdict": text(f"verdict.{one.facts.verdict}") if one.facts.verdict else "",
            "plan_ends": "" if one.facts.plan_end is None else one.facts.plan_end.isoformat(),
            "reading": text(f"lab.decided.{one.facts.decision or 'unread'}")
            if one.facts.has_reading
            else "",
        }
        for one in bets
    ]
    table = html_table(pd.DataFrame(rows), caption=text("lab.assessment.bets_table"))
    return Section(text("lab.assessment.bets"), problems, (table,))


def _assessment(assessment: Assessment) -> Section:
    texts = [text("lab.assessment.scale", least=FEWEST_RATERS), text("lab.assessment.first")]
    if not assessment.table["raters"].any():
        texts.append(text("lab.assessment.nobody"))
    if math.isfinite(assessment.agreement):
        texts.append(text("lab.assessment.agreement", value=number(assessment.agreement, 2)))
    rows = [
        {
            "statement": row["text"],
            "recommendation": row["source"],
            "people_say": _people(row["people"]),
            "answers_range": ""
            if math.isnan(row["lo"])
            else text("range.words", lo=row["lo"], hi=row["hi"]),
            "raters": row["raters"],
            "audit_says": text(f"lab.measured.{row['audit']}"),
            "was_measured": row["figure"],
        }
        for row in assessment.table.to_dict("records")
    ]
    table = html_table(pd.DataFrame(rows), caption=text("lab.assessment.assessment_table"))
    return Section(text("lab.assessment.assessment"), tuple(texts), (table,))


def _people(mean: float) -> str:
    return (
        ""
        if math.isnan(mean)
        else text("interval", value=number(mean, 1), range=text(f"lab.scale.{round(mean)}"))
    )
