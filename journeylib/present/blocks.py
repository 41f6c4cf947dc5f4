"""Blocks of a page: cards, findings, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader

from journeylib.core import number, text
from journeylib.present.drawing.svg import clean, esc
from journeylib.present.theme import TEMPLATES, style_tag

State = Literal["plain", "good", "bad"]
PAGE = "application/vnd.journeylib.page+html"
"""A block with its drawings and filters, for the dashboard. No notebook program knows this type."""
_PAGE_ALONE = re.compile(
    r'<svg class="jl jl-svg".*?</svg>|<form class="jl-filters".*?</form>', re.DOTALL
)
STATE_GLYPHS: dict[State, str] = {"plain": "", "good": "✓ ", "bad": "▼ "}


@dataclass(frozen=True)
class Block:
    """Something displayable: `html` for people, `text` for logs."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def still(self) -> str:
        """Return the HTML without drawings and without the filters of the dashboard's script.

        A notebook that is not trusted loses every ``<svg>`` in HTML and keeps the words in it,
        and shows what is hidden.
        """
        return _PAGE_ALONE.sub("", self.html)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Return HTML without drawings, words for logs, and what the dashboard is made of."""
        bare = self.still()
        data = {"text/html": style_tag() + bare, "text/plain": self.text}
        return data | {PAGE: self.html} if bare != self.html else data


@dataclass(frozen=True)
class Card:
    """One key number.

    Attributes
    ----------
    label : str
        What is counted.
    value : number or str
    note : str
        Denominator, limit or period.
    state : {"plain", "good", "bad"}
        Shown by colour and by a sign.
    """

    label: str
    value: float | str
    note: str = ""
    state: State = "plain"


@dataclass(frozen=True)
class ListItem:
    """One sentence of a list with its tag: word, class of the tag, class of the item."""

    sentence: str
    word: str
    tag: str
    kind: str


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    # No line ends between a number and its unit.
    environment.filters["esc"] = lambda words: re.sub(r"(?<=\d) %", "\u00a0%", esc(words))
    return environment


def template(name: str, macro: str, *values: object) -> str:
    """Return what a macro of a template makes of values."""
    return str(getattr(_templates().get_template(name).module, macro)(*values)).strip()


def _html(macro: str, *values: object) -> str:
    return template("blocks.html.j2", macro, *values)


def remark(sentence: str) -> Block:
    """Return one sentence in place of a table or picture that the log has no data for."""
    return Block(f'<p class="jl jl-note">{esc(sentence)}</p>', sentence)


def tagged_list(items: Sequence[ListItem], *, lead: str = "", note: str = "") -> Block:
    """Return sentences with their tags, between a first sentence and a note."""
    lines = [f"{item.word}: {clean(item.sentence)}" for item in items]
    return Block(
        _html("tagged_list", items, lead, note), "\n".join(filter(None, (lead, *lines, note)))
    )


def cards(*items: Card) -> Block:
    """Return key numbers side by side.

    Examples
    --------
    >>> cards(Card("customers", 1500), Card("pain points", 10, "limit 5", "bad"))
    1,500 customers
    ▼ 10 pain points (limit 5)
    """
    cells, lines = [], []
    for item in items:
        value = item.value if isinstance(item.value, str) else number(item.value)
        value = STATE_GLYPHS[item.state] + value
        cells.append({"label": item.label, "value": value, "note": item.note, "state": item.state})
        lines.append(f"{value} {item.label}" + (f" ({item.note})" if item.note else ""))
    return Block(_html("cards", cells), "\n".join(lines))


# Glyph, class of the tag, class of the item.
TAGS: dict[str, tuple[str, str, str]] = {
    "fail": ("✖", "jl-fail", "jl-failed"),
    "pass": ("✓", "jl-pass", "jl-passed"),
    "not_assessable": ("○", "", "jl-unknown"),
    "high": ("▲", "jl-fail", "jl-failed"),
    "medium": ("◆", "jl-weigh", "jl-weighed"),
    "low": ("●", "", "jl-unknown"),
    "info": ("●", "", "jl-unknown"),
}
SEVERITIES = ("high", "medium", "low", "info")


def findings_list(findings: Iterable[Mapping[str, Any]]) -> Block:
    """Return findings in sentences: failed gates first, then by severity.

    Parameters
    ----------
    findings : iterable of mapping
        As in `audit.json`: ``id``, ``kind`` (``gate``, ``insight``, ``quality``), ``severity``
        (``high``, ``medium``, ``low``, ``info``), ``verdict`` (``pass``, ``fail``,
        ``not_assessable``), ``text``.
    """
    ordered = sorted(
        findings,
        key=lambda f: (
            f["verdict"] != "fail",
            SEVERITIES.index(f["severity"]),
            f["verdict"] == "not_assessable",
            str(f["id"]),
        ),
    )
    lead = "" if ordered else text("present.findings.none")
    return tagged_list([_finding(finding) for finding in ordered], lead=lead)


def _finding(finding: Mapping[str, Any]) -> ListItem:
    gate = finding["kind"] == "gate" or finding["verdict"] == "not_assessable"
    key = finding["verdict"] if gate else finding["severity"]
    glyph, tag, kind = TAGS[key]
    return ListItem(finding["text"], f"{glyph} {text(f'present.tag.{key}')}", tag, kind)
