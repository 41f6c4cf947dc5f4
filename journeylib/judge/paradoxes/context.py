"""What the sides of a paradox are measured on, and what they say where the log lacks something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import US_PER_DAY, AbstainReason, Estimate, text
from journeylib.journeys import Journeys
from journeylib.judge.paradoxes.bot_human_comparison import Estimand
from journeylib.judge.paradoxes.contacts import Contacts
from journeylib.judge.settings import ParadoxSettings
from journeylib.measures import MeasureSettings, Scores


@dataclass(frozen=True)
class Side:
    """One side of a paradox: its estimate, and what the log lacks where that is why it abstains.

    `lacks` is a key of ``judge.lacks`` in the catalogue.
    """

    estimate: Estimate
    lacks: str = ""


@dataclass(frozen=True)
class ParadoxContext:
    """What every side of a paradox is measured on.

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

    def estimand(
        self, name: str, unit: str = "share", *assumptions: str, **values: str
    ) -> Estimand:
        """Return what is asked for, with the minimum bases of the settings.

        Parameters
        ----------
        name : str
            Key of its text under ``judge.estimand``; `values` are filled in there.
        unit : str
        *assumptions : str
        """
        fewest = max(self.measures.min_base_customers, self.journeys.settings.min_customers)
        what = text(f"judge.estimand.{name}", **values)
        return Estimand(what, unit, fewest, self.settings.min_support, assumptions)

    def too_young(self, days: float) -> AbstainReason | None:
        """Return why nothing is at least so many days older than the log's end."""
        first, last = self.journeys.first_us, self.journeys.last_us
        if first is None or last is None:
            return "no_clock"
        return "immature_window" if last - first < days * US_PER_DAY else None


def abstaining(estimand: Estimand, reason: AbstainReason, lacks: str = "") -> Side:
    """Return a side that abstains; without a clock that is what the log lacks."""
    return Side(estimand.none(reason), "clock" if reason == "no_clock" else lacks)


def verified_how(context: ParadoxContext) -> str:
    """Return what counts as resolved."""
    silence = "leaving a bot in frustration counts as failed"
    if context.sessions is None:
        silence = "silent leaving is not seen: there is no hand-off audit"
    days = f"{context.measures.repeat_days:g}"
    return f"resolved means no bad end and no contact about it within {days} days; {silence}"


def labelled(rows: pd.DataFrame, context: ParadoxContext) -> pd.DataFrame:
    """Leave out what has no intent in a log that has intents: it cannot be matched."""
    return rows[rows["intent"] >= 0] if context.journeys.has("intent") else rows


def customer_speaks(context: ParadoxContext) -> npt.NDArray[np.bool_]:
    """Mark the events in which what is said is said by the customer."""
    contacts = context.contacts
    everywhere = context.journeys.log.schema.text_by == "customer"
    return np.ones(len(contacts.events), dtype=bool) if everywhere else contacts.customer
