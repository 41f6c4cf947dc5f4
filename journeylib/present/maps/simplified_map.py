"""The journey map of a simplified graph: it says what share of the journeys it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from journeylib.core import percent, text
from journeylib.journeys import ELSEWHERE, Simplified
from journeylib.present.figure import Figure
from journeylib.present.maps.journey_map import Overlay, bounds_note, box_heights, draw_map
from journeylib.present.maps.layout import MapLayout, MapOptions, map_layout

ALL = 100_000


@dataclass(frozen=True)
class MapFrame:
    """A map that others keep to: what it shows, and where each touchpoint and flow is drawn."""

    simplified: Simplified
    layout: MapLayout


def map_frame(
    simplified: Simplified,
    overlay: Overlay | None = None,
    *,
    stage_order: Sequence[str] = (),
    channel_order: Sequence[str] = (),
) -> MapFrame:
    """Lay out the map of more journeys, once for the maps of parts of them."""
    points, moves = simplified.touchpoints, simplified.transitions
    options = _options(stage_order, channel_order)
    heights = box_heights(points["touchpoint"], overlay or Overlay())
    return MapFrame(simplified, map_layout(points, moves, replace(options, heights=heights)))


def _options(stage_order: Sequence[str], channel_order: Sequence[str]) -> MapOptions:
    return MapOptions(
        stage_order=stage_order,
        channel_order=[*channel_order, "Other"],
        share=1.0,
        max_touchpoints=ALL,
        max_flows=ALL,
        max_returns=ALL,
    )


def simplified_map(
    simplified: Simplified,
    overlay: Overlay | None = None,
    *,
    stage_order: Sequence[str] = (),
    channel_order: Sequence[str] = (),
    name: str = "simplified-map",
    frame: MapFrame | None = None,
) -> Figure:
    """Draw a simplified journey graph with its visible rest.

    Parameters
    ----------
    simplified : Simplified
        Of `journeylib.simplify`.
    overlay : Overlay, optional
        Feelings, verdicts and the names of parts.
    stage_order, channel_order : sequence of str
        Names from first to last.
    name : str
        Of the figure.
    frame : MapFrame, optional
        Of more journeys: every touchpoint stands where it stands in the map of that.

    Returns
    -------
    Figure
        Nothing but what was folded is left out; the finding states the share of journeys shown.
    """
    overlay = overlay or Overlay()
    options = _options(stage_order, channel_order)
    if frame is not None:
        options = replace(options, frame=frame.layout)
    figure = draw_map(
        simplified.touchpoints,
        simplified.transitions,
        replace(overlay, journeys=simplified.journeys),
        options=options,
        name=name,
        title=text("present.simplified.title"),
    )
    return replace(figure, alt=_finding(simplified), note=_note(simplified))


def _counts(simplified: Simplified, what: str) -> dict[str, int]:
    rows = simplified.ledger.to_dict("records")
    return {
        str(k): int(n) for row in rows if row["what"] == what for k, n in row.items() if k != "what"
    }


def _finding(simplified: Simplified) -> str:
    points, moves = (_counts(simplified, what) for what in ("touchpoints", "moves"))
    finding = text(
        "present.simplified.finding",
        shown=points["shown"],
        total=points["total"],
        moves=percent(moves["shown"] / moves["total"] if moves["total"] else 0.0, 0),
        share=percent(simplified.share, 0),
        journeys=simplified.journeys,
    )
    if not simplified.beyond:
        return finding
    ways = {"n": simplified.kept_ways, "all": simplified.kept_ways + simplified.beyond}
    return f"{finding} {text('present.simplified.strongest', **ways)}"


def _note(simplified: Simplified) -> str:
    points, moves = (_counts(simplified, what) for what in ("touchpoints", "moves"))
    elsewhere = simplified.transitions["target"] == ELSEWHERE
    hidden = int(simplified.transitions.loc[elsewhere, "events"].sum())
    notes = [text("present.simplified.note", n=simplified.journeys, moves=moves["total"])]
    if points["folded"]:
        notes.append(text("present.simplified.folded", n=points["folded"]))
    if hidden:
        notes.append(text("present.simplified.hidden", n=hidden))
    if points["suppressed"] or moves["suppressed"]:
        few = {"n": points["suppressed"], "moves": moves["suppressed"]}
        notes.append(text("present.simplified.suppressed", **few))
    notes += bounds_note(simplified.transitions)
    return " ".join(notes)
