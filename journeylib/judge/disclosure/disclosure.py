"""Disclosure: whether, when and how customers were told that they talk to a machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ibis
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason, Estimate
from journeylib.journeys import Journeys
from journeylib.judge.disclosure.phrases import Wording, wording
from journeylib.judge.paradoxes.bot_human_comparison import Ask, shares
from journeylib.judge.paradoxes.contacts import contact_turns
from journeylib.judge.spoken import spoken
from journeylib.log import fetch, suppress
from journeylib.measures import MeasureSettings

WHEN = ("at_once", "later", "never")
COLUMNS = (
    "touchpoint",
    "sessions",
    "customers",
    *(f"{when}{suffix}" for when in WHEN for suffix in ("", "_lo", "_hi")),
)
ESTIMAND = {
    "at_once": "sessions with bots in which it was told before or with the bot's first turn",
    "later": "sessions with bots in which it was told after the bot's first turn",
    "never": "sessions with bots in which it was not told",
}
NEXT = (
    "Tell it at the beginning, everywhere. The law asks for it (EU AI Act, article 50), and what "
    "may be tried out is how it is told, never whether."
)


def _nothing() -> Estimate:
    return Estimate.none("no_column", "share")


@dataclass(frozen=True)
class Disclosure:
    """Whether customers were told that it is a machine, as a finding.

    Attributes
    ----------
    abstain : str or None
        ``no_column`` without actors or without ``ai_disclosed``; ``n_small`` where too few
        customers are known of.
    sessions, unknown : int
        Sessions with bots in all, and those of which the log does not say it.
    at_once, later, never : Estimate
        Shares of the sessions that are known of; they add up to 1.
    by_touchpoint : pandas.DataFrame
        One row per touchpoint at which a bot takes its first turn, by name: ``touchpoint``,
        ``sessions`` (int64, known of), ``customers`` (int64), ``at_once``, ``later``, ``never``
        (float64), each with ``_lo``, ``_hi``; touchpoints of too few customers are left out.
    wording : Wording
        In which words, where bots' texts are logged.
    text : str
        The finding in words.
    """

    abstain: AbstainReason | None = None
    sessions: int = 0
    unknown: int = 0
    at_once: Estimate = field(default_factory=_nothing)
    later: Estimate = field(default_factory=_nothing)
    never: Estimate = field(default_factory=_nothing)
    by_touchpoint: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    wording: Wording = field(default_factory=Wording)
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the shares and counts as plain values."""
        return {
            "abstain": self.abstain,
            "sessions": self.sessions,
            "unknown": self.unknown,
            **{when: getattr(self, when).to_dict() for when in WHEN},
            "wording": self.wording.to_dict(),
        }


def disclosure(journeys: Journeys, settings: MeasureSettings | None = None) -> Disclosure:
    """Find out whether and when customers were told that they talk to a machine.

    Parameters
    ----------
    journeys : Journeys
    settings : MeasureSettings, optional
        The silence that ends a session, and the minimum of customers.

    Returns
    -------
    Disclosure

    Notes
    -----
    A session is a contact (`contacts.find_contacts`) in which a bot acts. It was told *at once*
    if the bot's first turn, or any step before it in the session, says so; *later* if a later
    step is the first to say so; *never* if none does. A session in which a turn of the bot says
    neither yes nor no, before the first yes, is *unknown*.

    In a field experiment customers bought less when they were told before the talk (Luo et al.
    2019, outbound sales calls). That is no reason to hide it, and what timing does can only be
    told where it was varied at random: this is a count, not an effect.
    """
    settings = settings or MeasureSettings()
    nothing = "Was it told that it is a machine? Not measurable: it needs a column of {}."
    if not journeys.has("actor"):
        return Disclosure(
            abstain="no_column",
            wording=Wording(abstain="no_column"),
            text=nothing.format("who acted (role 'actor')"),
        )
    fewest = max(settings.min_base_customers, journeys.settings.min_customers)
    turns = contact_turns(journeys, settings)
    words = wording(turns, journeys, fewest)
    if not journeys.has("ai_disclosed"):
        lacks = nothing.format("whether the customer was told (role 'ai_disclosed')")
        return Disclosure(
            abstain="no_column", wording=words, text=f"{lacks} {words.said()}".rstrip()
        )
    sessions = _sessions(turns).cache()
    totals = fetch(sessions.aggregate(n=_.count(), known=_.when.count())).iloc[0]
    count, known = int(totals["n"]), int(totals["known"])
    told = _shares(sessions, fewest)
    unknown = count - known
    if told["never"].value is None:
        return Disclosure(
            abstain="n_small",
            sessions=count,
            unknown=unknown,
            at_once=told["at_once"],
            later=told["later"],
            never=told["never"],
            wording=words,
            text="Was it told that it is a machine? No answer: too few customers are known of.",
        )
    return Disclosure(
        sessions=count,
        unknown=unknown,
        at_once=told["at_once"],
        later=told["later"],
        never=told["never"],
        by_touchpoint=_by_touchpoint(sessions, journeys, settings),
        wording=words,
        text=_text(told, known, unknown, words.said()),
    )


