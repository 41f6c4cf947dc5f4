"""Explore: the journey map of a notebook, to be clicked; a plain figure without a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from journeylib.audits import Audit
from journeylib.core import extra, refuse_other, working
from journeylib.journeys import Journeys
from journeylib.present.explorer.state import exploration

if TYPE_CHECKING:
    from journeylib.present.explorer.widget import Explorer


@working("drawing the map")
def explore(subject: Journeys | Audit, *, state: Mapping[str, Any] | None = None) -> Explorer:
    """Show the journey map of journeys, or of an audit, as a widget to click and to slide.

    Parameters
    ----------
    subject : Journeys or Audit
        With an audit the map also tells feelings, verdicts and times, with intervals.
    state : mapping, optional
        The ``state`` of another exploration: where its sliders and filters stood.

    Returns
    -------
    Explorer
        ``journeys`` (what remains), ``code`` (the line of Python that gives the same),
        ``state`` (to be shown again), ``figure`` (the plain picture with its table),
        ``save("map.html")`` (a page whose sliders move without a kernel).

    Raises
    ------
    RunError
        If anywidget is not installed.
    ConfigError
        If the state is not one, or names a touchpoint that the log does not have.
    """
    refuse_other(subject, "Journeys", "Audit")
    with extra("lab", "the interactive map", "journey_map draws it without."):
        from journeylib.present.explorer.widget import Explorer
    return Explorer(exploration(subject, state))
