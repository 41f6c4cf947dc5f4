"""Key results: the few numbers that show whether a choice made before measuring matters."""

from __future__ import annotations

from typing import Any

from journeylib.journeys import Journeys
from journeylib.log import share_bounds
from journeylib.measures.bots.bot_sessions import bot_sessions, leaving_shows
from journeylib.measures.bots.containment import followed_until, session_counts, verified
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.repeat_contacts import repeat_contacts

KEY_RESULTS = (
    "journeys",
    "customers",
    "steps_per_journey",
    "repeat_contact",
    "contained_raw",
    "contained_verified",
    "contained_verified_hi",
)


def key_results(journeys: Journeys, settings: MeasureSettings) -> dict[str, Any]:
    """Return the results that a cut or a stitching may change, without intervals.

    Returns
    -------
    dict
        ``journeys``, ``customers`` (int), ``steps_per_journey`` (float, mean);
        ``repeat_contact`` (share of contacts followed by another about the same within
        ``repeat_days``), ``contained_raw``, ``contained_verified`` and its upper bound
        ``contained_verified_hi`` (shares of mature bot sessions); None where the log does not
        tell, or fewer than the minimum of customers would show.
    """
    outline = journeys.outline
    return {
        "journeys": len(outline),
        "customers": outline.customers,
        "steps_per_journey": len(journeys.events) / len(outline) if len(outline) else None,
        "repeat_contact": _repeat_contact(journeys, settings),
        **_containment(journeys, settings),
    }


def _repeat_contact(journeys: Journeys, settings: MeasureSettings) -> float | None:
    repeats = repeat_contacts(journeys, settings)
    if repeats.cells is None or repeats.customers < journeys.settings.min_customers:
        return None
    hits, contacts = repeats.cells.together("contact_repeats", "contacts").sum(axis=(0, 1))
    few = share_bounds(hits, contacts, minimum=journeys.settings.min_customers) is not None
    return float(hits / contacts) if contacts and not few else None


def _containment(journeys: Journeys, settings: MeasureSettings) -> dict[str, float | None]:
    nothing = dict.fromkeys(("contained_raw", "contained_verified", "contained_verified_hi"))
    if not journeys.has("actor"):
        return nothing
    sessions = bot_sessions(journeys, settings)
    days = settings.repeat_days
    counts = session_counts(sessions, followed_until(sessions, journeys, days), days)
    shares = verified(counts, sessions, journeys, days=settings.repeat_days)
    if shares.value is None:
        return nothing
    alone, mature = int(counts["raw"].sum()), int(counts["mature"].sum())
    few = share_bounds(alone, mature, minimum=journeys.settings.min_customers) is not None
    shown = leaving_shows(journeys, settings) and not few
    return {
        "contained_raw": alone / mature if shown else None,
        "contained_verified": shares.value,
        "contained_verified_hi": shares.hi,
    }
