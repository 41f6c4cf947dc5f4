"""Reasons in words that a customer experience lead understands, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from journeylib.core import percent
from journeylib.judge.scorecard.observations import Observation


@dataclass(frozen=True)
class Words:
    """How one indicator is spoken of.

    Attributes
    ----------
    label : str
        What it is, as a noun.
    machine, human : str
        What it says where it speaks for a machine, and for a human. ``{x}`` is the figure,
        ``{p}`` a difference of shares in percentage points; ``{verb}`` follows the grade.
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
MORE = "more visits"

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
        MORE,
    ),
    "duration_spread": Words(
        "how even its durations are",
        "it takes about as long each time: spread {x}, where 0 is always the same",
        "it takes very different times: spread {x}, where 0 is always the same",
        "end timestamps",
    ),
    "rule_skill": Words(
        "how well simple rules foretell what happens",
        "simple rules foretell what happens next: {x}, where 0 % is guessing",
        "simple rules hardly foretell what happens next: {x}, where 0 % is guessing",
        "attributes that are known when it starts",
    ),
    "rework": Words(
        "how many journeys come back to it",
        "only {x} of its journeys come back to it",
        "{x} of its journeys come back to it",
        MORE,
    ),
    "exceptions": Words(
        "how often it ends in an exception",
        "only {x} of visits end in an error, an override or a transfer",
        "{x} of visits end in an error, an override or a transfer",
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
        "what follows stayed {x} alike from the start of the log to its end",
        "what follows stayed only {x} alike from the start of the log to its end",
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
        "only {x} of what customers say here is negative",
        "{x} of what customers say here is negative",
        TEXT,
    ),
    "volatility": Words(
        "how far feelings swing",
        "feelings hardly swing around it: {x} beyond chance, on a scale from −1 to 1",
        "feelings swing around it: {x} beyond chance, on a scale from −1 to 1",
        TEXT,
    ),
    "sentiment_drop": Words(
        "how feeling changes across it",
        "feeling does not fall across it: a change of {x} on a scale from −1 to 1",
        "feeling falls across it: a change of {x} on a scale from −1 to 1",
        TEXT,
    ),
    "human_request": Words(
        "how often customers ask for a human",
        "customers ask for a human in only {x} of visits",
        "customers ask for a human in {x} of visits",
        TEXT,
    ),
    "stakes": Words(
        "what is at stake for loyalty",
        "little is at stake: a good visit, not a bad one, {verb} at least {p} percentage points "
        "in the outcome",
        "much is at stake: a good visit, not a bad one, {verb} at least {p} percentage points "
        "in the outcome",
        "outcomes such as churn or repurchase",
    ),
    "vulnerable": Words(
        "how many customers are vulnerable",
        "only {x} of the customers here are flagged as vulnerable",
        "{x} of the customers here are flagged as vulnerable",
        "an attribute that flags vulnerable customers",
    ),
    "repeat_contact": Words(
        "how often customers come back with the same matter",
        "only {x} of contacts are followed by another about the same matter",
        "{x} of contacts are followed by another about the same matter",
        "what each contact is about (intent), with a timestamp",
    ),
    "complaint_excess": Words(
        "how much more often customers complain",
        "it goes with hardly more complaints than elsewhere: {p} percentage points",
        "it goes with more complaints than elsewhere: {p} percentage points",
        "complaints among the outcomes",
    ),
}

CORRECTED = "corrected for"  # as `measures.correct` writes it into the source
VERB = {
    "saving": {
        "A": "saves",
        "B": "is estimated to save, if its checks hold,",
        "C": "goes with a saving of",
        "D": "is assumed to save",
    },
    "stakes": {
        "A": "causes a change of",
        "B": "is estimated, if its checks hold, to change by",
        "C": "goes with a difference of",
        "D": "is assumed to change by",
    },
}

