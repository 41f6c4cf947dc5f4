"""Reasons in words that a customer experience lead understands, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from journeylib.estimate import ABSTAIN_TEXT
from journeylib.judge.observe import Observation


@dataclass(frozen=True)
class Words:
    """How one indicator is spoken of.

    Attributes
    ----------
    label : str
        What it is, as a noun.
    machine, human : str
        What it says where it speaks for a machine, and for a human. ``{x}`` is the figure with
        its interval and base; ``{verb}`` follows the grade of the evidence.
    unlock : str
        What to declare, or to do, where the log lacks it.
    """

    label: str
    machine: str
    human: str
    unlock: str


CLOCK = "a timestamp"
ENDS = "end timestamps and who acted"
TEXT = "a text or sentiment column"

WORDS: dict[str, Words] = {
    "volume": Words(
        "how often it starts",
        "it starts often: {x} times a week",
        "it starts seldom: {x} times a week",
        CLOCK,
    ),
    "load": Words(
        "the time people spend on it",
        "people spend much time on it: {x} minutes a week",
        "people spend little time on it: {x} minutes a week",
        ENDS,
    ),
    "next_steps": Words(
        "how predictable the next step is",
        "what follows is predictable: {x} next steps in effect",
        "what follows varies: {x} next steps in effect",
        "more visits",
    ),
    "duration_spread": Words(
        "how even its durations are",
        "it takes about as long each time: spread {x}, where 0 is always the same",
        "it takes very different times: spread {x}, where 0 is always the same",
        "end timestamps",
    ),
    "rule_skill": Words(
        "how well simple rules foretell what happens",
        "simple rules explain {x} of what happens next",
        "simple rules explain only {x} of what happens next",
        "attributes that are known when it starts",
    ),
    "rework": Words(
        "how many journeys come back to it",
        "few journeys come back to it: {x}",
        "many journeys come back to it: {x}",
        "more visits",
    ),
    "exceptions": Words(
        "how often it ends in an exception",
        "errors, overrides and transfers are rare: {x}",
        "errors, overrides and transfers are frequent: {x}",
        "an error column, or who acted",
    ),
    "required_fields": Words(
        "whether what it needs is there",
        "{x} of the fields it needs are there when it starts",
        "only {x} of the fields it needs are there when it starts",
        "the fields it requires",
    ),
    "containment": Words(
        "how many contacts bots solve",
        "bots already solve {x} of these contacts without a repeat",
        "bots solve only {x} of these contacts without a repeat",
        "who acted (bot or human)",
    ),
    "stability": Words(
        "how stable it is over time",
        "what follows hardly changed over the log: {x} alike",
        "what follows changed over the log: only {x} alike",
        CLOCK,
    ),
    "saving": Words(
        "the time a machine would save",
        "a machine here {verb} {x} minutes a week",
        "there is little to save: a machine here {verb} {x} minutes a week",
        ENDS,
    ),
    "negative": Words(
        "how often customers are negative",
        "little of what customers say here is negative: {x}",
        "{x} of what customers say here is negative",
        TEXT,
    ),
    "volatility": Words(
        "how far feelings swing",
        "feelings hardly swing around it: {x} points beyond chance",
        "feelings swing around it: {x} points beyond chance",
        TEXT,
    ),
    "sentiment_drop": Words(
        "how feeling changes across it",
        "feeling does not fall across it: a change of {x} points between −1 and 1",
        "feeling falls across it: a change of {x} points between −1 and 1",
        TEXT,
    ),
    "human_request": Words(
        "how often customers ask for a human",
        "customers seldom ask for a human here: {x} of visits",
        "customers ask for a human here: {x} of visits",
        TEXT,
    ),
    "stakes": Words(
        "what is at stake for loyalty",
        "little is at stake: how well it goes {verb} at least {x} in the outcome",
        "much is at stake: how well it goes {verb} at least {x} in the outcome",
        "outcomes such as churn or repurchase",
    ),
    "vulnerable": Words(
        "how many customers are vulnerable",
        "few customers here are flagged as vulnerable: {x}",
        "{x} of the customers here are flagged as vulnerable",
        "an attribute that flags vulnerable customers",
    ),
    "repeat_contact": Words(
        "how often customers come back with the same matter",
        "few customers come back with the same matter: {x}",
        "{x} come back with the same matter",
        "what each contact is about (intent), with a timestamp",
    ),
    "complaint_excess": Words(
        "how much more often customers complain",
        "it goes with hardly more complaints than elsewhere: {x} more customers",
        "it goes with more complaints than elsewhere: {x} more customers",
        "complaints among the outcomes",
    ),
}

VERB = {
    "saving": {
        "A": "saves",
        "B": "is estimated to save, if its checks hold,",
        "C": "goes with a saving of",
        "D": "is assumed to save",
    },
    "stakes": {
        "A": "causes a change of",
        "B": "is estimated, if its checks hold, to change",
        "C": "goes with a difference of",
        "D": "is assumed to change",
    },
}

VETO_TEXT = {
    "legally_human": "The law asks for a human decision here.",
    "high_empathy": "The need for empathy is high and sure: {need}.",
    "vulnerable": "No automation: {x} of the customers here are flagged as vulnerable.",
    "moment_of_truth": (
        "No automation: this is a moment of truth where a bad visit goes with more loss than a "
        "good one with gain."
    ),
    "no_escape_hatch": "No automation: customers do not reliably reach a human from here.",
}

BROKEN_TEXT = {
    "rework": "Mend it first: {x} of its journeys come back to it.",
    "exceptions": "Mend it first: {x} end in an error, an override or a transfer.",
    "next_steps": "Mend it first: what follows spreads over {x} next steps in effect.",
}

AXIS_TEXT = {"automation_fit": "automation fit", "empathy_need": "empathy need"}
VERDICT_TEXT = {
    "automate": "let a machine serve",
    "assist": "let a machine assist a human",
    "human_led": "let a human lead, with a machine in the background",
    "human_only": "let humans serve alone",
    "fix_first": "mend it before automating it",
    "abstain": "not enough evidence",
}


def figure(seen: Observation) -> str:
    """Return a number with its unit, interval and base.

    Examples
    --------
    >>> import numpy as np
    >>> seen = Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71]))
    >>> figure(seen)
    '71 % (64 to 77 %, 412 customers)'
    """
    value, lo, hi = (number(x, seen.unit) for x in (seen.raw, seen.lo, seen.hi))
    sign = " %" if seen.unit == "share" else ""
    base = f"{seen.n_customers:,} customers"
    return f"{value}{sign} ({lo} to {hi}{sign}, {base})"


def number(value: float, unit: str) -> str:
    """Return a number as people say it: shares in per cent, no more than three figures.

    Examples
    --------
    >>> number(0.0312, "share"), number(0.712, "share"), number(1234.5, "1/week")
    ('3.1', '71', '1,234')
    """
    scaled = 100 * value if unit == "share" else value
    if abs(scaled) >= 100:
        text = f"{scaled:,.0f}"
    elif unit == "share":
        text = f"{scaled:.0f}" if abs(scaled) >= 10 else f"{scaled:.1f}".removesuffix(".0")
    elif abs(scaled) >= 10:
        text = f"{scaled:.0f}"
    else:
        text = f"{scaled:.2f}"
    bare = text if text.strip("-0.,") else text.removeprefix("-")
    return bare.replace("-", "−")


def statement(measure: str, seen: Observation, *, for_machine: bool) -> str:
    """Return one sentence on one indicator.

    Examples
    --------
    >>> import numpy as np
    >>> seen = Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71]))
    >>> statement("containment", seen, for_machine=True)
    'For a machine: bots already solve 71 % (64 to 77 %, 412 customers) of these contacts without \
a repeat.'
    """
    words = WORDS[measure]
    text = words.machine if for_machine else words.human
    verb = VERB.get(measure, {}).get(seen.grade, "")
    side = "machine" if for_machine else "human"
    return f"For a {side}: {text.format(x=figure(seen), verb=verb)}."


def score_text(value: float, lo: float, hi: float) -> str:
    """Return a score with its interval: ``'72 of 100 (66 to 78)'``."""
    return f"{value:.0f} of 100 ({lo:.0f} to {hi:.0f})"


def not_taken(measure: str, reason: str) -> str:
    """Return why an indicator is missing, in words."""
    return f"{WORDS[measure].label}: {ABSTAIN_TEXT.get(reason, reason)}"
