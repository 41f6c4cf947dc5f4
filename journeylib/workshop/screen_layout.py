"""Screen layout: how much a screen holds, and in which type, so that nothing is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeylib.present import ARIAL, svg

# In hundredths of the width of a screen of 16:9, as in screens.css.
WIDTH, HEIGHT = 89.0, 47.25  # inside the margins
GAP, TITLE, TITLE_LINE, NOTE, NOTE_LINE = 1.8, 3.5, 4.0, 2.0, 2.7
SIDES, UPRIGHT = 2 * (1.4 + 0.35) + 2.2 + 1.0, 2 * 0.35  # padding, edge and marker of a card
BETWEEN = 0.9  # two details on one line
ENOUGH = 99  # lines
Card = tuple[str, Sequence[str]]  # a name and its details


@dataclass(frozen=True)
class CardLayout:
    """How the cards of one screen are laid out.

    Attributes
    ----------
    most : int
        Cards on one screen.
    columns : int
    name, detail : float
        Sizes of type.
    gap, pad : float
        Between two cards, and above and below the text of one.
    in_rows : bool
        Details stand side by side, not one below the other.
    """

    most: int
    columns: int
    name: float
    detail: float
    gap: float
    pad: float
    in_rows: bool = False


# From the largest type to the smallest that the back of a room can read.
LAYOUTS = (
    CardLayout(4, 2, 2.6, 1.9, 1.1, 1.1),
    CardLayout(6, 3, 2.2, 1.65, 1.1, 1.1),
    CardLayout(12, 2, 2.2, 1.65, 0.9, 0.7, in_rows=True),
    CardLayout(12, 2, 1.8, 1.5, 0.7, 0.4, in_rows=True),
)


def room_between(title: str, note: str) -> float:
    """Return the height that a title above and a note below leave."""
    heads = lines_of(title, WIDTH, TITLE, bold=True)
    return HEIGHT - TITLE_LINE * heads - NOTE_LINE * lines_of(note, WIDTH, NOTE) - 2 * GAP


def layout_for(cards: Sequence[Card], height: float) -> CardLayout | None:
    """Return the layout with the largest type in which cards fit; None where none fits."""
    fitting = (one for one in LAYOUTS if len(cards) <= one.most and _needs(cards, one) <= height)
    return next(fitting, None)


def lines_of(text: str, width: float, size: float, *, bold: bool = False) -> int:
    """Return how many lines of a width a text takes."""
    return len(svg.wrap(text, width, size, lines=ENOUGH, bold=bold, face=ARIAL))


def _needs(cards: Sequence[Card], layout: CardLayout) -> float:
    """Return the height that cards need: that of the highest one, row by row."""
    every = [_height(card, layout) for card in cards]
    rows = [every[at : at + layout.columns] for at in range(0, len(every), layout.columns)]
    return sum(map(max, rows)) + layout.gap * max(len(rows) - 1, 0)


def _height(card: Card, layout: CardLayout) -> float:
    name, details = card
    width = (WIDTH - layout.gap * (layout.columns - 1)) / layout.columns - SIDES
    lines, at = 0, width
    for detail in details:
        long = svg.text_width(detail, layout.detail, face=ARIAL)
        if layout.in_rows and at + BETWEEN + long <= width:
            at += BETWEEN + long
        else:
            lines += lines_of(detail, width, layout.detail)
            at = long
    names = 1.15 * layout.name * lines_of(name, width, layout.name, bold=True)
    return 2 * layout.pad + UPRIGHT + names + 1.25 * layout.detail * lines
