"""Sheets: what is printed. Posters and the handout from the wall map, and the cards of moments."""

from __future__ import annotations

import re
from functools import cache

from journeylib.present import ARIAL, LIGHT, TEMPLATES, VERDICTS, css, esc, num, soft
from journeylib.workshop.content.content import Content, Moment
from journeylib.workshop.content.first_automations import (
    BRING,
    FORM,
    FORM_ROWS,
    chosen_rows,
    headline,
    money_note,
    other_rows,
)
from journeylib.workshop.content.sentences import effect_text, serves_text
from journeylib.workshop.notes.differences import differences
from journeylib.workshop.screens.screens import segment_cell, weighty
from journeylib.workshop.wall_map.typography import HANDOUT, POSTER
from journeylib.workshop.wall_map.wall_map import Wall, wall

PAPER = {"a0": (1189, 841), "a1": (841, 594), "a3": (420, 297)}
MARGIN = 0.02  # of the width, on all sides
CARDS = 8
ROOMY = 7  # stages, up to which the backs of the handout are set in large type
VARIABLE = re.compile(r"var\(--jl-([\w-]+)\)")


def poster_wall(content: Content) -> Wall:
    """Return the wall map as it fits on A paper, landscape, inside the margin."""
    return wall(content, ratio=_ratio(), lettering=POSTER)


def handout_wall(content: Content) -> Wall:
    """Return the wall map for a sheet in the hand: without lanes to write in."""
    return wall(content, ratio=_ratio(), room=False, lettering=HANDOUT)


def _ratio() -> float:
    width, height = PAPER["a0"]
    margin = MARGIN * width
    return (width - 2 * margin) / (height - 2 * margin)


def poster(content: Content, drawn: Wall, paper: str) -> str:
    """Return a page of one poster, to be printed on `paper`."""
    width, height = PAPER[paper]
    return _page(content, width, height, _map_sheet(drawn, width, height))


def handout(content: Content, drawn: Wall) -> str:
    """Return the A3 handout: map, findings with stories and segments, and the closing exercise."""
    width, height = PAPER["a3"]
    size = f"width:{width}mm;height:{height - 0.1}mm"
    # Large type where there is room for it: pages of a sheet that is passed around.
    roomy = " roomy" if len(content.stages) <= ROOMY and not differences(content) else ""
    pages = (("back", _back(content)), ("back closing", _closing(content)))
    back = "".join(
        f'<div class="sheet {kind}{roomy}" style="{size}">{page}</div>' for kind, page in pages
    )
    return _page(content, width, height, _map_sheet(drawn, width, height) + back)


def _map_sheet(drawn: Wall, width: float, height: float) -> str:
    margin = MARGIN * width
    inside = f"left:{num(margin)}mm;top:{num(margin)}mm"
    room = f"width:{width - 2 * margin:.2f}mm;height:{height - 2 * margin:.2f}mm"
    picture = drawn.svg().replace("<svg ", f'<svg style="{inside};{room}" ', 1)
    # A hair less than the page: rounding must not open a second one.
    return f'<div class="sheet" style="width:{width}mm;height:{height - 0.1}mm">{picture}</div>'


def _page(content: Content, width: float, height: float, body: str) -> str:
    style = css() + (TEMPLATES / "sheets.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{content.words.language}"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{esc(content.title)}</title><style>{style}.jl{{font-family:{ARIAL.families}}}"
        f"@page{{size:{width}mm {height}mm;margin:0}}</style></head>"
        f'<body class="jl jl-light">{body}</body></html>\n'
    )


@cache
def plain_css() -> str:
    """Return the styles of a picture that stands alone, without variables.

    Drawing programs do not know variables of CSS: each becomes its colour of the light theme.
    """
    rules = (TEMPLATES / "figures.css").read_text(encoding="utf-8")
    kept = "".join(
        rule + "}"
        for rule in rules.replace("\n", "").split("}")
        if re.match(r"\.jl-(svg|head|band|rule|axis|whisker|leader|box|more|up|down|flow|back|v|"
                    r"line|area|dot|cell|unplanned|sticky|said)", rule) and "var(--c)" not in rule
    )  # fmt: skip
    for code in VERDICTS:
        colour, ground = LIGHT[code], LIGHT["surface"]
        kept += f".jl-v.jl-{code}{{fill:{colour};stroke:{ground};stroke-width:.8}}"
        kept += f".jl-v.jl-hollow.jl-{code}{{fill:{ground};stroke:{colour};stroke-width:2}}"
    plain = VARIABLE.sub(lambda found: LIGHT[found.group(1)], kept)
    return f"text{{font-family:{ARIAL.families}}}{plain}".replace("font-family:inherit;", "")


