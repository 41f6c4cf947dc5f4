"""What a touchpoint costs the customer afterwards: coming back, complaining."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
from ibis import _

from journeylib.journeys import US_PER_DAY, Journeys
from journeylib.log import ROW_NUMBER, Runs, fetch, materialise_sorted
from journeylib.measures.measured import Measured
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.group_sums import Cells, fold, share_of, silent

US_PER_MINUTE = 60_000_000
# More than there are touchpoints, and than there are intents.
MATTERS = 1 << 32


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
    in full view, and counting them makes recent weeks look better.
    """
    many = len(journeys.touchpoints)
    window_us = round(settings.repeat_days * US_PER_DAY)
    if journeys.first_us is None or journeys.last_us is None:
        return Repeats(silent("repeat_contact", "share", "no_clock", many), None)
    mature_until = journeys.last_us - window_us
    if mature_until < journeys.first_us:
        return Repeats(silent("repeat_contact", "share", "immature_window", many), None)
    came_back = (_.next_us - _.at_us <= window_us).fill_null(False)
    sums = {
        "visits": ibis.literal(1),
        "repeats": came_back,
        "contacts": _.opens == 1,
        "contact_repeats": came_back & (_.opens == 1),
    }
    visits = visits_of_contacts(journeys, settings).filter(_.at_us <= mature_until).cache()
    cells = fold(visits, sums, ["visits", "contacts"], many)
    shares = share_of(
        "repeat_contact", cells.together("repeats", "visits"), cells.base("visits"), settings
    )
    bases = fetch(visits.aggregate(c=_.customer_no.nunique(), j=_.journey.nunique())).iloc[0]
    return Repeats(shares, cells, int(bases["c"]), int(bases["j"]))


def visits_of_contacts(journeys: Journeys, settings: MeasureSettings) -> ibis.Table:
    """One row per contact and touchpoint: ``at_us``, ``next_us`` (next contact), ``opens``."""
    # What a contact is about: its intent, or the touchpoint where it has none. A number, so that
    # customer and matter are one key.
    trail, about = journeys.trail, _.touchpoint_no
    if journeys.has("intent"):
        intents = trail.select(named="intent").filter(_.named.notnull()).distinct()
        numbers = intents.mutate(intent_no=ibis.row_number().over(order_by="named"))
        trail = trail.left_join(numbers, trail.intent == numbers.named).drop("named")
        about = ibis.coalesce(-1 - _.intent_no, _.touchpoint_no)
    order = ["t_us", "position", "touchpoint_no"]
    keyed = trail.mutate(matter=_.customer_no * MATTERS + about)
    own = ["journey", "customer_no", "group", "matter", *order]
    if journeys.has("session"):
        in_session = ibis.window(group_by=["matter", "session"], order_by=order)
        first = (ibis.row_number().over(in_session) == 0) & _.session.notnull()
        keyed = keyed.mutate(first_of_session=ibis.cases((_.session.notnull(), first)))
        own.append("first_of_session")
    if journeys.has("end_us"):
        keyed = keyed.mutate(busy_us=_.t_us + _.service_us.fill_null(0))
        own.append("busy_us")
    held = materialise_sorted(keyed.select(own), ["matter"], order)
    runs = Runs.of(held, "matter", *order)
    rows = held.mutate(**{ROW_NUMBER: runs.row()})
    before = runs.before(_.t_us)
    if journeys.has("end_us"):
        rows = rows.mutate(busy_us=runs.most_so_far(_.busy_us))
        before = runs.before(_.busy_us)
    silence = (_.t_us - before) > round(settings.session_gap_minutes * US_PER_MINUTE)
    rows = rows.mutate(opens=silence.fill_null(True))
    if journeys.has("session"):
        rows = rows.mutate(opens=ibis.coalesce(_.first_of_session, _.opens))
    rows = rows.mutate(contact=_[ROW_NUMBER] - runs.since(_.opens))
    openings = rows.filter(_.opens)
    next_us = runs.after(openings.t_us)
    if not journeys.has("intent"):
        # Each contact is about its touchpoint and touches no other.
        seen = ("customer_no", "group", "journey", "touchpoint_no")
        return openings.select(*seen, at_us=_.t_us, opens=ibis.literal(1), next_us=next_us)
    following = openings.select(of_matter="matter", of_contact="contact", next_us=next_us)
    contacts = rows.group_by(["matter", "contact", "touchpoint_no"]).aggregate(
        customer_no=_.customer_no.min(),
        group=_.group.min(),
        journey=_.journey.min(),
        at_us=_.t_us.min(),
        opens=_.opens.cast("int64").max(),
    )
    same = [contacts.matter == following.of_matter, contacts.contact == following.of_contact]
    return contacts.inner_join(following, same)
