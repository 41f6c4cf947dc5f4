"""What a touchpoint costs the customer afterwards: coming back, complaining."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
from ibis import _

from journeylib.journeys.steps import US_PER_DAY, Journeys
from journeylib.log.engine import fetch
from journeylib.measures.base import Measured
from journeylib.measures.cells import Cells, fold, share_of, silent
from journeylib.measures.settings import MeasureSettings

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
    steps = journeys.steps
    # What a contact is about: its intent, or the touchpoint where it has none.
    about: dict[str, ibis.Value] = {"about_no": steps.touchpoint_no}
    if journeys.has("intent"):
        unnamed = steps.intent.isnull().ifelse(steps.touchpoint_no, ibis.null("int64"))
        about = {"intent": steps.intent, "about_no": unnamed}
    keyed = steps.select(
        "journey",
        "customer_no",
        "group",
        "touchpoint_no",
        "position",
        "t_us",
        **about,
        busy_us=_.t_us + _.service_us.fill_null(0),
        session=_.session if journeys.has("session") else ibis.null("string"),
    )
    order = ["t_us", "position", "touchpoint_no"]
    same = ["customer_no", *about]
    by_time = {"group_by": same, "order_by": order}
    busy_until = _.busy_us.max().over(ibis.window(preceding=(None, 1), **by_time))
    silence = (_.t_us - busy_until) > round(settings.session_gap_minutes * US_PER_MINUTE)
    opens = silence.fill_null(True)
    if journeys.has("session"):
        in_session = ibis.window(group_by=[*same, "session"], order_by=order)
        first_of_session = ibis.row_number().over(in_session) == 0
        opens = _.session.notnull().ifelse(first_of_session, opens)
    place = ibis.row_number().over(ibis.window(**by_time))
    opened = keyed.mutate(opens=opens.cast("int64"), place=place).drop("position", "busy_us")
    by_place = {"group_by": same, "order_by": "place"}
    before = ibis.window(preceding=(None, 0), **by_place)
    after = ibis.window(following=(1, None), **by_place)
    contacts = opened.mutate(
        contact=_.opens.sum().over(before),
        opening_us=(_.opens == 1).ifelse(_.t_us, ibis.null("int64")),
    ).mutate(next_us=_.opening_us.min().over(after))
    return contacts.group_by([*same, "group", "contact", "touchpoint_no"]).aggregate(
        journey=_.journey.min(), at_us=_.t_us.min(), next_us=_.next_us.min(), opens=_.opens.max()
    )
