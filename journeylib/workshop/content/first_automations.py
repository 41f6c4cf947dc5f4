"""First automations: the choice under a budget in words, why not the others, what to bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from journeylib.audits import DocumentPart
from journeylib.core import Catalogue, Estimate
from journeylib.present import clean
from journeylib.workshop.content.content import Candidate, Content, FirstAutomations, Touchpoint
from journeylib.workshop.content.sentences import estimate_of

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
        verdict = words.text(f"verdict.{point.shown_verdict}")
        return words.text(f"why.{'leaning' if point.is_leaning else 'verdict'}", verdict=verdict)
    reason = row.why_not or ""
    key = next((key for start, key in WHY_NOT.items() if reason.startswith(start)), "value")
    return words.text(f"why.{key}")


@dataclass(frozen=True)
class ClosingExercise:
    """What the last page of a workshop says, before people make their own choice.

    Attributes
    ----------
    title, answer : str
        What it is about, and the answer in a line; without a budget, what to bring.
    chosen : tuple of (str, str, str)
        Of each chosen touchpoint its name, how often it is chosen, and its worth.
    bring : mapping of str to str
        Without a budget: the numbers to bring.
    note : str
        What the choice costs, and that its worth is assumed.
    others : tuple of (str, str)
        Of each that was not chosen its name and why; how many more there are, last.
    form : mapping of str to str
        The columns that people fill in.
    """

    title: str
    answer: str
    chosen: tuple[tuple[str, str, str], ...]
    bring: Mapping[str, str]
    note: str
    others: tuple[tuple[str, str], ...]
    form: Mapping[str, str]

    @property
    def headline(self) -> str:
        """The answer as a title that stands alone."""
        return self.answer if self.bring else f"{self.title}: {self.answer}"


def closing_exercise(content: Content) -> ClosingExercise:
    """Return the closing exercise: the choice, why not the others, and a form to fill in."""
    words, first = content.words, content.first_automations
    form = {key: words.text(f"form.{key}") for key in FORM}
    title = words.text("first.title")
    if first is None:
        bring = {key: words.text(f"bring.{key}") for key in BRING}
        answer, note = words.text("first.bring"), words.text("first.no_budget")
        return ClosingExercise(title, answer, (), bring, note, (), form)
    cost, budget = (
        f"{words.number(x, 0)}\u00a0{first.currency}" for x in (first.cost, first.budget)
    )
    return ClosingExercise(
        title=title,
        answer=words.text(f"first.{first.answer}"),
        chosen=tuple(_chosen(words, one) for one in first.chosen),
        bring={},
        note=words.text("first.money", cost=cost, budget=budget),
        others=_others(words, first),
        form=form,
    )


def _chosen(words: Catalogue, one: Candidate) -> tuple[str, str, str]:
    often = words.text("first.often", share=words.percent(one.frequency or 0.0, 0))
    return one.touchpoint, often, _worth(words, one.value)


def _worth(words: Catalogue, value: Estimate) -> str:
    """Return what a candidate is assumed to be worth; that it may be nothing, where it may."""
    sure = value.lo is not None and value.lo > 0
    amount = words.text(
        "portfolio.money",
        currency=value.unit.partition("/")[0],
        **{end: words.number(getattr(value, end), 0) for end in ("value", "lo", "hi")},
    )
    n = words.text("n", n=value.n_customers or value.n_journeys)
    return words.text("first.worth" if sure else "first.perhaps", value=amount, n=n)


def _others(words: Catalogue, first: FirstAutomations) -> tuple[tuple[str, str], ...]:
    others = [(one.touchpoint, one.why_not) for one in first.candidates if not one.chosen]
    hidden = len(others) - MOST_OTHERS
    more = [(words.text("more", n=hidden), "")] if hidden > 0 else []
    return (*others[:MOST_OTHERS], *more)
