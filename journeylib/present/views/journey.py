"""Views of the journey: the map, feelings, stories, the plan, how journeys end and how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from journeylib.audits import Audit
from journeylib.core import (
    abstain_text,
    duration,
    estimate_text,
    number,
    percent,
    refuse_other,
    signed,
    text,
    working,
)
from journeylib.journeys import Journeys, judged_by_goals, transitions
from journeylib.log import suppress
from journeylib.measures import LISTED
from journeylib.present.blocks import Block, remark
from journeylib.present.charts.experience import experience_chart
from journeylib.present.charts.journey_ends import journey_ends_figure
from journeylib.present.figure import Figure
from journeylib.present.maps.conformance import planned_versus_actual
from journeylib.present.maps.journey_map import Overlay, draw_map
from journeylib.present.maps.layout import MapOptions
from journeylib.present.maps.simplified_map import simplified_map
from journeylib.present.maps.timelines import stories_figure
from journeylib.present.tables import Rows, Table, as_float, interval, keyed, share_interval, table
from journeylib.present.views.scores import judged

FLOW_MEASURES = (
    *("journeys_per_customer", "loop_rate", "open", "repeat_contact", "self_loop_rate"),
    *("steps_per_journey", "throughput_seconds"),
)
TIMES = ("service", "service_business", "wait", "wait_business")
MIN_LINE = 2  # a line needs two points
# A map with more flows than this for each touchpoint is a hairball.
FLOWS_PER_TOUCHPOINT, FEWEST_FLOWS, MOST_FLOWS = 1.5, 12, 36


@working("drawing the map")
def journey_map(subject: Journeys | Audit, *, title: str = "", **options: Any) -> Figure:
    """Draw the journey map of journeys, or of an audit with feelings and verdicts.

    Parameters
    ----------
    subject : Journeys or Audit
    title : str
    **options
        ``share`` (draw the strongest flows until they carry this share of all moves, 0.95),
        ``max_touchpoints`` (60), ``max_flows`` (36); see `MapOptions`.

    Returns
    -------
    Figure
        Shown by a notebook as it is; ``save("map.svg")`` writes it. Cells below the minimum
        number of customers are left out, so the map of a small log may be empty.
    """
    refuse_other(subject, "Journeys", "Audit")
    if isinstance(subject, Journeys):
        nodes, _hidden = suppress(subject.touchpoints, subject.settings.min_customers)
        edges, schema = transitions(subject), subject.log.schema
        overlay = Overlay(journeys=len(subject.outline))
    else:
        nodes, edges = subject.evidence.touchpoints, subject.evidence.transitions
        schema, overlay = subject.config.roles, audit_overlay(subject)
    flows = round(FLOWS_PER_TOUCHPOINT * len(nodes))
    usual = MapOptions(
        stage_order=schema.stage_order,
        channel_order=schema.channel_order,
        max_flows=min(max(flows, FEWEST_FLOWS), MOST_FLOWS),
    )
    return draw_map(nodes, edges, overlay, options=replace(usual, **options), title=title)


def audit_overlay(audit: Audit) -> Overlay:
    """Return what an audit knows of touchpoints, to be drawn on a map."""
    scores = judged(audit)
    return Overlay(
        experience=audit.evidence.experience,
        verdicts=dict(zip(scores["touchpoint"], scores["verdict"], strict=True)),
        leaning=set(scores.loc[scores["leaning"].notna(), "touchpoint"]),
        journeys=audit.evidence.totals["journeys"],
    )


def experience(audit: Audit) -> Figure | Block:
    """Draw how customers feel along the journey."""
    feelings = audit.evidence.experience
    if feelings.empty:
        estimates = audit.evidence.estimates
        negative = estimates.loc[estimates["measure"] == "negative", "abstain"]
        key = "unread" if (negative == "unidentified").any() else "none"
        return remark(text(f"present.experience.{key}", least=percent(LISTED, 0)))
    feelings = feelings.dropna(subset="sentiment")
    if len(feelings) < MIN_LINE:
        only = "".join(
            text("present.experience.only", name=row["touchpoint"], value=signed(row["sentiment"]))
            for row in feelings.to_dict("records")
        )
        return remark(text("present.experience.too_few", only=only))
    return experience_chart(
        audit.evidence.experience,
        audit.evidence.touchpoints,
        stage_order=audit.config.roles.stage_order,
    )


def stories(audit: Audit) -> Figure | Block:
    """Draw the few real journeys of which the many others are variations."""
    result = audit.stories.by_segment.get("")
    if result is None or result.answer == "cannot tell" or not audit.stories.timelines:
        why = f": {result.reason}" if result is not None and result.reason else ""
        return remark(text("present.stories.none", why=why))
    return stories_figure(audit.stories, experience=audit.evidence.experience)


def stories_by_segment(audit: Audit) -> Figure | Block:
    """Draw the stories of each segment apart, where segments are declared."""
    by_segment = audit.stories_by_segment
    if by_segment is None:
        return remark(text("present.stories.no_segments"))
    if not by_segment.timelines:
        return remark(text("present.stories.none_by_segment"))
    return stories_figure(
        by_segment,
        experience=audit.evidence.experience,
        name="stories-by-segment",
        title=text("present.stories.title_by_segment"),
    )


def conformance(audit: Audit) -> Figure | Block:
    """Draw where journeys follow the declared plan, skip, insert and repeat."""
    if audit.conformance is None:
        return remark(text("present.plan.none"))
    return planned_versus_actual(audit.conformance)


def flow(audit: Audit) -> Table:
    """Return the measures of the whole log: loops, repeat contact, throughput, changes of hands."""
    rows = [
        {
            "measure": text(f"measure.{name}") if name in FLOW_MEASURES else name,
            "estimate": estimate_text(value),
            "grade": value.grade if value.value is not None else "",
        }
        for name, value in sorted(audit.evidence.flow.items())
    ]
    changes = [
        _change_of_hands(row) for row in audit.evidence.handoffs.actor_changes.to_dict("records")
    ]
    note = text("present.flow.hands_note") if changes else ""
    return table(rows + changes, text("present.flow.caption"), note=note)


def _change_of_hands(row: dict[Any, Any]) -> dict[str, str]:
    ends = {end: text(f"present.flow.actor.{row[end]}") for end in ("source", "target")}
    count = text("present.flow.hands_count", events=row["events"], journeys=row["journeys"])
    return {"measure": text("present.flow.hands", **ends), "estimate": count, "grade": "C"}


def smaller_map(audit: Audit, kept: float = 0.5) -> Figure | Block:
    """Draw the journey graph with a part of its touchpoints and transitions (.2, .5 or 1)."""
    structure = audit.structure
    if structure is None:
        return remark(text("present.structure.withheld"))
    roles = audit.config.roles
    figure = simplified_map(
        structure.maps[kept], stage_order=roles.stage_order, channel_order=roles.channel_order
    )
    parts = ", ".join(
        text("present.simplified.part", share=percent(share, 0), journeys=percent(one.share, 0))
        for share, one in structure.maps.items()
    )
    return replace(figure, note=f"{figure.note} {text('present.simplified.parts', parts=parts)}")


def journey_ends(audit: Audit) -> Figure | Block:
    """Draw how the journeys that pass through each touchpoint end."""
    structure, settings = audit.structure, audit.config.journeys
    if structure is None:
        return remark(text("present.structure.withheld"))
    if not (settings.every_goal or settings.bad_ends):
        return remark(text("present.ends.undeclared"))
    if structure.ends.empty:
        return remark(text("present.ends.too_few"))
    return journey_ends_figure(structure)


def break_offs(audit: Audit) -> Table | Block:
    """Return where journeys break off, come back, and which goals are reached through where."""
    structure = audit.structure
    if structure is None:
        return remark(text("present.structure.withheld"))
    measured, chain = keyed(audit.evidence.estimates), keyed(structure.chain.table)
    names = list(audit.evidence.touchpoints["touchpoint"])
    sources = {
        "visited": chain,
        "drop_off": measured,
        "rework": measured,
        "steps_to_end": chain,
        "removal_effect": chain,
    }
    rows = [
        {"touchpoint": name}
        | {measure: _cell(source, name, measure) for measure, source in sources.items()}
        for name in sorted(names, key=lambda name: -_value(measured, name, "drop_off"))
    ]
    note = " ".join(filter(None, [text("present.break_offs.note"), _whose_goals(audit.journeys)]))
    return table(rows, text("present.break_offs.caption"), note=note)


def _whose_goals(journeys: Journeys) -> str:
    """Say how many journeys are about a matter that has a goal, where intents have their own."""
    if not journeys.settings.goals_by_intent:
        return ""
    judged = judged_by_goals(journeys.outline, journeys.settings)
    customer, minimum = journeys.outline.customer, journeys.settings.min_customers
    if any(0 < len(np.unique(customer[part])) < minimum for part in (judged, ~judged)):
        return text("present.break_offs.some_judged")
    return text("present.break_offs.judged", judged=int(judged.sum()), n=len(judged))


def _value(rows: Rows, touchpoint: str, measure: str) -> float:
    row = rows.get((touchpoint, measure))
    return (None if row is None else as_float(row["value"])) or 0.0


def _cell(rows: Rows, touchpoint: str, measure: str) -> str:
    row = rows.get((touchpoint, measure))
    if row is None:
        return text("none")
    if as_float(row["value"]) is None:
        return abstain_text(str(row["abstain"]), text("none"))
    if row["unit"] == "share":
        return share_interval(row["value"], row["lo"], row["hi"])
    return interval(row["value"], row["lo"], row["hi"], lambda x: number(x, 1))


def times(audit: Audit) -> Table | Block:
    """Return how long each touchpoint takes and keeps waiting; within business hours, if known."""
    if not audit.journeys.has_clock:
        return remark(text("present.times.no_clock"))
    estimates = audit.evidence.estimates
    measures = [name for name in TIMES if name in set(estimates["measure"])]
    by, names = keyed(estimates), list(audit.evidence.touchpoints["touchpoint"])
    rows = [
        {"touchpoint": name} | {measure: _time(by[name, measure]) for measure in measures}
        for name in names
        if any(as_float(by[name, measure]["value"]) is not None for measure in measures)
    ]
    if not rows:
        return remark(text("present.times.none"))
    notes = [text("present.times.note")]
    if hidden := len(names) - len(rows):
        notes.append(text("present.times.hidden", n=hidden))
    hours = audit.config.journeys.business_hours
    key = "present.times.all_hours" if hours is None else "present.times.business_hours"
    notes.append(text(key, hours="" if hours is None else hours.words))
    return table(rows, text("present.times.caption"), note=" ".join(notes))


def _time(row: dict[Any, Any]) -> str:
    return interval(row["value"], row["lo"], row["hi"], duration)
