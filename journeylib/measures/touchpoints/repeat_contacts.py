"""What a touchpoint costs the customer afterwards: coming back, complaining."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from journeylib.journeys import MISSING, US_PER_DAY, Journeys, compiled, number_pairs
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Cells, Numbers, Rows, fold, share_of, silent

US_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class Repeats:
    """Repeat contact per touchpoint, and the cells behind it.

    Attributes
    ----------
    measured : Measured
    cells : Cells or None
        Sums ``contacts`` and ``contact_repeats`` count each contact once, where it opens.
    customers, journeys : int
        Those with a contact that is old enough.
    """

    measured: Measured
    cells: Cells | None
    customers: int = 0
    journeys: int = 0


def repeat_contacts(journeys: Journeys, settings: MeasureSettings) -> Repeats:
    """Share of contacts after which the customer comes back about the same within the window.

    A contact is what one customer does about one intent (or, where an event has none, at one
    touchpoint) without a silence longer than ``session_gap_minutes``, or within one session
    where the log has those. It counts once at each touchpoint that it touches. Only contacts
    at least ``repeat_days`` before the log's end are counted: later ones cannot have come back
    in full view, and counting them makes recent weeks look better. Abstains with ``no_column``
    where the log knows cases but no customers.
    """
    name = f"repeat contacts {settings.model_dump_json()}"
    return journeys.events.once(name, lambda: _repeat_contacts(journeys, settings))  # type: ignore[no-any-return]


def _repeat_contacts(journeys: Journeys, settings: MeasureSettings) -> Repeats:
    many = len(journeys.touchpoints)
    window_us = round(settings.repeat_days * US_PER_DAY)
    if journeys.first_us is None or journeys.last_us is None:
        return Repeats(silent("repeat_contact", "share", "no_clock", many), None)
    if not journeys.log.schema.knows_customers:
        # Who comes back opens another case: what comes again in the same one is still it.
        return Repeats(silent("repeat_contact", "share", "no_column", many), None)
    mature_until = journeys.last_us - window_us
    if mature_until < journeys.first_us:
        return Repeats(silent("repeat_contact", "share", "immature_window", many), None)
    contacts = find_contacts(journeys, settings)
    contacts = contacts.where(contacts.at_us <= mature_until)
    again = contacts.next_us != MISSING
    came_back = again & (np.where(again, contacts.next_us - contacts.at_us, 0) <= window_us)
    sums = {
        "visits": np.ones(len(came_back), dtype=bool),
        "repeats": came_back,
        "contacts": contacts.opens,
        "contact_repeats": came_back & contacts.opens,
    }
    cells = fold(contacts.rows, sums, ["visits", "contacts"])
    base = contacts.rows.base(sums["visits"])
    shares = share_of("repeat_contact", cells.together("repeats", "visits"), base, settings)
    customers, units = contacts.rows.customer, contacts.rows.journey
    return Repeats(shares, cells, len(np.unique(customers)), len(np.unique(units)))


@dataclass(frozen=True)
class Contacts:
    """One entry per contact and touchpoint that it touches.

    Attributes
    ----------
    rows : Rows
        Where, and whose; the journey in which the contact came there first.
    at_us, next_us : ndarray of int64
        When it came there; when the customer's next contact about the same began, `MISSING`
        where there was none.
    opens : ndarray of bool
        Whether the contact began there.
    """

    rows: Rows
    at_us: Numbers
    next_us: Numbers
    opens: Numbers

    def where(self, kept: Numbers) -> Contacts:
        """Return the entries that are marked."""
        own = self.rows
        parts = (own.touchpoint, own.group, own.journey, own.customer)
        rows = Rows(own.touchpoints, *(part[kept] for part in parts))
        return Contacts(rows, self.at_us[kept], self.next_us[kept], self.opens[kept])


def find_contacts(journeys: Journeys, settings: MeasureSettings) -> Contacts:
    """Find the contacts of a log with a clock; see `repeat_contacts` for what a contact is."""
    events = journeys.events
    order = events.by_time
    matter, many = events.touchpoint, events.touchpoints
    if journeys.has("intent"):
        intent = events.column("intent")
        matter = np.where(intent.known, many + intent.number, matter)
        many += len(intent.words)
    talk = np.full(len(events), -1, dtype=np.int32)
    talks = 0
    if journeys.has("session"):
        session = events.column("session").number
        talk, keys = number_pairs(np.where(session >= 0, matter, -1), session, 1 << 31)
        talks = len(keys)
    service = np.where(events.service_us == MISSING, 0, events.service_us)
    gap_us = round(settings.session_gap_minutes * US_PER_MINUTE)
    contact, next_us = contacts_of(
        (many, talks, gap_us),
        *(part[order] for part in (events.customer, matter, talk, events.t_us, service)),
    )
    # Of each contact and touchpoint the first event, in order of customer and journey.
    spot, keys = number_pairs(contact, events.touchpoint[order], events.touchpoints)
    first = np.full(len(keys), -1, dtype=np.int64)
    first[spot[::-1]] = np.arange(len(order))[::-1]
    opens = np.zeros(len(keys), dtype=bool)
    opens[np.unique(spot[np.unique(contact, return_index=True)[1]])] = True
    ordered = np.argsort(order[first], kind="stable")
    rows = order[first][ordered]
    return Contacts(
        Rows.of(events, rows), events.t_us[rows], next_us[contact[first]][ordered], opens[ordered]
    )


@compiled
def contacts_of(
    limits: tuple[int, int, int],
    customer: Numbers,
    matter: Numbers,
    talk: Numbers,
    t_us: Numbers,
    service_us: Numbers,
) -> tuple[Numbers, Numbers]:
    """Number the contacts of customers whose events come in order of time.

    A contact is what one customer does about one matter without a silence longer than the gap,
    or within one session. Silence runs from the latest end seen so far.

    Parameters
    ----------
    limits : (matters, talks, gap_us)
    customer, matter, t_us, service_us : ndarray of int
    talk : ndarray of int
        Number of the session about the matter; below 0 where there is none.

    Returns
    -------
    contact : ndarray of int64
        Of each event, numbered as they begin.
    next_us : ndarray of int64
        By contact, when the customer's next one about the same began; `MISSING` if there is none.
    """
    matters, talks, gap_us = limits
    whose = np.full(matters, -1, dtype=np.int64)
    current = np.zeros(matters, dtype=np.int64)
    busy_us = np.zeros(matters, dtype=np.int64)
    heard = np.full(talks, -1, dtype=np.int64)
    contact = np.empty(len(customer), dtype=np.int64)
    next_us = np.full(len(customer), MISSING, dtype=np.int64)
    known = 0
    for row in range(len(customer)):
        about = matter[row]
        first = whose[about] != customer[row]
        if talk[row] >= 0:
            opens = heard[talk[row]] != customer[row]
            heard[talk[row]] = customer[row]
        else:
            opens = first or t_us[row] - busy_us[about] > gap_us
        if opens:
            if not first:
                next_us[current[about]] = t_us[row]
            current[about] = known
            known += 1
        until = t_us[row] + service_us[row]
        busy_us[about] = until if first else max(busy_us[about], until)
        whose[about] = customer[row]
        contact[row] = current[about]
    return contact, next_us[:known].copy()