def poster_svg(drawn: Wall) -> str:
    """Return the poster as an SVG file of its own: text stays text, nothing is a bitmap."""
    width, height = PAPER["a0"]
    margin = MARGIN * drawn.width
    view = (-margin, -margin, drawn.width + 2 * margin, drawn.height + 2 * margin)
    box = " ".join(num(value) for value in view)
    left, top, wide, high = map(num, view)
    ground = f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="#fff"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="jl-svg" width="{width}mm" '
        f'height="{height}mm" viewBox="{box}"><title>{esc(drawn.alt)}</title>'
        f"<style>{plain_css()}</style>{ground}{''.join(drawn.parts)}</svg>\n"
    )


def _back(content: Content) -> str:
    words = content.words
    parts = []
    sentences = "".join(f"<li>{esc(f.text)}</li>" for f in weighty(content))
    parts.append(f"<div><h2>{esc(words.text('deck.findings'))}</h2><ul>{sentences}</ul></div>")
    if content.stories:
        items = "".join(
            f"<li>{esc(' → '.join(step.touchpoint for step in story.steps))} "
            f'<span class="muted">({esc(words.percent(story.share, 0))}, '
            f"{esc(words.text('n', n=story.journeys))})</span></li>"
            for story in content.stories
        )
        note = f'<p class="muted">{esc(content.stories_note)}</p>'
        parts.append(f"<div><h2>{esc(words.text('story.title'))}</h2><ol>{items}</ol>{note}</div>")
    if content.wait.value is not None or content.honoured.value is not None:
        said = [("wait", content.wait), ("honoured", content.honoured)]
        items = "".join(
            f"<li>{esc(words.text(f'handoff.{key}', **{key: words.estimate(estimate)}))}</li>"
            for key, estimate in said
        )
        parts.append(f"<div><h2>{esc(words.text('handoff.title'))}</h2><ul>{items}</ul></div>")
    if len(content.segments) > 1:
        parts.append(_segment_table(content))
    return "".join(parts) + f'<p class="source muted">{esc(content.source)}</p>'


def _closing(content: Content) -> str:
    """Return the last page: what differs, the first automations, and room to write."""
    words = content.words
    said = ""
    if differ := differences(content):
        items = "".join(
            f"<li><b>{esc(one.title)}.</b> {esc(one.room)} {esc(one.log)}</li>" for one in differ
        )
        said = f"<h2>{esc(words.text('differ.title'))}</h2><ul>{items}</ul>"
    rooms = "".join(
        f'<h2>{esc(words.text(f"lane.{key}"))}</h2><div class="write"></div>'
        for key in ("opportunities", "questions")
    )
    source = f'<p class="source muted">{esc(content.source)}</p>'
    return f"{_first(content)}<div>{said}{rooms}</div>{source}"


def _first(content: Content) -> str:
    """Return the first automations, why not the others, and a form for the room's own choice."""
    words = content.words
    rows = [
        f"<b>{esc(name)}</b>: {esc(often)}, {esc(worth)}"
        for name, often, worth in chosen_rows(content)
    ]
    if content.first is None:
        rows = [esc(words.text(f"bring.{key}")) for key in BRING]
    items = "".join(f"<li>{row}</li>" for row in rows)
    others = "; ".join(f"{name}: {why}" for name, why in other_rows(content) if why)
    left = f"<p><b>{esc(words.text('first.why'))}.</b> {esc(others)}</p>" if others else ""
    heads = "".join(f"<th>{esc(words.text(f'form.{key}'))}</th>" for key in FORM)
    blank = f"<tr>{'<td></td>' * len(FORM)}</tr>" * FORM_ROWS
    title = headline(content)
    if content.first is not None:
        title = f"{words.text('first.title')}: {title}"
    return (
        f"<div><h2>{esc(title)}</h2><ul>{items}</ul>"
        f'<p class="muted">{esc(money_note(content))}</p>{left}'
        f"<h2>{esc(words.text('first.form'))}</h2>"
        f'<table class="form"><tr>{heads}</tr>{blank}</table></div>'
    )


