"""What the sides of a paradox are measured on, and what they say where the log lacks something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import US_PER_DAY, AbstainReason, Estimate, text
from journeylib.journeys import BAD_END, Codes, Journeys, number_pairs
from journeylib.judge.paradoxes.bot_human_comparison import Estimand
from journeylib.judge.paradoxes.contacts import Contacts, episodes
from journeylib.judge.paradoxes.rows import Rows
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

    @cached_property
    def _matters(self) -> Rows:
        return episodes(self.contacts, self.journeys, self.measures)

    def matters(self, days: float) -> Rows:
        """Return the matters that begin at least so many days before the log's end."""
        latest = int(self.journeys.last_us or 0) - round(days * US_PER_DAY)
        return self._matters.where(self._matters["begin_us"] <= latest)

    @cached_property
    def served(self) -> Rows:
        """The journeys in which a bot or human acts: ``open``, ``completed``, ``by_bots``.

        With number of the ``journey``, ``customer_no`` and ``group``.
        """
        rows, outline = self.contacts.rows, self.journeys.outline
        first = np.flatnonzero(np.diff(rows["journey"], prepend=-1))
        last = np.append(first[1:], len(rows))[: len(first)] - 1
        journey = rows["journey"][first]
        is_open = outline.is_open[journey]
        bad = (outline.end_kind[journey] == BAD_END) | rows["failed"][last]
        human = np.logical_or.reduceat(rows["human"], first) if len(first) else is_open
        completed = ~is_open & ~bad
        own = {name: rows[name][first] for name in ("journey", "customer_no", "group")}
        ends = {"open": is_open, "completed": completed, "by_bots": completed & ~human}
        return Rows(own | ends)

    @cached_property
    def bots(self) -> Codes:
        """What tells bots apart, for each event: its resource, or else its touchpoint."""
        events, names = self.contacts.events, self.journeys.names
        here = [names[number] for number in range(len(names))]
        resource: Codes | None = events.column("resource") if events.has("resource") else None
        words = sorted({*here, *(() if resource is None else resource.words)})
        number_of = {word: number for number, word in enumerate(words)}
        of_touchpoint = np.array([number_of[name] for name in here], dtype=np.int32)
        number = of_touchpoint[events.touchpoint]
        if resource is not None:
            own = np.array([*(number_of[word] for word in resource.words), -1], dtype=np.int32)
            number = np.where(resource.known, own[resource.number], number)
        return Codes(number, tuple(words))

    @cached_property
    def passed(self) -> Rows:
        """The bots that act in each journey: ``journey``, ``customer_no``, ``group``, ``bot``."""
        outline, rows = self.journeys.outline, np.flatnonzero(self.contacts.bot)
        journey, many = self.contacts.events.journey[rows], len(self.bots.words)
        _pair, keys = number_pairs(journey, self.bots.number[rows], many)
        journey, bot = np.divmod(keys, many)
        customer, group = (own[journey] for own in (outline.customer, outline.group))
        columns = {"journey": journey, "customer_no": customer, "bot": bot}
        return Rows(columns | {"group": group.astype(np.int64)})

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


def labelled(rows: Rows, context: ParadoxContext) -> Rows:
    """Leave out what has no intent in a log that has intents: it cannot be matched."""
    return rows.where(rows["intent"] >= 0) if context.journeys.has("intent") else rows


def customer_speaks(context: ParadoxContext) -> npt.NDArray[np.bool_]:
    """Mark the events in which what is said is said by the customer."""
    contacts = context.contacts
    everywhere = context.journeys.log.schema.text_by == "customer"
    return np.ones(len(contacts.events), dtype=bool) if everywhere else contacts.customer
