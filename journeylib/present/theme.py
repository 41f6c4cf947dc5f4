"""Theme: the colours, type and signs that every picture and page shares.

Colour never carries a meaning alone: a verdict has a shape and a word, a feeling has a
triangle and a weight. Every pair of text and ground holds WCAG AA in both themes, which
the tests compute from `palettes.yaml`, as they do that the colours of verdicts stay apart for those
who see fewer (protanopia, deuteranopia, tritanopia).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from journeylib.core import read_packaged, text

Shape = Literal["square", "diamond", "circle", "heart", "cross", "dot"]

TEMPLATES = Path(__file__).parent / "templates"
FONT = (
    "Inter, 'Segoe UI', 'Helvetica Neue', 'Liberation Sans', Arial, system-ui, "
    "-apple-system, sans-serif"
)

PALETTES: dict[str, dict[str, str]] = read_packaged(TEMPLATES / "palettes.yaml")
LIGHT, DARK = PALETTES["light"], PALETTES["dark"]

HOSTS: dict[str, tuple[str, ...]] = {
    "light": ("[data-jp-theme-light=true]", "[data-vscode-theme-kind$=light]"),
    "dark": (
        "[data-jp-theme-light=false]",
        "[data-vscode-theme-kind$=dark]",
        "[data-vscode-theme-kind$=contrast]",
    ),
}
"""How JupyterLab and VS Code mark their own theme; a bare high contrast is VS Code's dark one."""

FEELING = 0.2
"""A feeling is marked ▲ or ▼ from this distance to neutral, if its interval excludes neutral."""


@dataclass(frozen=True)
class Verdict:
    """How one verdict is named and drawn.

    Attributes
    ----------
    code : str
        The value in `audit.json`; also the name of its colour in the palettes.
    shape : str
        Marker in pictures.
    glyph, outline : str
        The nearest characters for plain text: settled, and where it only leans that way.
    """

    code: str
    shape: Shape
    glyph: str
    outline: str

    @property
    def word(self) -> str:
        """What a reader sees."""
        return text(f"verdict.{self.code}")


VERDICTS: dict[str, Verdict] = {
    verdict.code: verdict
    for verdict in (
        Verdict("automate", "square", "■", "□"),
        Verdict("assist", "diamond", "◆", "◇"),
        Verdict("human_led", "circle", "●", "○"),
        Verdict("human_only", "heart", "♥", "♡"),
        Verdict("fix_first", "cross", "✖", "✕"),
        Verdict("abstain", "dot", "·", "·"),
    )
}


def feeling(value: float | None, lo: float | None, hi: float | None) -> int:
    """Return 1, −1 or 0: a feeling is marked where it is far from neutral for certain."""
    if value is None or abs(value) < FEELING:
        return 0
    if (lo is not None and lo <= 0 < value) or (hi is not None and hi >= 0 > value):
        return 0
    return 1 if value > 0 else -1


def _variables(palette: dict[str, str], scheme: str) -> str:
    pairs = ";".join(f"--jl-{name}:{colour}" for name, colour in palette.items())
    return f"{{color-scheme:{scheme};{pairs}}}"


@lru_cache(maxsize=1)
def css() -> str:
    """Return the style sheet of every figure, table and block, for both themes.

    The theme follows the reader's system; a class ``jl-light`` or ``jl-dark`` on any ancestor
    (or the theme of JupyterLab or VS Code) decides otherwise, and paper is always light.
    """
    light, dark = _variables(LIGHT, "light"), _variables(DARK, "dark")
    ours_light, ours_dark = (
        ",".join(f"{host} .jl" for host in (f".jl-{name}", *HOSTS[name]))
        for name in ("light", "dark")
    )
    rules = (TEMPLATES / "figures.css").read_text(encoding="utf-8")
    return "".join(
        (
            f".jl{light}",
            f"@media (prefers-color-scheme:dark){{.jl{dark}}}",
            f".jl-light.jl,{ours_light}{light}",
            f".jl-dark.jl,{ours_dark}{dark}",
            f"@media print{{.jl,.jl-dark.jl,{ours_dark}{light}}}",
            f".jl{{font-family:{FONT}}}\n",
            rules,
        )
    )


@lru_cache(maxsize=1)
def style_tag() -> str:
    """Return the style sheet as the element that precedes every displayed block.

    A page that brings the style sheet itself removes these (`dashboard.render_html` does).
    """
    return f"<style data-jl>{css()}</style>"
