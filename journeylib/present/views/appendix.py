"""The appendix: what stands behind an audit, several tables and pictures in one output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from journeylib.audits import Audit
from journeylib.core import ConfigError
from journeylib.present.blocks import PAGE, Block
from journeylib.present.figure import Figure
from journeylib.present.tables import Table
from journeylib.present.theme import style_tag
from journeylib.present.views import bots, changes, journey, moments, portfolio, quality, scores
from journeylib.present.views.now import findings
from journeylib.present.views.touchpoints import service_types

SECTIONS: dict[str, tuple[Callable[[Audit], Block | Figure | Table], ...]] = {
    "A": (quality.data_quality, quality.detectors),
    "B": (quality.cut_sensitivity, scores.sensitivity, quality.linkage, quality.stitching,
          scores.ratings),
    "C": (scores.scorecard, journey.times, journey.flow, service_types),
    "D": (bots.containment, bots.containment_curve, bots.handoff_table, bots.disclosure),
    "E": (bots.tipping_points, bots.handoff_times, bots.queue_time),
    "F": (moments.moments, moments.presence),
    "G": (journey.stories, journey.stories_by_segment, journey.journey_ends, journey.break_offs,
          journey.conformance),
    "H": (moments.surveys, moments.remembered),
    "I": (bots.paradoxes, bots.paradox_figures),
    "J": (portfolio.first_automations, portfolio.automation_candidates, portfolio.what_if,
          portfolio.what_if_details),
    "K": (findings, changes.changes, changes.moved),
    "L": (quality.definitions,),
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Section(Block):
    """Several tables and pictures in one output; `page` is what the dashboard shows of them."""

    page: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": style_tag() + self.html, "text/plain": self.text, PAGE: self.page}


def appendix(audit: Audit, section: str) -> Section:
    """Return one section of the appendix.

    Parameters
    ----------
    audit : Audit
    section : str
        "A" to "L", as in the dashboard. Each of its parts has a function of its own here: a picture
        is an image in a section, and a chart that answers to the mouse where it is called alone.

    Raises
    ------
    ConfigError
        If no section has this letter.
    Exception
        What the first part that cannot be shown raises, after the other parts are shown.
    """
    if section not in SECTIONS:
        raise ConfigError(f"the appendix has sections A to {max(SECTIONS)}, no {section!r}.")
    parts: list[tuple[str, str, str]] = []
    faults: list[Exception] = []
    for view in SECTIONS[section]:
        try:
            parts.append(_shown(view(audit)))
        except Exception as fault:  # the other parts are shown all the same
            faults.append(fault)
    shown = Section(*("\n".join(part[kind] for part in parts) for kind in range(3)))
    if faults:
        from IPython.display import display

        display(shown)  # type: ignore[no-untyped-call]
        raise faults[0]
    return shown


def _shown(part: Block | Figure | Table) -> tuple[str, str, str]:
    """Return a part for a notebook that is not trusted, as words, and for the dashboard."""
    if isinstance(part, Figure):
        return part.still(), part.plain(), part.live()
    if isinstance(part, Table):
        return part.body(), repr(part), part.body()
    return part.still(), part.text, part.html
