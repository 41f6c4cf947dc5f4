"""Blocks of the first screen: cards, findings, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pandas as pd
from jinja2 import Environment, FileSystemLoader

from journeylib.core import Estimate, abstain_text, estimate_text, number, percent, text
from journeylib.present.drawing.svg import clean, esc, verdict_marker
from journeylib.present.theme import TEMPLATES, VERDICTS, leaning, style_tag

State = Literal["plain", "good", "bad", "abstain"]
STATE_GLYPHS: dict[State, str] = {"plain": "", "good": "✓ ", "bad": "▼ ", "abstain": ""}
REASONS = 2  # said of each touchpoint


@dataclass(frozen=True)
class Block:
    """Something displayable: `html` for people, `text` for logs."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return style_tag() + self.html


@dataclass(frozen=True)
class Card:
    """One key number.

    Attributes
    ----------
    label : str
        What is counted.
    value : Estimate, number or str
        An abstaining estimate shows its reason instead of a number.
    note : str
        Denominator, limit or period. An estimate brings interval and base along.
    state : {"plain", "good", "bad", "abstain"}
        Shown by colour and by a sign.
    """

    label: str
    value: Estimate | float | int | str
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
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["esc"] = esc
    return found


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
        value, note, state = _card_words(item)
        value = STATE_GLYPHS[state] + value
        cells.append({"label": item.label, "value": value, "note": note, "state": state})
        lines.append(f"{value} {item.label}" + (f" ({note})" if note else ""))
    return Block(_html("cards", cells), "\n".join(lines))


def _card_words(item: Card) -> tuple[str, str, State]:
    if isinstance(item.value, Estimate):
        if item.value.value is None:
            reason = abstain_text(str(item.value.abstain))
            note = "; ".join(filter(None, (reason, item.note)))
            return text("verdict.abstain"), note, "abstain"
        words = estimate_text(item.value)
        cut = min((i for i in (words.find(" ("), words.find(", n")) if i >= 0), default=len(words))
        note = "; ".join(filter(None, (words[cut:].lstrip(", "), item.note)))
        return words[:cut], note, item.state
    if isinstance(item.value, str):
        return item.value, item.note, item.state
    return number(item.value), item.note, item.state


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
    if not ordered:
        return tagged_list([], lead=text("present.findings.none"))
    return tagged_list([_finding(finding) for finding in ordered])


def _finding(finding: Mapping[str, Any]) -> ListItem:
    gate = finding["kind"] == "gate" or finding["verdict"] == "not_assessable"
    key = finding["verdict"] if gate else finding["severity"]
    glyph, tag, kind = TAGS[key]
    return ListItem(finding["text"], f"{glyph} {text(f'present.tag.{key}')}", tag, kind)


def verdict_list(scores: pd.DataFrame, *, shown: int = 5) -> Block:
    """Return the verdicts as one card each, with their touchpoints.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``touchpoint``, ``verdict``, ``verdict_stability`` (0 to 1), optional ``reasons``
        (sequence of str), ``next_datum`` (what would settle it) and ``journeys``. Touchpoints are
        listed by stability, then name; those without a verdict by what would settle them.
    shown : int
        Touchpoints listed per verdict; the rest is counted.
    """
    records = scores.to_dict("records")
    groups, lines = [], []
    for code, verdict in VERDICTS.items():
        members = sorted(
            (row for row in records if row["verdict"] == code),
            key=lambda row: (-_stability(row), str(row["touchpoint"])),
        )
        if not members:
            continue
        lean = 0 if code == "abstain" else sum(map(_leans, members))
        settled = len(members) - lean
        count = text("present.verdicts.leaning", n=settled, m=lean) if lean else number(settled)
        groups.append(
            {
                "code": code,
                "mark": verdict_marker(code, 10, 10, 6.5),
                "verdict": verdict,
                "count": count,
                "members": _unsettled(members) if code == "abstain" else _settled(members, shown),
            }
        )
        names = ", ".join(clean(row["touchpoint"]) for row in members)
        lines.append(f"{verdict.glyph} {verdict.word} ({count}): {names}")
    return Block(_html("verdicts", groups), "\n".join(lines))


def _stability(row: Mapping[Any, Any]) -> float:
    value = row.get("verdict_stability")
    return 0.0 if value is None or pd.isna(value) else float(value)


def _leans(row: Mapping[Any, Any]) -> bool:
    return _stability(row) > 0 and leaning(_stability(row))


def _settled(members: Sequence[Mapping[Any, Any]], shown: int) -> list[tuple[str, str]]:
    """Return name and reasons of the first touchpoints, and the names of the rest."""
    listed = [(str(row["touchpoint"]), " · ".join(_sayings(row))) for row in members[:shown]]
    if rest := members[shown:]:
        names = ", ".join(
            text("present.verdicts.leans", name=row["touchpoint"])
            if _leans(row)
            else str(row["touchpoint"])
            for row in rest
        )
        listed.append(("", text("present.verdicts.more", n=len(rest), names=names)))
    return listed


def _unsettled(members: Sequence[Mapping[Any, Any]]) -> list[tuple[str, str]]:
    """List touchpoints together that lack the same: on a thin log that is often all of them."""
    lacking: dict[str, list[str]] = {}
    for row in members:
        datum = row.get("next_datum")
        if isinstance(datum, str) and datum:
            lack = text("present.verdicts.settle", datum=datum)
        else:
            lack = str([*_reasons(row), ""][0])
        lacking.setdefault(lack, []).append(str(row["touchpoint"]))
    ordered = sorted(lacking.items(), key=lambda item: (-len(item[1]), item[1]))
    return [(", ".join(names), lack) for lack, names in ordered]


def _sayings(row: Mapping[Any, Any]) -> list[str]:
    """Return how stable a verdict is, and its first reasons."""
    reasons = _reasons(row)[:REASONS]
    if _stability(row) == 0:
        return reasons
    key = "present.verdicts.unstable" if _leans(row) else "present.verdicts.stable"
    return [text(key, share=percent(_stability(row), 0)), *reasons]


def _reasons(row: Mapping[Any, Any]) -> list[str]:
    reasons = row.get("reasons")
    return [] if reasons is None or isinstance(reasons, float) else [str(one) for one in reasons]
