"""Blocks of the first screen: cards, findings, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from journeylib.core import Estimate, abstain_text, estimate_text, number, percent
from journeylib.present.drawing.svg import clean, esc, verdict_marker
from journeylib.present.theme import VERDICTS, leaning, style_tag

State = Literal["plain", "good", "bad", "abstain"]
STATE_GLYPH: dict[State, str] = {"plain": "", "good": "✓ ", "bad": "▼ ", "abstain": ""}


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


def words(sentence: str) -> Block:
    """Return one sentence in place of a table or picture that the log has no data for."""
    return Block(f'<p class="jl jl-note">{esc(sentence)}</p>', sentence)


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
        kind = "" if state == "plain" else f' class="jl-is-{state}"'
        small = f"<small>{esc(note)}</small>" if note else ""
        big = STATE_GLYPH[state] + value
        cells.append(f"<li{kind}><b>{esc(big)}</b><span>{esc(item.label)}</span>{small}</li>")
        lines.append(f"{big} {item.label}" + (f" ({note})" if note else ""))
    return Block(f'<ul class="jl jl-cards">{"".join(cells)}</ul>', "\n".join(lines))


def _card_words(item: Card) -> tuple[str, str, State]:
    if isinstance(item.value, Estimate):
        if item.value.value is None:
            reason = abstain_text(str(item.value.abstain))
            return "Not enough evidence", "; ".join(filter(None, (reason, item.note))), "abstain"
        text = estimate_text(item.value)
        cut = min((i for i in (text.find(" ("), text.find(", n =")) if i >= 0), default=len(text))
        rest = text[cut:].lstrip(", ")
        return text[:cut], "; ".join(filter(None, (rest, item.note))), item.state
    if isinstance(item.value, str):
        return item.value, item.note, item.state
    return number(item.value), item.note, item.state


GATE_WORD: dict[str, tuple[str, str, str]] = {
    "fail": ("✖ Gate fails", "jl-fail", "jl-failed"),
    "pass": ("✓ Gate holds", "jl-pass", "jl-passed"),
    "not_assessable": ("○ Cannot tell", "", "jl-unknown"),
}
SEVERITY_WORD: dict[str, tuple[str, str, str]] = {
    "high": ("▲ Act on", "jl-fail", "jl-failed"),
    "medium": ("◆ Weigh", "jl-weigh", "jl-weighed"),
    "low": ("● Note", "", "jl-unknown"),
    "info": ("● Note", "", "jl-unknown"),
}


def findings_list(findings: Iterable[Mapping[str, Any]]) -> Block:
    """Return findings in sentences: failed gates first, then by severity.

    Parameters
    ----------
    findings : iterable of mapping
        As in `audit.json`: ``id``, ``kind`` (``gate``, ``insight``, ``quality``), ``severity``
        (``high``, ``medium``, ``low``, ``info``), ``verdict`` (``pass``, ``fail``,
        ``not_assessable``), ``text``.
    """
    severities = list(SEVERITY_WORD)
    ordered = sorted(
        findings,
        key=lambda f: (
            f["verdict"] != "fail",
            severities.index(f["severity"]),
            f["verdict"] == "not_assessable",
            str(f["id"]),
        ),
    )
    items, lines = [], []
    for finding in ordered:
        word, tag, kind = _finding_words(finding)
        items.append(
            f'<li class="{kind}"><span class="jl-tag {tag}">{word}</span>'
            f"<div><p>{esc(finding['text'])}</p></div></li>"
        )
        lines.append(f"{word}: {clean(finding['text'])}")
    if not items:
        return Block('<p class="jl">There are no findings.</p>', "There are no findings.")
    return Block(f'<ul class="jl jl-list">{"".join(items)}</ul>', "\n".join(lines))


def _finding_words(finding: Mapping[str, Any]) -> tuple[str, str, str]:
    if finding["kind"] == "gate" or finding["verdict"] == "not_assessable":
        return GATE_WORD[finding["verdict"]]
    return SEVERITY_WORD[finding["severity"]]


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
    items, lines = [], []
    for code, verdict in VERDICTS.items():
        members = sorted(
            (row for row in records if row["verdict"] == code),
            key=lambda row: (-_stability(row), str(row["touchpoint"])),
        )
        if not members:
            continue
        listed = _unsettled(members) if code == "abstain" else _settled(members, shown)
        mark = (
            f'<svg viewBox="0 0 20 20" aria-hidden="true">{verdict_marker(code, 10, 10, 6.5)}</svg>'
        )
        lean = 0 if code == "abstain" else sum(map(_leans, members))
        count = f"{len(members) - lean}" + (f", {lean} leaning" if lean else "")
        items.append(
            f'<li class="jl-{code}"><h3>{mark}{verdict.word}<span class="jl-count">{count}'
            f"</span></h3><p>{verdict.meaning}</p><ul>{listed}</ul></li>"
        )
        names = ", ".join(clean(row["touchpoint"]) for row in members)
        lines.append(f"{verdict.glyph} {verdict.word} ({count}): {names}")
    return Block(f'<ul class="jl jl-verdicts">{"".join(items)}</ul>', "\n".join(lines))


def _stability(row: Mapping[Any, Any]) -> float:
    value = row.get("verdict_stability")
    return 0.0 if value is None or pd.isna(value) else float(value)


def _leans(row: Mapping[Any, Any]) -> bool:
    return _stability(row) > 0 and leaning(_stability(row))


def _settled(members: Sequence[Mapping[Any, Any]], shown: int) -> str:
    listed = "".join(_member(row) for row in members[:shown])
    if len(members) > shown:
        rest = ", ".join(
            esc(row["touchpoint"]) + " (leaning)" * _leans(row) for row in members[shown:]
        )
        listed += f"<li><small>and {len(members) - shown} more: {rest}</small></li>"
    return listed


def _unsettled(members: Sequence[Mapping[Any, Any]]) -> str:
    """List touchpoints together that lack the same: on a thin log that is often all of them."""
    lacking: dict[str, list[str]] = {}
    for row in members:
        datum = row.get("next_datum")
        if isinstance(datum, str) and datum:
            words = f"To settle it: {datum}."
        else:
            words = "" if _is_absent(row.get("reasons")) else str([*row["reasons"], ""][0])
        lacking.setdefault(words, []).append(str(row["touchpoint"]))
    ordered = sorted(lacking.items(), key=lambda item: (-len(item[1]), item[1]))
    return "".join(
        f"<li>{esc(', '.join(names))}" + (f"<small>{esc(words)}</small>" if words else "") + "</li>"
        for words, names in ordered
    )


def _member(row: Mapping[Any, Any]) -> str:
    reasons: Sequence[str] = [] if _is_absent(row.get("reasons")) else list(row["reasons"])
    words = []
    if _stability(row) > 0:
        lean = "leaning, " if _leans(row) else ""
        words.append(f"{lean}stability {percent(_stability(row), 0)}")
    words += [str(reason) for reason in reasons[:2]]
    small = f"<small>{esc(' · '.join(words))}</small>" if words else ""
    return f"<li>{esc(row['touchpoint'])}{small}</li>"


def _is_absent(value: object) -> bool:
    return value is None or isinstance(value, float)
