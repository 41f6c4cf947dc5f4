"""The structure of journeys as pictures: how they end, where they break off, smaller maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import abstain_text, percent
from journeylib.journeys import OTHER, START
from journeylib.present.blocks import Block, words
from journeylib.present.drawing import svg
from journeylib.present.figure import Figure, svg_element
from journeylib.present.maps.simplified_map import simplified_map
from journeylib.present.maps.timelines import ENDS
from journeylib.present.tables import Rows, Table, as_float, keyed, table

if TYPE_CHECKING:
    from journeylib.audits import Audit
    from journeylib.journeys import Structure

WIDTH = 1180.0
NAME, BAR, ROOM, WORDS = 16.0, 400.0, 440.0, 856.0
TOP, ROW = 44.0, 27.0
MOST = 24  # touchpoints drawn, those of most journeys
NAMED = 3
WITHHELD = (
    "Too many events have no touchpoint in the mapping for their order to say anything: complete "
    "the mapping first (the quality report counts what it misses)."
)
Ends = Mapping[str, Mapping[str, Mapping[Any, Any]]]


def journey_ends(audit: Audit) -> Figure | Block:
    """Draw how the journeys that come by each touchpoint end."""
    found = audit.structure
    if found is None:
        return words(WITHHELD)
    settings = audit.config.journeys
    if not (settings.goals or settings.bad_ends):
        return words(
            "How journeys end is not told apart: declare the touchpoints that customers want "
            "(journeys.goals) and those that nobody wants (journeys.bad_ends)."
        )
    if found.ends.empty:
        return words("No touchpoint has enough customers to say how their journeys end.")
    return _ends_figure(found)


def _ends_figure(found: Structure) -> Figure:
    ends: dict[str, dict[str, Mapping[Any, Any]]] = {}
    for row in found.ends.to_dict("records"):
        ends.setdefault(row["touchpoint"], {})[row["end"]] = row
    size = {name: int(max(r["n_journeys"] for r in rows.values())) for name, rows in ends.items()}
    largest = sorted(size, key=lambda name: (name != START, -size[name], name))[: MOST + 1]
    shown = [name for name in ends if name in largest]
    settled = dict(found.chain.points_of_no_return[["touchpoint", "towards"]].to_numpy())
    parts = [
        svg.label(NAME, 20, "Journeys that come by", "jl-t4 jl-b jl-m"),
        svg.label(BAR, 20, "how they end", "jl-t4 jl-b jl-m"),
        svg.label(WORDS, 20, "reach a goal", "jl-t4 jl-b jl-m"),
        svg.line(NAME, 30, WIDTH - 16, 30, "jl-rule"),
    ]
    y = TOP
    for name in shown:
        parts.append(_row(name, ends[name], size, settled.get(name), y))
        y += ROW + (6 if name == START else 0)
    parts += _legend(y + 22)
    alt = _finding(ends, size, found)
    return Figure(
        name="journey-ends",
        title="How journeys end, by the touchpoints they come by",
        alt=alt,
        svg=svg_element(parts, width=WIDTH, height=y + 40, alt=alt, min_width=860),
        table=_table(ends, size),
        note=_note(found, len(ends) - len(shown)),
    )


def _row(
    name: str,
    rows: Mapping[str, Mapping[Any, Any]],
    size: Mapping[str, int],
    towards: str | None,
    y: float,
) -> str:
    whole = name == START
    of = "" if whole else f"{percent(size[name] / size[START], 0)} of journeys"
    shown = "All journeys" if whole else svg.shorten(svg.clean(name), BAR - NAME - 130, 13)
    parts = [
        svg.label(NAME, y + 14, shown, "jl-t5 jl-b" if whole else "jl-t5"),
        svg.label(BAR - 12, y + 14, of, "jl-t4 jl-m", anchor="end"),
    ]
    x = BAR
    for end, (words_, kind) in ENDS.items():
        if end in rows:
            width = ROOM * float(rows[end]["share"])
            said = f"{'All journeys' if whole else name}: {_interval(rows[end])} {words_}"
            parts.append(svg.titled(said, svg.rect(x, y + 3, width, 14, kind, radius=2)))
            x += width
    goal = _interval(rows["goal"]) if "goal" in rows else "none, or too few to show"
    mark = {"goal": " · all but settled", "no goal": " · all but settled"}.get(towards or "", "")
    parts.append(svg.label(WORDS, y + 14, goal + mark, "jl-t5" if "goal" in rows else "jl-t5 jl-m"))
    return "".join(parts)


def _legend(y: float) -> list[str]:
    parts, x = [], BAR
    for word, kind in ENDS.values():
        parts.append(svg.rect(x, y - 10, 18, 11, kind, radius=2))
        parts.append(svg.label(x + 25, y, word, "jl-t4"))
        x += 47 + svg.text_width(word, 12)
    return parts


def _interval(row: Mapping[Any, Any]) -> str:
    return f"{percent(row['share'], 0)} ({100 * row['lo']:.0f}–{100 * row['hi']:.0f})"


def _finding(ends: Ends, size: Mapping[str, int], found: Structure) -> str:
    goal = ends.get(START, {}).get("goal")
    if goal is None:
        return f"How {size.get(START, 0):,} journeys end, by the touchpoints that they come by."
    text = f"{_interval(goal)} of {size[START]:,} journeys reach a goal."
    rows = found.chain.points_of_no_return
    for towards, said in (
        (
            "no goal",
            "Hardly any of the journeys that come by {names} reaches one, whatever follows.",
        ),
        ("goal", "Nearly all that come by {names} do."),
    ):
        names = [
            svg.clean(name)
            for name in rows.loc[rows["towards"] == towards, "touchpoint"]
            if name not in (START, OTHER)
        ]
        names.sort(key=lambda name: (-size.get(name, 0), name))
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            text += f" {said.format(names=', '.join(names[:NAMED]) + more)}"
    return text


def _note(found: Structure, hidden: int) -> str:
    text = (
        "How to read it: a bar is all journeys that come by the touchpoint at least once, divided "
        "by how they end; touchpoints stand in the order of the journey. What is missing to the "
        "full width rests on too few customers. “All but settled”: by the chain of moves, what "
        "follows hardly changes whether a goal is reached. What to do next: ask whether people "
        "come by with another matter, to which no goal belongs; where they do not, act at the "
        "touchpoints before. A low share goes with the touchpoint, it need not come from it."
    )
    if hidden:
        text += f" {hidden} touchpoints of fewer journeys are in the table alone."
    return f"{text} {found.chain.order}"


def _table(ends: Ends, size: Mapping[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Touchpoint": ["All journeys" if name == START else name for name in ends],
            "Journeys": [size[name] for name in ends],
            **{
                words_.capitalize() + " (%)": [
                    _interval(rows[end]) if end in rows else None for rows in ends.values()
                ]
                for end, (words_, _kind) in ENDS.items()
            },
        }
    )


def break_offs(audit: Audit) -> Table | Block:
    """Return where journeys break off, come back, and which goals are reached through where."""
    found = audit.structure
    if found is None:
        return words(WITHHELD)
    measured, chain = keyed(audit.evidence.estimates), keyed(found.chain.table)
    names = list(audit.evidence.touchpoints["touchpoint"])
    rows = [
        {
            "Touchpoint": name,
            "Journeys that come by": _cell(chain, name, "visited"),
            "Break off here": _cell(measured, name, "drop_off"),
            "Come back here": _cell(measured, name, "rework"),
            "Steps still to come": _cell(chain, name, "steps_to_end"),
            "Goals reached through here": _cell(chain, name, "removal_effect"),
        }
        for name in sorted(names, key=lambda name: -(_value(measured, name, "drop_off") or 0.0))
    ]
    return table(
        pd.DataFrame(rows),
        "Where journeys break off and turn back",
        note="Break off: of the journeys that come by and are over, those that end here without a "
        "goal. Come back: two visits or more. Goals reached through here: what would be lost if "
        "nobody got past this touchpoint and nobody found another way; any obligatory step has "
        "100 %, whether or not it helps, so it shows what must not fail, not what to praise. What "
        "to do next: take the first rows, where many break off, and read the stories that run "
        "through them.",
    )


def _value(rows: Rows, touchpoint: str, measure: str) -> float | None:
    row = rows.get((touchpoint, measure))
    return None if row is None else as_float(row["value"])


def _cell(rows: Rows, touchpoint: str, measure: str) -> str:
    row = rows.get((touchpoint, measure))
    if row is None:
        return "–"
    if as_float(row["value"]) is None:
        return abstain_text(str(row["abstain"]), "–")
    if row["unit"] == "share":
        return _interval(row | {"share": row["value"]})
    return f"{row['value']:.1f} ({row['lo']:.1f}–{row['hi']:.1f})"


def smaller_map(audit: Audit, kept: float = 0.5) -> Figure | Block:
    """Draw the journey graph with a part of its touchpoints and transitions (.2, .5 or 1)."""
    found = audit.structure
    if found is None:
        return words(WITHHELD)
    roles = audit.config.roles
    drawn = simplified_map(
        found.maps[kept], stage_order=roles.stage_order, channel_order=roles.channel_order
    )
    others = ", ".join(
        f"{percent(share, 0)} of touchpoints and transitions: {percent(one.share, 0)} of journeys"
        for share, one in found.maps.items()
    )
    note = f"{drawn.note} What a smaller map hides, by how much it keeps: {others}."
    return Figure(
        name=drawn.name,
        title=drawn.title,
        alt=drawn.alt,
        svg=drawn.svg,
        table=drawn.table,
        note=note,
    )
