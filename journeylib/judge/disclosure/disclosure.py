"""Disclosure: whether, when and how customers were told that they talk to a machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import AbstainReason, Estimate, estimate_text, text
from journeylib.journeys import Journeys, base_in_cells, first_in, runs_of
from journeylib.judge.disclosure.phrases import Phrases, find_phrases
from journeylib.judge.estimation.figures import rounded_alike
from journeylib.judge.paradoxes.bot_human_comparison import Estimand, shares
from journeylib.judge.paradoxes.rows import Rows
from journeylib.log import suppress
from journeylib.measures import MeasureSettings, sessions_of

Whole = npt.NDArray[np.int64]
WHEN = ("at_once", "later", "never")
COLUMNS = (
    "touchpoint",
    "sessions",
    "customers",
    *(f"{when}{suffix}" for when in WHEN for suffix in ("", "_lo", "_hi")),
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
    wording : Phrases
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
    wording: Phrases = field(default_factory=Phrases)
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
    if not journeys.has("actor"):
        return _no_column("actor", Phrases(abstain="no_column"))
    fewest = max(settings.min_base_customers, journeys.settings.min_customers)
    contact = sessions_of(journeys, settings)
    phrases = find_phrases(journeys, contact, fewest)
    if not journeys.has("ai_disclosed"):
        return _no_column("ai_disclosed", phrases)
    sessions = _sessions(journeys, contact)
    settled = int((sessions["when"] != "").sum())
    parts = _shares(sessions, fewest)
    result = Disclosure(
        sessions=len(sessions),
        unknown=len(sessions) - settled,
        at_once=parts["at_once"],
        later=parts["later"],
        never=parts["never"],
        wording=phrases,
    )
    if result.never.hi is None:
        return replace(result, abstain="n_small", text=text("judge.disclosure.few"))
    table = _by_touchpoint(sessions, journeys, fewest)
    return replace(result, by_touchpoint=table, text=_sentences(result, settled))


def _no_column(role: str, phrases: Phrases) -> Disclosure:
    lacks = text(f"judge.disclosure.lacks_{role}")
    finding = f"{text('judge.disclosure.no_column', lacks=lacks)} {phrases.sentence()}".rstrip()
    return Disclosure(abstain="no_column", wording=phrases, text=finding)


def _sessions(journeys: Journeys, contact: Whole) -> Rows:
    """One row per session with a bot: ``touchpoint_no`` of its first turn, ``when`` (or empty)."""
    events, runs = journeys.events, runs_of(contact, int(contact.max(initial=-1)) + 1)
    bot, disclosed = events.column("actor").is_word("bot"), events.column("ai_disclosed")
    first = first_in(runs, bot)
    disclosure = first_in(runs, disclosed == 1)
    # Silence of the column before the first yes: it may have been told there already.
    before = (disclosure[contact] < 0) | (np.arange(len(events)) < disclosure[contact])
    silent = first_in(runs, bot & (disclosed < 0) & before) >= 0
    when = np.select(
        [(disclosure >= 0) & (disclosure <= first), silent, disclosure >= 0],
        ["at_once", "", "later"],
        "never",
    )
    own, names = first >= 0, ("journey", "customer_no", "group", "touchpoint_no")
    columns = events.journey, events.customer, events.group.astype(np.int64), events.touchpoint
    facts = (column[first[own]] for column in columns)
    return Rows(dict(zip(names, facts, strict=True)) | {"when": when[own]})


def _shares(sessions: Rows, min_customers: int) -> dict[str, Estimate]:
    estimands = {
        when: Estimand(text(f"judge.estimand.disclosed_{when}"), "share", min_customers)
        for when in WHEN
    }
    tops = {when: sessions["when"] == when for when in WHEN}
    return shares(sessions, tops, sessions["when"] != "", estimands)


def _by_touchpoint(sessions: Rows, journeys: Journeys, fewest: int) -> pd.DataFrame:
    settled = sessions.where(sessions["when"] != "")
    touchpoint, names = settled["touchpoint_no"], journeys.touchpoint_names
    base = base_in_cells(touchpoint, settled["journey"], settled["customer_no"], len(names))
    here = np.flatnonzero(base.events)
    counts = pd.DataFrame(
        {
            "touchpoint_no": here,
            "touchpoint": [names[number] for number in here],
            "sessions": base.events[here],
            "customers": base.customers[here],
        }
    )
    shown, _hidden = suppress(counts, fewest)
    shown = shown.sort_values("touchpoint")[["touchpoint_no", *COLUMNS[:3]]]
    rows = []
    for no, *counted in shown.to_numpy().tolist():
        parts = _shares(settled.where(touchpoint == no), fewest)
        figures = (x for when in WHEN for x in (parts[when].value, parts[when].lo, parts[when].hi))
        rows.append((*counted, *figures))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _sentences(result: Disclosure, sessions: int) -> str:
    """Say whether and when customers were told, on which base, and what to do where not."""
    sentences = [
        text(
            "judge.disclosure.result",
            **{when: _percent(getattr(result, when)) for when in WHEN},
            sessions=sessions,
            customers=result.never.n_customers,
        )
    ]
    if result.unknown:
        sentences.append(text("judge.disclosure.unknown", n=result.unknown))
    sentences.append(result.wording.sentence())
    if result.at_once.value != 1:
        sentences.append(text("judge.disclosure.next"))
    return " ".join(filter(None, sentences))


def _percent(estimate: Estimate) -> str:
    if estimate.value is None:
        return estimate_text(estimate, base=False)
    ends = (estimate.value, estimate.lo or 0.0, estimate.hi or 0.0)
    value, lo, hi = rounded_alike(*ends, "share")
    return text("judge.disclosure.share", value=value, lo=lo, hi=hi)
