"""What a notebook shows of an experiment: one call, one output."""

from __future__ import annotations

from journeylib.core import text
from journeylib.lab import Plan, Reading, Watch, change, decision_words, level, some, span
from journeylib.present.blocks import Block, Card, State, cards, remark
from journeylib.present.charts.experiment import draw_findable, draw_harm, draw_reading
from journeylib.present.figure import Figure

STATES: dict[str | None, State] = {"ship": "good", "stop": "bad"}


def lab_plan(planned: Plan) -> Block:
    """Return the key numbers of a plan.

    Parameters
    ----------
    planned : Plan
    """
    state: State = "good" if planned.run else "bad"
    items = [
        Card(
            text("lab.view.advice"),
            text(f"lab.view.{'run' if planned.run else 'not'}"),
            state=state,
        ),
        Card(text("lab.view.weeks"), some(planned.weeks, "week")),
        Card(text("lab.view.looks"), some(len(planned.looks), "look")),
        Card(text("lab.view.power"), level(planned.power_each, "share")),
    ]
    if planned.needed and planned.settings.unit == "customer":
        items.insert(1, Card(text("lab.view.needed"), planned.needed))
    return cards(*items)


def lab_findable(planned: Plan) -> Figure | Block:
    """Return weeks against what they can find.

    Parameters
    ----------
    planned : Plan

    Returns
    -------
    Figure or Block
        One sentence where the plan could not tell.
    """
    return draw_findable(planned) or remark(text("lab.view.not_findable"))


def lab_harm(planned: Plan, watched: Watch) -> Figure | Block:
    """Return the guardrails day by day.

    Parameters
    ----------
    planned : Plan
    watched : Watch

    Returns
    -------
    Figure or Block
        One sentence where no guardrail has customers enough.
    """
    return draw_harm(planned, watched) or remark(text("lab.view.no_harm"))


def lab_decision(reading: Reading) -> Block:
    """Return the decision of a reading with its key numbers.

    Parameters
    ----------
    reading : Reading
    """
    estimate, unit = reading.primary.estimate, reading.primary.unit
    state = STATES.get(reading.decision, "plain")
    items = [
        Card(text("lab.view.decision"), decision_words(reading.decision), state=state),
        Card(text("lab.view.cause"), text("lab.view.grade", grade=reading.grade)),
    ]
    if estimate.value is not None and estimate.lo is not None and estimate.hi is not None:
        note = span(estimate.lo, estimate.hi, unit)
        items.insert(1, Card(reading.primary.heading, change(estimate.value, unit), note))
        items.append(Card(text("lab.view.customers"), estimate.n_customers))
    return cards(*items)


def lab_reading(reading: Reading) -> Figure:
    """Return the change of primary and guardrails with their intervals.

    Parameters
    ----------
    reading : Reading
    """
    return draw_reading(reading)
