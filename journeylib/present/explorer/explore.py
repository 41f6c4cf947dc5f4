"""Explore: the journey map of a notebook, to be clicked; a plain figure without a kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from journeylib.core import RunError, working
from journeylib.journeys import Journeys
from journeylib.present.explorer.state import Exploration, exploration
from journeylib.present.theme import TEMPLATES, css, style_tag

if TYPE_CHECKING:
    from journeylib.audits import Audit
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
    try:
        from journeylib.present.explorer.widget import Explorer
    except ImportError:
        raise RunError(
            "the interactive map needs anywidget, which is not installed: "
            'pip install "journeylib[lab]". journey_map draws it without.'
        ) from None
    return Explorer(exploration(subject, state))


def script() -> str:
    """Return the module that draws the widget in a browser."""
    return (TEMPLATES / "explore.js").read_text(encoding="utf-8")


def styles() -> str:
    """Return the style sheet of the widget and of the map in it."""
    return css() + (TEMPLATES / "explore.css").read_text(encoding="utf-8")


def twin(here: Exploration) -> str:
    """Return the exploration as HTML: figure and table, whose sliders move where scripts may run.

    What it holds is what the map shows, at the stored positions; nothing is asked of a network.
    """
    held = _compact(here.stored()) | {
        "trail": here.trail(),
        "at": [here.touchpoints, here.transitions],
    }
    # `<` is written so that no name can end the script.
    data = json.dumps(held, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    sheet = (TEMPLATES / "explore.css").read_text(encoding="utf-8")
    return (
        f"{style_tag()}<style>{sheet}</style>"
        f'<div class="jl jl-explored"><div class="jl-live"></div>'
        f'<div class="jl-plain">{here.scene.figure.body()}</div></div>'
        f'<script type="module">{script()}\n'
        "const place = [...document.querySelectorAll('.jl-explored:not([data-live])')][0]\n"
        f"if (place) frozen(place, {data})</script>"
    )


def _compact(scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Hold what scenes have in common once: most items are in all of them."""
    texts: dict[str, int] = {}
    stored = []
    for scene in scenes:
        items = []
        for item in scene["items"]:
            bare = {name: value for name, value in item.items() if name != "key"}
            text = json.dumps(bare, ensure_ascii=False, sort_keys=True)
            items.append([item["key"], texts.setdefault(text, len(texts))])
        stored.append({**scene, "items": items})
    return {"stored": stored, "items": [json.loads(text) for text in texts]}