VETO_TEXT = {
    "legally_human": "The law asks for a human decision here.",
    "high_empathy": "The need for empathy is high and sure: {need}.",
    "vulnerable": "No automation: {x} of the customers here are flagged as vulnerable{base}.",
    "moment_of_truth": (
        "No automation: this is a moment of truth where a bad visit goes with more loss than a "
        "good one with gain."
    ),
    "no_escape_hatch": "No automation: customers do not reliably reach a human from here.",
}

BROKEN_TEXT = {
    "rework": "Mend it first: {x} of its journeys come back to it{base}.",
    "exceptions": "Mend it first: {x} of visits end in an error, an override or a transfer{base}.",
    "next_steps": "Mend it first: what follows spreads over {x} next steps in effect{base}.",
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


def figure(seen: Observation, *, sign: bool = True) -> tuple[str, str]:
    """Return a number with its unit, and its interval and base in brackets.

    Shares are spoken of in per cent (`sign`) or, where they are differences, in points.

    Examples
    --------
    >>> import numpy as np
    >>> figure(Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71])))
    ('71 %', ' (64 to 77 %, 412 customers)')
    >>> figure(Observation(1240.2, 980, 1500, "min/week", 1412, "C", None, np.array([1240.2])))
    ('1,240', ' (980 to 1,500, 1,412 customers)')
    >>> figure(Observation(0.0002, 0, 0.001, "share", 900, "C", None, np.array([0.0])))
    ('under 0.1 %', ' (0 to 0.1 %, 900 customers)')
    """
    share = seen.unit == "share"
    decimals = _decimals(100 * seen.raw if share else seen.raw, share=share)
    per_cent = " %" if share and sign else ""

    def told(x: float) -> str:
        if share and x >= 0:
            return percent(x, decimals, sign=False)
        return number(100 * x if share else x, decimals)

    ends = f"{told(seen.lo)} to {told(seen.hi)}{per_cent}"
    assumed = "assumed, " if seen.grade == "D" else ""
    corrected = ", corrected by labelled turns" if CORRECTED in seen.source else ""
    base = f" ({assumed}{ends}, {seen.n_customers:,} customers{corrected})"
    return f"{told(seen.raw)}{per_cent}", base


def _decimals(value: float, *, share: bool) -> int:
    """Return how many decimals people would say; the interval is rounded like its point."""
    if abs(value) >= 10:
        return 0
    return 1 if share else 2


def number(value: float, decimals: int) -> str:
    """Return a number with thousands separated, a true minus and no negative zero.

    Examples
    --------
    >>> number(1234.5, 0), number(-0.2, 1), number(-0.001, 1)
    ('1,234', '−0.2', '0.0')
    """
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", "−")


def statement(measure: str, seen: Observation, *, for_machine: bool) -> str:
    """Return one sentence on one indicator.

    Examples
    --------
    >>> import numpy as np
    >>> seen = Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71]))
    >>> statement("containment", seen, for_machine=True)[:49]
    'For a machine: bots already solve 71 % of these c'
    >>> seen = Observation(0.0, 0.0, 0.0, "share", 412, "C", None, np.array([0.0]))
    >>> statement("rework", seen, for_machine=True)
    'For a machine: 0 % of its journeys come back to it (0 to 0 %, 412 customers).'
    """
    words = WORDS[measure]
    text = words.machine if for_machine else words.human
    verb = VERB.get(measure, {}).get(seen.grade, "")
    x, base = figure(seen, sign="{p}" not in text)
    if x.startswith(("0 ", "under")):
        # Nothing, or next to it, is not "only" so much.
        text = text.replace("only {x}", "{x}")
    return (
        f"For a {'machine' if for_machine else 'human'}: {text.format(x=x, p=x, verb=verb)}{base}."
    )


def score_text(value: float, lo: float, hi: float) -> str:
    """Return a score with its interval: ``'72 of 100 (66 to 78)'``."""
    return f"{value:.0f} of 100 ({lo:.0f} to {hi:.0f})"
