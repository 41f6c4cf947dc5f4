"""The journey map of a simplified graph: it says what share of the journeys it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from journeylib.journeys.simplify import ELSEWHERE, Simplified
from journeylib.present.figure import Figure
from journeylib.present.maps import draw_map

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
        ``experience``, ``verdicts`` and ``keys`` of `maps.draw_map`.

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
    return (
        f"{100 * simplified.share:.0f} % of {simplified.journeys:,} journeys run only through "
        f"what is shown: {points['shown']} of {points['total']} touchpoints and "
        f"{100 * share:.0f} % of all moves."
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
        text += f" {points['folded']} touchpoints are folded into “other”, with all their moves."
    if hidden:
        text += f" {hidden:,} moves between shown touchpoints take ways that are not drawn."
    if simplified.beyond:
        text += (
            f" Of the ways between touchpoints the {simplified.kept_ways:,} strongest are drawn, "
            f"for more could not be told apart; {simplified.beyond:,} weaker ones are not."
        )
    if points["suppressed"] or moves["suppressed"]:
        text += (
            f" {points['suppressed']} touchpoints and {moves['suppressed']:,} moves rest on too "
            "few customers and are in no box and no line."
        )
    return text
