"""Typography: in which font and how large the wall map is set, and the texts beside its rows."""

from __future__ import annotations

from dataclasses import dataclass

from journeylib.present import ANY, ARIAL, FontMetrics, svg

LEFT = 176.0  # room for the names of lanes
SIZE, SMALL = 16.5, 12.5


@dataclass(frozen=True)
class Lettering:
    """How a wall map is set.

    Attributes
    ----------
    face : FontMetrics
        The font that text is measured in.
    name : float
        Size of the names of touchpoints. Details are always `SIZE`: the larger the names are
        beside them, the more of the sheet is read from the back, and the less from near.
    """

    face: FontMetrics
    name: float

    @property
    def channel(self) -> float:
        """Size of the names of channels."""
        return max(SIZE, 0.72 * self.name)

    @property
    def aside(self) -> float:
        """Size of what stands beside a name: feeling and reach."""
        return 0.72 * self.name

    @property
    def point(self) -> float:
        """Size of the names along the experience line."""
        return max(13.0, 0.56 * self.name)

    @property
    def head(self) -> float:
        """Size of the stages' chevrons, as a factor."""
        return max(1.0, self.name / 20)

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a text."""
        return svg.text_width(text, size, bold=bold, face=self.face)

    def wrap(
        self, text: str, width: float, size: float = SIZE, *, lines: int = 2, bold: bool = False
    ) -> list[str]:
        """Return a text as lines of a width."""
        return svg.wrap(text, width, size, lines=lines, bold=bold, face=self.face)

    def shorten(self, text: str, width: float, size: float, *, bold: bool = False) -> str:
        """Return a text so that it fits."""
        return svg.shorten(text, width, size, bold=bold, face=self.face)

    def lane_lines(self, name: str) -> list[str]:
        """Return the name of a lane as lines."""
        return self.wrap(name, LEFT - 18, lines=4, bold=True)


# Names readable from the back of a room (9 mm where details have 5), for what hangs on a wall;
# all of one size for what is held in the hand or seen on a screen.
POSTER, HANDOUT, SCREEN = Lettering(ARIAL, 30.0), Lettering(ARIAL, 18.0), Lettering(ANY, 18.0)


def text(x: float, y: float, words: str, size: float, kind: str = "", anchor: str = "start") -> str:
    """Return a line of text of a size of its own."""
    return svg.label(
        x, y, words, kind, anchor=anchor, extra=f' style="font-size:{svg.num(size)}px"'
    )


def lane_name(style: Lettering, name: str, note: str, y: float) -> list[str]:
    """Return the name of a lane and whose it is."""
    lines = style.lane_lines(name)
    parts = [text(8, y + 23 + 18 * k, line, SIZE, "jl-b") for k, line in enumerate(lines)]
    return [*parts, text(8, y + 22 + 18 * len(lines), note, SMALL, "jl-m")]
