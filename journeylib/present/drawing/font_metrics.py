"""Font metrics: how wide text is, in a font that is known and in one that is not."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# Advances in em of a wide sans serif (DejaVu), so that what fits here fits in any font.
_NARROW, _SLIM = set("ijl.,:;'|!Iı·’‘"), set('frt()[]{}-/\\ "“”°*\u00a0')
_WIDE = set("mwMWQOGD@%&—…→←+−=<>~")


@dataclass(frozen=True, eq=False)
class FontMetrics:
    """A font, as far as measuring goes.

    Attributes
    ----------
    name : str
    families : str
        The fonts of these advances, as CSS lists them; empty where any font may come.
    regular, bold : mapping of str to float
        Advance of a character in em; one that is missing counts as its letter without accents,
        and without one as wide.
    """

    name: str
    families: str
    regular: Mapping[str, float]
    bold: Mapping[str, float]
    slack: float = 1.0

    def width(self, text: str, *, bold: bool = False) -> float:
        """Return the width of a text in em: never less than what is drawn."""
        return self.slack * sum(_advance(self, char, bold) for char in text)


def _table(groups: Mapping[int, str]) -> dict[str, float]:
    return {char: width / 1000 for width, chars in groups.items() for char in chars}


# Arial, and the fonts made to its measure. Source: the advances of Liberation Sans.
ARIAL = FontMetrics(
    "Arial",
    "Arial, 'Liberation Sans', Arimo, Helvetica, sans-serif",
    _table({
        191: "'", 222: "ijlł‘’‚", 260: "|", 278: "ftI!,./:;[\\] \u00a0·ı", 333: "r()-`²³¡“”„",
        334: "{}", 350: "•", 355: '"', 389: "*", 400: "°", 469: "^", 500: "cksvxyzJ↑↓",
        549: "±≈≤≥", 556: "abdeghnopquL0123456789#$?_§«»ðþŁđ–€", 576: "µ", 584: "+<=>~×−",
        604: "■○●", 611: "FTZ¿ßø", 667: "ABEKPSVXY&Þ", 722: "wCDHNRUÐĐ", 778: "GOQØ", 833: "mM",
        834: "¼½", 889: "%æ", 944: "Wœ", 990: "▲►▼◄", 1000: "ÆŒ—…‰™←→", 1015: "@",
    }),
    _table({
        238: "'", 278: "ijlI,./\\ \u00a0·łı‘’‚", 280: "|", 333: "ft!()-:;[]`²³¡", 350: "•",
        389: "r*{}", 400: "°", 474: '"', 500: "z“”„↑↓", 549: "±≈≤≥",
        556: "aceksvxyJ0123456789#$_§«»–€", 576: "µ", 584: "+<=>^~×−", 604: "■○●",
        611: "bdghnopquFLTZ?¿ßøðþŁđ", 667: "EPSVXYÞ", 722: "ABCDHKNRU&ÐĐ", 778: "wGOQØ",
        833: "M", 834: "¼½", 889: "m%æ", 944: "Wœ", 975: "@", 990: "▲►▼◄", 1000: "ÆŒ—…‰™←→",
    }),
    slack=1.015,
)  # fmt: skip

# Whatever font a reader's machine has.
ANY = FontMetrics("any", "", {}, {})


@cache
def _advance(face: FontMetrics, char: str, bold: bool) -> float:
    table = face.bold if bold else face.regular
    if not table:
        return _guess(char) * (1.09 if bold else 1.0)
    plain = unicodedata.normalize("NFD", char)[0]
    width = table.get(char, table.get(plain))
    if width is not None:
        return width
    return max(1.0, _guess(char)) if _guess(char) else 0.0


def _guess(char: str) -> float:
    if char in _NARROW:
        return 0.33
    if char in _SLIM:
        return 0.43
    if char in _WIDE:
        return 0.88
    if unicodedata.combining(char) or char in "\u200d\ufe0f":
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.15
    return 0.7 if char.isupper() or ord(char) > 0x2000 else 0.62
