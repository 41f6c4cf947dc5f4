"""Sheets: what is printed. Posters and the handout from the wall map, and the cards of moments."""

from __future__ import annotations

import re
from functools import cache

from markupsafe import Markup

from journeylib.present import ARIAL, LIGHT, TEMPLATES, VERDICTS, esc, num
from journeylib.workshop.content.cards import card_rows
from journeylib.workshop.content.content import Content, Moment
from journeylib.workshop.content.differences import differences
from journeylib.workshop.content.first_automations import FORM_ROWS, closing_exercise
from journeylib.workshop.content.lanes import segment_cell, story_texts
from journeylib.workshop.content.sentences import at_least, serves_text
from journeylib.workshop.rendering import render
from journeylib.workshop.wall_map.typography import HANDOUT, POSTER
from journeylib.workshop.wall_map.wall_map import WallMap, draw_wall_map

PAPER = {"a0": (1189, 841), "a1": (841, 594), "a3": (420, 297), "a4": (210, 297)}  # mm
MARGIN = 0.02  # of the width, on all sides
CARDS = 8
ROOMY = 7  # stages, up to which the backs of the handout are set in large type
VARIABLE = re.compile(r"var\(--jl-([\w-]+)\)")


def poster_wall_map(content: Content) -> WallMap:
    """Return the wall map as it fits on A paper, landscape, inside the margin."""
    return draw_wall_map(content, ratio=_ratio(), lettering=POSTER)


def handout_wall_map(content: Content) -> WallMap:
    """Return the wall map for a sheet in the hand: without lanes to write in."""
    return draw_wall_map(content, ratio=_ratio(), with_room=False, lettering=HANDOUT)


def _inside(paper: str) -> tuple[float, float]:
    """Return the width and height that the margins leave."""
    width, height = PAPER[paper]
    return width - 2 * MARGIN * width, height - 2 * MARGIN * width


def _ratio() -> float:
    width, height = _inside("a0")
    return width / height


def type_mm(wall_map: WallMap, paper: str) -> float:
    """Return the size of the smallest name of a touchpoint on a paper."""
    return wall_map.type_mm(*_inside(paper))


def poster(content: Content, wall_map: WallMap, paper: str) -> str:
    """Return a page of one poster, to be printed on `paper`."""
    return _page("poster.html.j2", content, paper, drawing=_placed(wall_map, paper))


def handout(content: Content, wall_map: WallMap) -> str:
    """Return the A3 handout: map, findings with stories and segments, and the closing exercise."""
    differing = differences(content)
    hand_offs = {"wait": content.wait, "honoured": content.honoured}
    return _page(
        "handout.html.j2",
        content,
        "a3",
        drawing=_placed(wall_map, "a3"),
        # Large type where there is room for it: pages of a sheet that is passed around.
        roomy=len(content.stages) <= ROOMY and not differing,
        differences=differing,
        told={"at_least": at_least, "story": story_texts},
        hand_offs=hand_offs if any(x.value is not None for x in hand_offs.values()) else {},
        segment_rows=[
            (stage, [segment_cell(content, segment, stage) for segment in content.segments])
            for stage in content.stages
        ],
        closing=closing_exercise(content),
        form_rows=FORM_ROWS,
    )


def cards(content: Content) -> str:
    """Return the cards of the moments of truth, eight to an A4 sheet.

    What is left of the last sheet, or the first one where no moment holds, is for moments that
    the room knows.
    """
    moments: list[Moment | None] = [*content.moments]
    moments += [None] * (-len(moments) % CARDS or (0 if moments else CARDS))
    every = [
        (
            moment,
            "" if moment is None else serves_text(content.words, moment.touchpoint),
            [] if moment is None else card_rows(content, moment),
        )
        for moment in moments
    ]
    sheets = [every[i : i + CARDS] for i in range(0, len(every), CARDS)]
    return _page("cards.html.j2", content, "a4", sheets=sheets)


def _page(template: str, content: Content, paper: str, **values: object) -> str:
    width, height = PAPER[paper]
    size = {"width": width, "height": height, "families": Markup(ARIAL.families)}
    return render(template, content, style="sheets.css", **size, **values)


def _placed(wall_map: WallMap, paper: str) -> Markup:
    """Return the map where it stands on its paper."""
    width, height = _inside(paper)
    margin = num(MARGIN * PAPER[paper][0])
    style = f"left:{margin}mm;top:{margin}mm;width:{width:.2f}mm;height:{height:.2f}mm"
    return Markup(wall_map.svg().replace("<svg ", f'<svg style="{style}" ', 1))


@cache
def plain_css() -> str:
    """Return the styles of a picture that stands alone, without variables.

    Drawing programs do not know variables of CSS: each becomes its colour of the light theme.
    """
    rules = (TEMPLATES / "figures.css").read_text(encoding="utf-8")
    styles = "".join(
        rule + "}"
        for rule in rules.replace("\n", "").split("}")
        if re.match(r"\.jl-(svg|head|band|rule|axis|whisker|leader|box|more|up|down|flow|back|v|"
                    r"line|area|dot|cell|unplanned|sticky|said)", rule) and "var(--c)" not in rule
    )  # fmt: skip
    for code in VERDICTS:
        colour, ground = LIGHT[code], LIGHT["surface"]
        styles += f".jl-v.jl-{code}{{fill:{colour};stroke:{ground};stroke-width:.8}}"
        hollow = f"fill:{ground};stroke:{colour};stroke-width:2"
        styles += f".jl-v.jl-hollow.jl-{code}{{{hollow}}}"
    plain = VARIABLE.sub(lambda match: LIGHT[match.group(1)], styles)
    return f"text{{font-family:{ARIAL.families}}}{plain}".replace("font-family:inherit;", "")


def poster_svg(wall_map: WallMap) -> str:
    """Return the poster as an SVG file of its own: text stays text, nothing is a bitmap."""
    width, height = PAPER["a0"]
    margin = MARGIN * wall_map.width
    view = (-margin, -margin, wall_map.width + 2 * margin, wall_map.height + 2 * margin)
    box = " ".join(num(value) for value in view)
    left, top, wide, high = map(num, view)
    ground = f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="#fff"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="jl-svg" width="{width}mm" '
        f'height="{height}mm" viewBox="{box}"><title>{esc(wall_map.alt)}</title>'
        f"<style>{plain_css()}</style>{ground}{''.join(wall_map.parts)}</svg>\n"
    )
