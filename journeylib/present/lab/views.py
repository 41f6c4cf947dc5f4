"""What a notebook shows of an experiment: one call, one output."""

from __future__ import annotations

from journeylib.lab import DECISION_WORDS, Plan, Reading, Watch, change, level, some, span
from journeylib.present.blocks import Block, Card, State, cards, words
from journeylib.present.figure import Figure
from journeylib.present.lab.charts import draw_findable, draw_harm, draw_reading

STATES: dict[str | None, State] = {"ship": "good", "stop": "bad"}
WORDS = {
    "decision": "decision",
    "cause": "how sure",
    "grade": "grade {grade}",
    "customers": "customers, both arms",
    "needed": "customers needed, both arms",
    "weeks": "of exposure",
    "looks": "at the primary",
    "power": "power of each test",
    "run": "Run it",
    "not": "Do not run this",
    "advice": "what to do",
    "not_findable": "The log has too little to say what weeks can find.",
    "no_harm": "No guardrail has customers enough to be shown.",
}


def lab_plan(planned: Plan) -> Block:
    """Return the key numbers of a plan.

    Parameters
    ----------
    planned : Plan

    Returns
    -------
    Block
    """
    state: State = "good" if planned.run else "bad"
    items = [
        Card(WORDS["advice"], WORDS["run" if planned.run else "not"], state=state),
        Card(WORDS["weeks"], some(planned.weeks, "week")),
        Card(WORDS["looks"], some(len(planned.looks), "look")),
        Card(WORDS["power"], level(planned.power_each, "share")),
    ]
    if planned.needed and planned.settings.unit == "customer":
        items.insert(1, Card(WORDS["needed"], planned.needed))
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
    return draw_findable(planned) or words(WORDS["not_findable"])


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
    return draw_harm(planned, watched) or words(WORDS["no_harm"])


def lab_decision(reading: Reading) -> Block:
    """Return the decision of a reading with its key numbers.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    Block
    """
    estimate, unit = reading.primary.estimate, reading.primary.unit
    state = STATES.get(reading.decision, "plain")
    items = [
        Card(WORDS["decision"], DECISION_WORDS[reading.decision], state=state),
        Card(WORDS["cause"], WORDS["grade"].format(grade=reading.grade)),
    ]
    if estimate.value is not None and estimate.lo is not None and estimate.hi is not None:
        note = span(estimate.lo, estimate.hi, unit)
        items.insert(1, Card(reading.primary.heading, change(estimate.value, unit), note))
        items.append(Card(WORDS["customers"], estimate.n_customers))
    return cards(*items)


def lab_reading(reading: Reading) -> Figure:
    """Return the change of primary and guardrails with their intervals.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    Figure
    """
    return draw_reading(reading)
