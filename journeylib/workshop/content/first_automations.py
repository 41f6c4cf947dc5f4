"""First automations: the choice under a budget in words, why not the others, what to bring."""

from __future__ import annotations

from collections.abc import Mapping

from journeylib.audits import DocumentPart
from journeylib.core import Catalogue
from journeylib.present import clean
from journeylib.workshop.content.content import Candidate, Content, FirstAutomations, Touchpoint
from journeylib.workshop.content.sentences import estimate_of, figures, verdict_text

BRING = ("budget", "build", "minute", "failed", "contained")
FORM = ("conversation", "why", "veto", "owner")
FORM_ROWS = 3
MOST_OTHERS = 8
# How `portfolio` begins to say why not, and how the catalogue says it.
WHY_NOT = {
    "not sure enough": "unsure",
    "others are worth more": "others",
    "needs ": "after",
}


def read_first_automations(
    portfolio: DocumentPart | None, points: Mapping[str, Touchpoint], words: Catalogue
) -> FirstAutomations | None:
    """Return the portfolio of `audit.json`; None where no budget was declared."""
    if portfolio is None:
        return None
    candidates = tuple(
        Candidate(
            touchpoint=clean(row.touchpoint),
            chosen=row.chosen,
            frequency=row.selection_frequency,
            value=estimate_of(row.value),
            why_not="" if row.chosen else _why_not(row, points, words),
        )
        for row in portfolio.candidates
    )
    return FirstAutomations(
        portfolio.answer, candidates, portfolio.cost, portfolio.budget, portfolio.currency
    )


def _why_not(row: DocumentPart, points: Mapping[str, Touchpoint], words: Catalogue) -> str:
    point = points.get(clean(row.touchpoint))
    if point is not None and point.vetoes:
        return "; ".join(words.text(f"veto.{veto}") for veto in point.vetoes)
    if point is not None and point.verdict not in ("automate", "assist"):
        return words.text("why.verdict", verdict=verdict_text(words, point))
    reason = row.why_not or ""
    key = next((key for start, key in WHY_NOT.items() if reason.startswith(start)), "value")
    return words.text(f"why.{key}")


def answer_text(content: Content) -> str:
    """Return the answer in a line; without a budget, what to bring."""
    first = content.first_automations
    return content.words.text("first.bring" if first is None else f"first.{first.answer}")


def headline(content: Content) -> str:
    """Return the answer as a title that stands alone."""
    if content.first_automations is None:
        return answer_text(content)
    return f"{content.words.text('first.title')}: {answer_text(content)}"


def chosen_rows(content: Content) -> list[tuple[str, str, str]]:
    """Return of each chosen touchpoint its name, how often it is chosen, and its worth."""
    words, first = content.words, content.first_automations
    rows: list[tuple[str, str, str]] = []
    if first is None:
        return rows
    for one in first.chosen:
        often = words.text("first.often", share=words.percent(one.frequency or 0.0, 0))
        worth = words.text("first.worth", **figures(words, "value", one.value))
        rows.append((one.touchpoint, often, worth))
    return rows


def other_rows(content: Content) -> list[tuple[str, str]]:
    """Return of each that was not chosen its name and why; how many more there are, last."""
    words, first = content.words, content.first_automations
    others = [] if first is None else [one for one in first.candidates if not one.chosen]
    rows = [(one.touchpoint, one.why_not) for one in others[:MOST_OTHERS]]
    if len(others) > MOST_OTHERS:
        rows.append((words.text("more", n=len(others) - MOST_OTHERS), ""))
    return rows


def money_note(content: Content) -> str:
    """Return what the choice costs, and that its worth is assumed."""
    words, first = content.words, content.first_automations
    if first is None:
        return words.text("first.no_budget")
    cost, budget = (
        f"{words.number(x, 0)}\u00a0{first.currency}" for x in (first.cost, first.budget)
    )
    return words.text("first.money", cost=cost, budget=budget)
