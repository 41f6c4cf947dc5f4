"""Small words of SVG: numbers, escaped text, measured text, markers."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence

from journeylib.present.drawing.font_metrics import ANY, FontMetrics
from journeylib.present.theme import VERDICTS, Shape

# Characters that turn the direction of what follows, and controls, are no part of a name.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A no-break space holds a number and its unit together: no line ends there.
_SPACE = re.compile(r"[^\S\u00a0]+")
_PIECE = re.compile(r"(?:[^\s\-_/]|\u00a0)+[\-_/]*|[\-_/]+")

# Where a long word may be broken: before the consonants that begin a syllable, roughly.
_V = "[aeiouyäöüáàâéèêíîóôúåæøAEIOUYÄÖÜ]"
_C = rf"[^\W\d_{_V[1:-1]}]"
_BREAK = re.compile(rf"(?<={_V})(?={_C}{_V})|(?<={_V}{_C})(?={_C}{{1,5}}{_V})")
_LONG = 12
# Size of a dot beside that of a circle.
DOT = 0.6
LegendEntry = tuple[str, float, str, str]  # a sign at the origin, its room, a word and its class


def num(value: float) -> str:
    """Return a coordinate with at most one decimal, always written the same way.

    Examples
    --------
    >>> num(3.0), num(2.25), num(-0.01)
    ('3', '2.2', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def clean(name: object) -> str:
    """Return a name on one line, without control and direction characters."""
    return _SPACE.sub(" ", _UNSAFE.sub("", str(name))).strip()


def esc(name: object) -> str:
    """Return a name as it may stand in HTML and SVG, in text and in attributes.

    Examples
    --------
    >>> esc('<script>"x"')
    '&lt;script&gt;&quot;x&quot;'
    """
    return html.escape(clean(name), quote=True)


def text_width(text: str, size: float, *, bold: bool = False, face: FontMetrics = ANY) -> float:
    """Return an upper guess of the width of `text` in pixels, by default whatever the font."""
    return face.width(text, bold=bold) * size


def shorten(
    text: str, width: float, size: float, *, bold: bool = False, face: FontMetrics = ANY
) -> str:
    """Return `text` so that it fits into `width` pixels; what is left out is left out inside.

    Names of one log often begin alike, so their end stays.

    Examples
    --------
    >>> shorten("Declaration rejected by supervisor", 120, 12)
    'Declarati…ervisor'
    """
    if text_width(text, size, bold=bold, face=face) <= width:
        return text
    length = len(text) - 1
    while length > 1:
        head = (length + 1) * 4 // 7
        short = f"{text[:head].rstrip()}…{text[len(text) - (length - head) :].lstrip()}"
        if text_width(short, size, bold=bold, face=face) <= width:
            return short
        length -= 1
    return "…"


def _fitting(text: str, width: float, size: float, bold: bool, face: FontMetrics) -> int:
    """Return how many characters of `text` fit."""
    fits = (
        n
        for n in range(len(text), 0, -1)
        if text_width(text[:n], size, bold=bold, face=face) <= width
    )
    return next(fits, 1)


def _breaks(word: str) -> list[int]:
    return [match.start() for match in _BREAK.finditer(word)]


def soft(text: object) -> str:
    r"""Return a name as HTML whose long words a browser may break at a syllable.

    Examples
    --------
    >>> soft("Vertragsabschluss jetzt").replace("\u00ad", "|")
    'Ver|trag|sab|schluss jetzt'
    """
    words = esc(text).split(" ")
    return " ".join(
        _BREAK.sub("\u00ad", word) if len(word) >= _LONG and "&" not in word else word
        for word in words
    )


def wrap(
    text: str,
    width: float,
    size: float,
    *,
    lines: int = 2,
    bold: bool = False,
    face: FontMetrics = ANY,
) -> list[str]:
    """Break a name into at most `lines` lines; long words are hyphenated, the rest is cut.

    Examples
    --------
    >>> wrap("Compare plans", 60, 12)
    ['Compare', 'plans']
    >>> wrap("Vertragsverlängerungsangebot", 90, 12)
    ['Vertragsver-', 'länger…gebot']
    """
    rest = clean(text)
    out: list[str] = []
    while rest and len(out) < lines - 1:
        if text_width(rest, size, bold=bold, face=face) <= width:
            break
        head = ""
        for piece in _PIECE.finditer(rest):
            if text_width(rest[: piece.end()], size, bold=bold, face=face) > width:
                break
            head = rest[: piece.end()]
        if not head:
            cut = max(2, _fitting(rest, width, size, bold, face) - 1)
            cut = max((spot for spot in _breaks(rest) if 3 <= spot <= cut), default=cut)
            head, rest = rest[:cut] + "-", rest[cut:]
        else:
            rest = rest[len(head) :].lstrip()
        out.append(head)
    return [*out, shorten(rest, width, size, bold=bold, face=face)] if rest else out


def label(
    x: float, y: float, text: object, kind: str = "", *, anchor: str = "start", extra: str = ""
) -> str:
    """Return a text element; `kind` are classes of the style sheet."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    classes = f' class="{kind}"' if kind else ""
    return f'<text x="{num(x)}" y="{num(y)}"{where}{classes}{extra}>{esc(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line of the class `kind`."""
    return f'<line x1="{num(x1)}" y1="{num(y1)}" x2="{num(x2)}" y2="{num(y2)}" class="{kind}"/>'


def rect(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 0) -> str:
    """Return a rectangle of the class `kind`."""
    round_ = f' rx="{num(radius)}"' if radius else ""
    return (
        f'<rect x="{num(x)}" y="{num(y)}" width="{num(max(width, 0))}" '
        f'height="{num(max(height, 0))}"{round_} class="{kind}"/>'
    )


def path(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """Return path data through `points`."""
    data = "M" + "L".join(f"{num(x)} {num(y)}" for x, y in points)
    return data + ("Z" if closed else "")


def titled(title: str, *parts: str, kind: str = "", key: str | None = None) -> str:
    """Return a group whose parts share one tooltip; `key` names it for what reacts to it."""
    classes = f' class="{kind}"' if kind else ""
    named = f' data-key="{esc(key)}"' if key else ""
    return f"<g{classes}{named}><title>{esc(title)}</title>{''.join(parts)}</g>"


def marker(shape: Shape, x: float, y: float, radius: float, kind: str) -> str:
    """Return a marker of one of the verdict shapes around a point."""
    r = radius
    if shape in ("circle", "dot"):
        # Nothing known is drawn with little ink; hollow would be a circle that leans.
        size = r if shape == "circle" else DOT * r
        return f'<circle cx="{num(x)}" cy="{num(y)}" r="{num(size)}" class="{kind}"/>'
    if shape == "square":
        return rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, kind)
    if shape == "diamond":
        s = 1.25 * r
        points = [(x, y - s), (x + s, y), (x, y + s), (x - s, y)]
    elif shape == "heart":
        turns = [math.tau * i / 40 for i in range(40)]
        points = [
            (
                x + 1.2 * r * math.sin(t) ** 3,
                y - r / 13 * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t)),
            )
            for t in turns
        ]
    else:  # cross: two thick strokes, drawn as one outline
        a, b = 0.42 * r, 1.1 * r
        plus = [(-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a)]
        plus += [(a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)]
        turn = math.sqrt(0.5)
        points = [(x + turn * (u - v), y + turn * (u + v)) for u, v in plus]
    return f'<path d="{path(points, closed=True)}" class="{kind}"/>'


