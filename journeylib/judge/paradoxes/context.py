"""What the pairs of a paradox look at, and what they say where the log lacks something."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import _

from journeylib.core import AbstainReason, Estimate
from journeylib.journeys import US_PER_DAY, Journeys
from journeylib.judge.paradoxes.bot_human_comparison import Ask
from journeylib.judge.paradoxes.contacts import Contacts
from journeylib.judge.paradoxes.settings import ParadoxSettings
from journeylib.measures import MeasureSettings, Scores

ACTOR = "a column of who acted (role 'actor')"
CLOCK = "a timestamp"
COST = "a column of costs (role 'cost')"
RATING = "a column of ratings (role 'rating')"
SENTIMENT = "a column of sentiment (role 'sentiment') or text (role 'text') of what customers say"
CRIES = (
    "a column of sentiment (role 'sentiment') of what customers say, or the hand-off audit "
    "on texts in which they ask for a human"
)
CUSTOMERS = "the customers' own events (actor 'customer')"
PERSONAL = "an attribute that says whether a bot used personal data (setting 'personal_data')"
OPT_OUTS = (
    "opt-outs or privacy complaints among outcomes or touchpoints (settings 'privacy_kinds', "
    "'privacy_touchpoints')"
)


@dataclass(frozen=True)
class Side:
    """One side of a pair: its estimate, and what the log lacks where that is why it abstains."""

    estimate: Estimate
    lacks: str = ""


@dataclass(frozen=True)
class Scene:
    """What every pair looks at.

    Attributes
    ----------
    journeys : Journeys
    contacts : Contacts
    sessions : pandas.DataFrame or None
        Bot sessions with their ends.
    scores : Scores or str
        What customers' turns sound like, or why nobody knows.
    settings : ParadoxSettings
    measures : MeasureSettings
        What a session and a repeat contact is.
    """

    journeys: Journeys
    contacts: Contacts
    sessions: pd.DataFrame | None
    scores: Scores | AbstainReason
    settings: ParadoxSettings
    measures: MeasureSettings

    def ask(self, estimand: str, unit: str, *assumptions: str, scale: float = 1.0) -> Ask:
        """Return what is asked for, with the minimum bases of the settings."""
        fewest = max(self.measures.min_base_customers, self.journeys.settings.min_customers)
        return Ask(estimand, unit, fewest, self.settings.min_support, scale, assumptions)

    def too_young(self, days: float) -> AbstainReason | None:
        """Return why nothing is at least so many days older than the log's end."""
        first, last = self.journeys.first_us, self.journeys.last_us
        if first is None or last is None:
            return "no_clock"
        return "immature_window" if last - first < days * US_PER_DAY else None


def silent(ask: Ask, reason: AbstainReason, lacks: str = "") -> Side:
    """Return a side that abstains; without a clock that is what the log lacks."""
    return Side(ask.none(reason), CLOCK if reason == "no_clock" else lacks)


def verified_how(scene: Scene) -> str:
    """Say what counts as resolved."""
    silence = "leaving a bot in frustration counts as failed"
    if scene.sessions is None:
        silence = "silent leaving is not seen: there is no hand-off audit"
    days = f"{scene.measures.repeat_days:g}"
    return f"resolved means no bad end and no contact about it within {days} days; {silence}"


def labelled(rows: ibis.Table, scene: Scene) -> ibis.Table:
    """Leave out what has no intent in a log that has intents: it cannot be matched."""
    return rows.filter(_.intent.notnull()) if scene.journeys.has("intent") else rows
