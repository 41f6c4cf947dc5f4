"""The exploration as a page: the script, the styles and the plain twin of the widget."""

from __future__ import annotations

import json
from typing import Any

from journeylib.present.explorer.choices import choices
from journeylib.present.explorer.state import Exploration
from journeylib.present.theme import TEMPLATES, css, style_tag


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
        "choices": choices(here.start),
        "at": [here.touchpoints, here.transitions],
    }
    # `<` is written so that no name can end the script.
    data = json.dumps(held, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    sheet = (TEMPLATES / "explore.css").read_text(encoding="utf-8")
    return (
        f"{style_tag()}<style>{sheet}</style>"
        f'<div class="jl jl-explored"><div class="jl-live"></div>'
        f'<div class="jl-plain">{here.map_data.figure.still()}</div></div>'
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