def verdict_marker(code: str, x: float, y: float, radius: float, *, leaning: bool = False) -> str:
    """Return the marker of a verdict in its colour, hollow where the verdict only leans."""
    kind = f"jl-v jl-{code}" + " jl-hollow" * leaning
    return marker(VERDICTS[code].shape, x, y, radius, kind)


def triangle(x: float, y: float, size: float, *, up: bool) -> str:
    """Return ▲ in the colour of a good feeling or ▼ in that of a bad one."""
    way = -1 if up else 1
    points = [(x - size, y - way * size * 0.8), (x + size, y - way * size * 0.8)]
    points.append((x, y + way * size * 0.8))
    kind = "jl-up" if up else "jl-down"
    return f'<path d="{path(points, closed=True)}" class="{kind}"/>'


def arrow(points: Sequence[tuple[float, float]], kind: str, width: float) -> str:
    """Return a line through `points` with a tip at its end, where it runs level."""
    (before, _), (x, y) = points[-2:]
    way, size = (1 if x > before else -1), 3.4 + width * 0.6
    tip = [(x, y), (x - way * size * 1.5, y - size), (x - way * size * 1.5, y + size)]
    return (
        f'<path d="{path([*points[:-1], (x - way * size, y)])}" class="{kind}" '
        f'stroke-width="{num(width)}"/><path d="{path(tip, closed=True)}" class="{kind}t"/>'
    )


def stroke(length: float, kind: str, width: float) -> str:
    """Return the sign of a line for a legend."""
    data = path([(2, -4), (length + 2, -4)])
    return f'<path d="{data}" class="{kind}" stroke-width="{num(width)}"/>'


def feeling_signs(words: tuple[str, str]) -> list[LegendEntry]:
    """Return the entries of a legend for ▲ and ▼ with their words."""
    signs = (triangle(6, -4, 4.5, up=up) for up in (True, False))
    return [(sign, 16.0, word, "") for sign, word in zip(signs, words, strict=True)]


def legend(
    x: float, y: float, entries: Sequence[LegendEntry], width: float = math.inf
) -> tuple[list[str], float]:
    """Return a legend that is at most `width` wide, and where the last of its lines stands.

    Examples
    --------
    >>> entries = [("", 17.0, "feels good", ""), ("", 17.0, "feels bad", "")]
    >>> [legend(8, 30, entries, width)[1] for width in (400, 120)]
    [30, 50]
    """
    parts, left = [], x
    for sign, room, word, kind in entries:
        wide = room + text_width(word, 12)
        if left > x and left + wide > x + width:
            left, y = x, y + 20
        parts.append(f'<g transform="translate({num(left)} {num(y)})">{sign}</g>')
        parts.append(label(left + room, y, word, f"jl-t4 {kind}".strip()))
        left += wide + 14
    return parts, y
