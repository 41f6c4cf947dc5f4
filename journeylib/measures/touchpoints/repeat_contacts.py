"""What a touchpoint costs the customer afterwards: coming back, complaining."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from journeylib.core import SEED, US_PER_DAY, Resampled
from journeylib.journeys import (
    MISSING,
    Journeys,
    Sums,
    compiled,
    count_neighbours,
    first_in,
    least_of_later,
    number_pairs,
    number_sessions,
    runs_of,
    soon_after,
    value_at,
)
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import (
    Cells,
    Numbers,
    Rows,
    Whole,
    fold,
    share_of,
    silent,
)

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

    A contact is what one customer does about one intent (in a log without intents, at one
    touchpoint) without a silence longer than ``session_gap_minutes``, or within one session
    where the log has those. An event without an intent is about the first known one of its
    session; without a session, of the customer's events around it without such a silence. Where
    none has one, it is not known if the contact is about the same as another: the value leaves
    such repeats out, the upper limit counts them in, and the draws lie evenly between. A contact
    counts once at each touchpoint that it touches. Only contacts
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
    sums = journeys.summed(lambda part: _mature_contacts(part, settings, mature_until))
    cells = sums["cells"]
    least, most = (
        share_of("repeat_contact", cells.together(hits, "visits"), cells.base("visits"), settings)
        for hits in ("repeats", "perhaps")
    )
    between = between_bounds(least.resampled, most.resampled)
    shares = replace(least, resampled=between, possible=most.hits)
    return Repeats(shares, cells, sums["customers"], sums["journeys"])


def _mature_contacts(journeys: Journeys, settings: MeasureSettings, until_us: int) -> Sums:
    """Count the contacts that came to their touchpoint until then, and the repeats of them."""
    contacts = find_contacts(journeys, settings)
    mature, window_us = contacts.at_us <= until_us, round(settings.repeat_days * US_PER_DAY)
    returns = mature & soon_after(contacts.next_us, contacts.at_us, window_us)
    perhaps = returns | (mature & soon_after(contacts.perhaps_us, contacts.at_us, window_us))
    sums = {
        "visits": mature,
        "repeats": returns,
        "perhaps": perhaps,
        "contacts": mature & contacts.opens,
        "contact_repeats": returns & contacts.opens,
        "contact_perhaps": perhaps & contacts.opens,
    }
    return Sums(
        cells=fold(contacts.rows, sums, ["visits"]),
        customers=count_neighbours(contacts.rows.customer[mature]),
        journeys=count_neighbours(contacts.rows.journey[mature]),
    )


def between_bounds(least: Resampled, most: Resampled) -> Resampled:
    """Return the lower of two bounds, with an interval and draws that reach up to the other."""
    evenly = (np.arange(len(least.draws)) + 0.5) / len(least.draws)
    part = np.random.default_rng(SEED).permutation(evenly)[:, None]
    draws = least.draws + part * (most.draws - least.draws)
    return replace(least, hi=np.fmax(least.hi, most.hi), draws=draws)


@dataclass(frozen=True)
class Contacts:
    """One entry per contact and touchpoint that it touches.

    Attributes
    ----------
    rows : Rows
        Where, and whose; the journey in which the contact came there first.
    at_us, next_us : ndarray of int64
        When it came there; when the customer's next contact about the same began after that,
        `MISSING` where there was none.
    perhaps_us : ndarray of int64
        When the next began that may be about the same, as the intent of one is not known.
    opens : ndarray of bool
        Whether the contact began there.
    """

    rows: Rows
    at_us: Numbers
    next_us: Numbers
    perhaps_us: Numbers
    opens: Numbers


def find_contacts(journeys: Journeys, settings: MeasureSettings) -> Contacts:
    """Find the contacts of a log with a clock; see `repeat_contacts` for what a contact is."""
    events = journeys.events
    order = events.by_time
    about, matters = events.touchpoint, events.touchpoints
    if journeys.has("intent"):
        about, matters = _about(journeys, settings), len(events.column("intent").words)
    talk = np.full(len(events), -1, dtype=np.int32)
    talks = 0
    if journeys.has("session"):
        session = events.column("session").number
        talk, keys = number_pairs(np.where(session >= 0, about + 1, -1), session, 1 << 31)
        talks = len(keys)
    about, customer, t_us = about[order], events.customer[order], events.t_us[order]
    contact, begins = contacts_of(
        (matters, talks, _gap_us(settings)),
        *(customer, about, talk[order], t_us, events.done_us[order]),
    )
    begin_us = t_us[begins]
    if not journeys.has("intent"):
        first = begins
        next_us = least_of_later(matters, customer[first], about[first], begin_us, False)
        # Every touchpoint is known, so none may be the same but those that are.
        parts = [begin_us, next_us, next_us, np.ones(len(first), dtype=bool)]
    else:
        opens = np.full(len(contact), MISSING, dtype=np.int64)
        opens[begins] = begin_us
        later = (least_of_later(matters, customer, about, opens, maybe) for maybe in (False, True))
        # Of each contact and touchpoint the first event.
        pair, _keys = number_pairs(contact, events.touchpoint[order], events.touchpoints)
        first = np.flatnonzero(np.diff(np.maximum.accumulate(pair), prepend=-1))
        parts = [part[first] for part in (t_us, *later, opens != MISSING)]
    if not isinstance(order, slice):
        # Journeys of a customer may lie between each other; contacts of one come together.
        by_journey = np.argsort(order[first])
        first, parts = order[first][by_journey], [part[by_journey] for part in parts]
    return Contacts(Rows.of(events, first), *parts)


def _gap_us(settings: MeasureSettings) -> int:
    return round(settings.session_gap_minutes * US_PER_MINUTE)


def _about(journeys: Journeys, settings: MeasureSettings) -> Numbers:
    """Return the intent of each event, −1 unknown; its own, else the first known around it.

    Around an event are the customer's others in its session. Around one without a session are
    those of the same stretch, any session or none: no silence in it is longer than the gap.
    """
    events, order = journeys.events, journeys.events.by_time
    own = events.column("intent").number[order]
    customer, t_us = events.customer[order], events.t_us[order]
    done_us = events.done_us[order]

    def around(talk: Numbers, talks: int) -> Numbers:
        unit = number_sessions(customer, talk, t_us, done_us, (talks, _gap_us(settings)))
        runs = runs_of(unit, int(unit.max(initial=-1)) + 1)
        return value_at(own, first_in(runs, own >= 0), -1)[unit]

    near = around(np.full(len(events), -1, dtype=np.int32), 0)
    if journeys.has("session"):
        session = events.column("session").number[order]
        talk, keys = number_pairs(np.minimum(session, 0), session, 1 << 31)
        near = np.where(talk >= 0, around(talk, len(keys)), near)
    matters = np.empty(len(events), dtype=np.int32)
    matters[order] = np.where(own >= 0, own, near)
    return matters


@compiled
def contacts_of(
    limits: tuple[int, int, int],
    customer: Numbers,
    matter: Numbers,
    talk: Numbers,
    t_us: Numbers,
    done_us: Numbers,
) -> tuple[Numbers, Whole]:
    """Number the contacts of customers whose events come in order of time.

    A contact is what one customer does about one matter without a silence longer than the gap,
    or within one session. Silence runs from the latest end seen so far. An event without a session
    goes on with the contact of the latest event about the same.

    Parameters
    ----------
    limits : (matters, talks, gap_us)
    customer, t_us, done_us : ndarray of int
    matter : ndarray of int
        Below 0 where it is not known.
    talk : ndarray of int
        Number of the session about the matter; below 0 where there is none.

    Returns
    -------
    contact : ndarray of int32
        That of each event, numbered as they begin.
    begins : ndarray of int64
        The row at which each contact begins.
    """
    matters, talks, gap_us = limits
    # The last is what is not known.
    whose = np.full(matters + 1, -1, dtype=np.int64)
    latest = np.zeros(matters + 1, dtype=np.int64)
    busy_us = np.zeros(matters + 1, dtype=np.int64)
    customer_of = np.full(talks, -1, dtype=np.int64)
    contact_of = np.zeros(talks, dtype=np.int64)
    contact = np.empty(len(customer), dtype=np.int32)
    begins = np.empty(len(customer), dtype=np.int64)
    numbered = 0
    for row in range(len(customer)):
        about = matter[row]
        first = whose[about] != customer[row]
        if talk[row] >= 0:
            opens = customer_of[talk[row]] != customer[row]
            here = contact_of[talk[row]]
        else:
            opens = first or t_us[row] - busy_us[about] > gap_us
            here = latest[about]
        if opens:
            here = numbered
            begins[here] = row
            numbered += 1
        if talk[row] >= 0:
            customer_of[talk[row]] = customer[row]
            contact_of[talk[row]] = here
        until = done_us[row]
        busy_us[about] = until if first else max(busy_us[about], until)
        whose[about] = customer[row]
        latest[about] = here
        contact[row] = here
    return contact, begins[:numbered].copy()