def _sessions(turns: ibis.Table) -> ibis.Table:
    """One row per session with a bot: ``touchpoint_no`` of its first turn, ``when`` (or null)."""
    key = ["journey", "opened"]
    bot = _.actor == "bot"
    steps = turns.mutate(
        bot_step=_.step.min(where=bot).over(ibis.window(group_by=key)),
        said_step=_.step.min(where=_.ai_disclosed).over(ibis.window(group_by=key)),
    ).filter(_.bot_step.notnull())
    # Silence of the column before the first yes: it may have been told there already.
    unsure = bot & _.ai_disclosed.isnull() & (_.said_step.isnull() | (_.step < _.said_step))
    facts = steps.group_by([*key, "customer_no", "group"]).aggregate(
        touchpoint_no=_.touchpoint_no.argmin(_.step, where=bot),
        bot_step=_.bot_step.min(),
        said_step=_.said_step.min(),
        unsure=unsure.any(),
    )
    return facts.mutate(
        when=ibis.cases(
            (_.said_step <= _.bot_step, "at_once"),
            (_.unsure, ibis.null("string")),
            (_.said_step.notnull(), "later"),
            else_="never",
        )
    )


def _shares(sessions: ibis.Table, min_customers: int) -> dict[str, Estimate]:
    asks = {when: Ask(ESTIMAND[when], "share", min_customers) for when in WHEN}
    return shares(sessions, {when: _.when == when for when in WHEN}, _.when.notnull(), asks)


def _by_touchpoint(
    sessions: ibis.Table, journeys: Journeys, settings: MeasureSettings
) -> pd.DataFrame:
    known = sessions.filter(_.when.notnull())
    counts = fetch(
        known.group_by("touchpoint_no").aggregate(
            sessions=_.count(), customers=_.customer_no.nunique()
        )
    )
    names = journeys.touchpoints.set_index("touchpoint_no")["touchpoint"]
    counts["touchpoint"] = counts["touchpoint_no"].map(names)
    fewest = max(settings.min_base_customers, journeys.settings.min_customers)
    shown, _hidden = suppress(counts, fewest)
    rows = []
    columns = ["touchpoint_no", "touchpoint", "sessions", "customers"]
    for spot, *counted in shown.sort_values("touchpoint")[columns].to_numpy().tolist():
        told = _shares(known.filter(_.touchpoint_no == spot), fewest)
        figures = (
            figure for when in WHEN for figure in (told[when].value, told[when].lo, told[when].hi)
        )
        rows.append((*counted, *figures))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _text(told: dict[str, Estimate], known: int, unknown: int, words: str) -> str:
    """Say whether and when it was told, on which base, and what to do where it was not."""
    at_once, later, never = (_percent(told[when]) for when in WHEN)
    people = told["never"].n_customers
    said = (
        f"Was it told that it is a machine? Before or with the bot's first turn in {at_once}, "
        f"later in {later}, never in {never} of {known:,} sessions with bots "
        f"({people:,} customers)."
    )
    if unknown:
        said += f" Of {unknown:,} further sessions the log does not say it."
    if words:
        said += f" {words}"
    everywhere = told["at_once"].value == 1
    return said if everywhere else f"{said} {NEXT}"


def _percent(estimate: Estimate) -> str:
    value, lo, hi = spoken(estimate)
    return f"{value} % ({lo} to {hi} %)"