def _segment_table(content: Content) -> str:
    words = content.words
    heads = "".join(
        f"<th>{esc(words.text('segment.head', name=s.name, customers=s.customers))}</th>"
        for s in content.segments
    )
    rows = []
    for stage in content.stages:
        cells = (segment_cell(content, segment, stage) for segment in content.segments)
        row = "".join(f'<td>{esc(a)}<br><span class="muted">{esc(b)}</span></td>' for a, b in cells)
        rows.append(f"<tr><th>{soft(stage.title(words))}</th>{row}</tr>")
    return (
        f"<div><h2>{esc(words.text('segment.title'))}</h2><table><tr><td></td>{heads}</tr>"
        f'{"".join(rows)}</table><p class="muted">{esc(words.text("segment.note"))}</p></div>'
    )


def cards(content: Content) -> str:
    """Return the cards of the moments of truth, eight to an A4 sheet.

    What is left of the last sheet, or the first one where no moment holds, is for moments that
    the room knows.
    """
    filled = [_card(content, moment) for moment in content.moments]
    blank = -len(filled) % CARDS or (0 if filled else CARDS)
    every = [*filled, *[_blank(content)] * blank]
    sheets = [every[i : i + CARDS] for i in range(0, len(every), CARDS)]
    body = "".join(f'<div class="sheet cards">{"".join(sheet)}</div>' for sheet in sheets)
    return _page(content, 210, 297, body)


def card_rows(content: Content, moment: Moment) -> list[tuple[str, str]]:
    """Return what a card says, as pairs of a heading's key and a text."""
    words, point = content.words, moment.touchpoint
    lead = point.leaning or point.verdict
    what = words.text(
        "card.what_text",
        stage=point.stage or words.text("none"),
        channel=point.channel or words.text("none"),
    )
    if point.feeling is not None:
        what += " " + words.text("card.what_felt", feeling=words.estimate(point.feeling))
    effect = effect_text(words, moment.outcome, moment.effect)
    effect += f", {words.text('n', n=moment.effect.n_customers)}. "
    effect += words.text(f"effect.grade.{moment.effect.grade}")
    if moment.impact.value is not None:
        impact = words.estimate(moment.impact, base=False)
        effect += " " + words.text("effect.impact", impact=impact)
    share = words.percent(point.reach, 0)
    labels = words.names(point.lacks) or words.text("none")
    return [
        ("what", what),
        ("whom", words.text("card.whom_text", customers=point.customers, share=share)),
        ("effect", effect),
        ("machine", words.text(f"machine_could.{lead}")),
        ("person", words.text(f"person_must.{lead}")),
        ("first", words.text(f"try_first.{lead}", labels=labels)),
    ]


def _card(content: Content, moment: Moment) -> str:
    words = content.words
    rows = "".join(
        f"<dt>{esc(words.text(f'card.{key}'))}</dt><dd>{esc(text)}</dd>"
        for key, text in card_rows(content, moment)
    )
    served = words.text("card.served", serves=serves_text(words, moment.touchpoint))
    kind = words.label("outcome", moment.outcome)
    return (
        f'<article class="card"><h2>★ {esc(moment.touchpoint.name)}</h2>'
        f'<p class="where">{esc(kind)} · {esc(served)}</p><dl>{rows}</dl></article>'
    )


def _blank(content: Content) -> str:
    words = content.words
    rows = "".join(
        f"<dt>{esc(words.text(f'card.{key}'))}</dt><dd></dd>"
        for key in ("what", "whom", "machine", "person", "first")
    )
    return (
        f'<article class="card blank"><h2>{esc(words.text("card.blank"))}</h2>'
        f'<p class="where">{esc(words.text("room"))}</p><dl>{rows}</dl></article>'
    )
