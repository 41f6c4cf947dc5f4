"""Views of what changed: since the run before, in the last period, and between two runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.audits import Change, stream_label
from journeylib.core import duration, percent, signed
from journeylib.present.blocks import Block, words
from journeylib.present.drawing import svg
from journeylib.present.drawing.svg import clean, esc
from journeylib.present.figure import Figure, svg_element
from journeylib.present.tables import Table, table
from journeylib.present.theme import VERDICTS

if TYPE_CHECKING:
    from journeylib.audits import Audit, Between

KIND_WORDS = {
    "data_quality": "Data",
    "definition": "Definition",
    "mix": "Mix",
    "performance": "Performance",
}
SHOWN = 8  # changes told on the first screen; the table has all
DRAWN = 12  # streams drawn
WIDTH, LEFT, ROW = 1180.0, 470.0, 30.0
CHANCE = 1.96
FARTHEST = 8.0  # standard errors drawn; what lies farther stands at the edge


def changes(audit: Audit) -> Block:
    """Return what changed, in sentences: data, definitions, mix, performance; alarms first."""
    found = audit.changes
    alarms = found.significant
    items = [_item(change) for change in alarms[:SHOWN]]
    lines = [f"{_tag(change)[0]}: {clean(change.text)}" for change in alarms]
    wavering = [change for change in found.found if not change.significant]
    items += [_item(change) for change in wavering[: max(0, SHOWN - len(items))]]
    lines += [f"{_tag(change)[0]}: {clean(change.text)}" for change in wavering]
    more = len(alarms) + len(wavering) - len(items)
    told = f'<ul class="jl jl-list">{"".join(items)}</ul>' if items else ""
    head = _head(audit)
    note = found.note + (f" {more} more are in audit.json." if more > 0 else "")
    html = f'<p class="jl jl-lead">{esc(head)}</p>{told}<p class="jl jl-note">{esc(note)}</p>'
    return Block(html, "\n".join([head, *lines, note]))


def _head(audit: Audit) -> str:
    found = audit.changes
    alarms = len(found.significant)
    since = f"Since the run {found.previous}" if found.previous else "In the last period"
    if not alarms:
        if found.compared == 0 and not found.previous:
            return "Nothing to compare with yet."
        return f"{since}: nothing changed by more than chance, of {found.compared} streams."
    counts = [
        f"{sum(change.kind == kind for change in found.significant)} of {name.lower()}"
        for kind, name in KIND_WORDS.items()
        if any(change.kind == kind for change in found.significant)
    ]
    return f"{since}: {alarms} change{'s' if alarms > 1 else ''} ({', '.join(counts)})."


def _tag(change: Change) -> tuple[str, str, str]:
    word = KIND_WORDS[change.kind]
    if not change.significant:
        return f"○ {word}, not sure", "", "jl-unknown"
    if change.direction == "worse":
        return f"▼ {word}", "jl-fail", "jl-failed"
    if change.direction == "better":
        return f"▲ {word}", "jl-pass", "jl-passed"
    return f"◆ {word}", "jl-weigh", "jl-weighed"


def _item(change: Change) -> str:
    word, tag, kind = _tag(change)
    return (
        f'<li class="{kind}"><span class="jl-tag {tag}">{word}</span>'
        f"<div><p>{esc(change.text)}</p></div></li>"
    )


def moved(audit: Audit) -> Figure | Block:
    """Draw the streams that moved most against earlier periods, beside what chance moves."""
    if audit.changes.tests.empty:
        return words("There is no stream to draw.")  # why stands with `changes`
    return drift(audit.changes.tests, audit.changes.note)


def drift(tests: pd.DataFrame, note: str) -> Figure | Block:
    """Draw how far streams are from their past, in standard errors.

    Parameters
    ----------
    tests : pandas.DataFrame
        As from `audits.drift.drifts`; the table ``tested`` of a run.
    note : str
        What was compared.
    """
    if tests.empty:
        return words(note)
    order = tests.assign(size=tests["z"].abs()).sort_values(
        ["significant", "size", "measure", "touchpoint", "detail"],
        ascending=[False, False, True, True, True], kind="stable",
    )  # fmt: skip
    rows = order.head(DRAWN).to_dict("records")
    height = 34 + ROW * len(rows)
    room = WIDTH - LEFT - 150
    middle, unit = LEFT + room / 2, room / 2 / FARTHEST
    parts = [
        svg.rect(middle - CHANCE * unit, 8, 2 * CHANCE * unit, height - 26, "jl-band"),
        svg.line(middle, 8, middle, height - 18, "jl-axis"),
    ]
    for tick in range(-8, 9, 2):
        said = f"{tick:+d}".replace("-", "−") if tick else "0"
        parts.append(svg.label(middle + tick * unit, height, said, "jl-t1 jl-m", anchor="middle"))
    for number, row in enumerate(rows):
        parts += _row(row, 8 + ROW * (number + 0.5), middle, unit)
    alarms = int(tests["significant"].sum())
    alt = (
        f"{alarms} of {len(tests)} streams differ from earlier periods by more than chance; "
        f"{'the largest' if alarms else 'the largest difference'}: {_said(rows[0])}."
    )
    return Figure(
        name="moved",
        title="What moved most in the last period",
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=height + 12, alt=alt, min_width=760),
        table=_table(rows),
        note="Standard errors between the last period and those before it. The band holds 95 % of "
        "what chance does to one stream; of this many some leave it every time, so a full mark "
        "also passed the control of false alarms over all streams. " + note,
    )


def _row(row: dict[Any, Any], y: float, middle: float, unit: float) -> list[str]:
    z = float(row["z"])
    x = middle + unit * max(-FARTHEST, min(FARTHEST, z))
    label = svg.shorten(svg.clean(_name(row)), LEFT - 26, 12.5, bold=bool(row["significant"]))
    kind = "jl-t5 jl-b" if row["significant"] else "jl-t5"
    mark = "jl-v jl-automate" if row["significant"] else "jl-v jl-hollow jl-abstain"
    said = f"{_value(row, 'before')} → {_value(row, 'after')}"
    return [
        svg.label(LEFT - 14, y + 4, label, kind, anchor="end"),
        svg.line(middle, y, x, y, "jl-whisker"),
        svg.titled(_said(row), svg.marker("circle", x, y, 6.0, mark)),
        svg.label(WIDTH - 140, y + 4, said, "jl-t4 jl-m jl-halo"),
    ]


def _name(row: dict[Any, Any]) -> str:
    return stream_label(str(row["measure"]), str(row["touchpoint"]), str(row["detail"]))


def _said(row: dict[Any, Any]) -> str:
    return (
        f"{_name(row)}, {_value(row, 'before')} before, {_value(row, 'after')} now "
        f"(n = {int(row['n_after']):,}, {signed(float(row['z']), 1)} standard errors)"
    )


def _value(row: dict[Any, Any], column: str) -> str:
    value = float(row[column])
    if row["unit"] == "share":
        return percent(value)
    return duration(math.expm1(value)) if row["unit"] == "log seconds" else f"{value:.2f}"


def _table(rows: list[dict[Any, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Stream": [_name(row) for row in rows],
            "Before": [_value(row, "before") for row in rows],
            "After": [_value(row, "after") for row in rows],
            "Cases": [int(row["n_after"]) for row in rows],
            "Customers": [int(row["customers"]) for row in rows],
            "Standard errors": [signed(float(row["z"])) for row in rows],
            "Alarm": ["yes" if row["significant"] else "no" for row in rows],
        }
    )


def difference(found: Between) -> Block:
    """Return what is not the same in two runs, in sentences."""
    items = "".join(
        f'<li class="jl-unknown"><span class="jl-tag">{KIND_WORDS[kind]}</span>'
        f"<div><p>{esc(said)}</p></div></li>"
        for kind, said in found.said
    )
    html = f'<p class="jl jl-lead">{esc(found.heading)}.</p><ul class="jl jl-list">{items}</ul>'
    lines = [f"{KIND_WORDS[kind]}: {clean(said)}" for kind, said in found.said]
    return Block(html, "\n".join([found.heading, *lines]))


def drift_between(found: Between) -> Figure | Block:
    """Draw the streams that moved most in the last period of the second run."""
    tests = found.after.tested
    note = str(found.after.document["comparison"]["note"])
    return words(note) if tests is None else drift(tests, note)


def numbers_between(found: Between) -> Table | Block:
    """Return the numbers of the whole log that differ between two runs."""
    rows = found.numbers[found.numbers["before"] != found.numbers["after"]]
    if rows.empty:
        return words("No number of the whole log differs.")
    told = [
        {
            "Measure": str(row["measure"]),
            "Before": _range(row, "before"),
            "After": _range(row, "after"),
            "Customers": int(row["n_after"]),
            "Apart": "yes" if row["apart"] else "no",
        }
        for row in rows.to_dict("records")
    ]
    return table(
        pd.DataFrame(told), "The whole log, in both runs",
        note="Both runs saw mostly the same events: a small difference can hide a large change in "
        "the last period. Apart: the intervals do not overlap.",
    )  # fmt: skip


def _range(row: dict[Any, Any], which: str) -> str:
    value, lo, hi = (row[name] for name in (which, f"{which}_lo", f"{which}_hi"))
    share, seconds = row["unit"] == "share", row["unit"] == "seconds"

    def said(number: float) -> str:
        if share:
            return percent(number)
        return duration(number) if seconds else f"{number:.3g}"

    ends = "" if lo is None or lo != lo else f" ({said(lo)} to {said(hi)})"
    return said(value) + ends


def verdicts_between(found: Between) -> Table | Block:
    """Return the touchpoints on which two runs do not agree."""
    if found.verdicts.empty:
        return words("Both runs give every touchpoint the same verdict.")
    told = [
        {
            "Touchpoint": row["touchpoint"],
            "Before": _verdict(row["before"], row["stability_before"]),
            "After": _verdict(row["after"], row["stability_after"]),
            "Stands": _verdict(row["stands"], None),
        }
        for row in found.verdicts.to_dict("records")
    ]
    return table(
        pd.DataFrame(told), "Verdicts that differ",
        note="A verdict stands until another one is sure: one that wavers from week to week is no "
        "ground to act on.",
    )  # fmt: skip


def _verdict(verdict: Any, stability: Any) -> str:
    if verdict is None or verdict != verdict:
        return "–"
    word = VERDICTS[str(verdict)].word
    sure = stability is not None and stability == stability
    return f"{word} ({percent(float(stability), 0)} agree)" if sure else word
