"""The journey map of a simplified graph: it says what share of the journeys it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from journeylib.core import percent
from journeylib.journeys import ELSEWHERE, Simplified
from journeylib.present.figure import Figure
from journeylib.present.maps.journey_map import draw_map

ALL = 100_000


def simplified_map(
    simplified: Simplified,
    *,
    stage_order: Sequence[str] = (),
    channel_order: Sequence[str] = (),
    name: str = "simplified-map",
    title: str = "Journey map, simplified",
    **options: Any,
) -> Figure:
    """Draw a simplified journey graph with its visible rest.

    Parameters
    ----------
    simplified : Simplified
        Of `journeylib.simplify`.
    stage_order, channel_order : sequence of str
        Names from first to last.
    **options
        ``experience``, ``verdicts``, ``leaning`` and ``keys`` of `maps.draw_map`.

    Returns
    -------
    Figure
        Nothing but what was folded is left out; the finding states the share of journeys shown.
    """
    drawn = draw_map(
        simplified.touchpoints,
        simplified.transitions,
        journeys=simplified.journeys,
        stage_order=stage_order,
        channel_order=[*channel_order, "Other"],
        share=1.0,
        max_touchpoints=ALL,
        max_flows=ALL,
        max_returns=ALL,
        name=name,
        title=title,
        **options,
    )
    return replace(drawn, alt=_finding(simplified), note=_note(simplified))


def _finding(simplified: Simplified) -> str:
    ledger = simplified.ledger.set_index("what")
    points, moves = ledger.loc["touchpoints"], ledger.loc["moves"]
    share = moves["shown"] / moves["total"] if moves["total"] else 0.0
    drawn = simplified.kept_ways
    strongest = (
        f" Drawn are the {drawn:,} strongest of {drawn + simplified.beyond:,} ways between them; "
        "more could not be told apart."
    )
    return (
        f"{percent(simplified.share, 0)} of {simplified.journeys:,} journeys run only through "
        f"what is shown: {points['shown']} of {points['total']} touchpoints and "
        f"{percent(share, 0)} of all moves.{strongest if simplified.beyond else ''}"
    )


def _note(simplified: Simplified) -> str:
    ledger = simplified.ledger.set_index("what")
    points, moves = ledger.loc["touchpoints"], ledger.loc["moves"]
    elsewhere = simplified.transitions["target"] == ELSEWHERE
    hidden = int(simplified.transitions.loc[elsewhere, "events"].sum())
    text = (
        f"Of {simplified.journeys:,} journeys and {moves['total']:,} moves, those from the start "
        "and to the end included."
    )
    if points["folded"]:
        text += (
            f" Folded into “other”, with all their moves: {points['folded']} of the touchpoints."
        )
    if hidden:
        text += f" {hidden:,} moves between shown touchpoints take ways that are not drawn."
    if points["suppressed"] or moves["suppressed"]:
        text += (
            f" Of too few customers, so in no box and no line: {points['suppressed']} of the "
            f"touchpoints, {moves['suppressed']:,} of the moves."
        )
    return text
