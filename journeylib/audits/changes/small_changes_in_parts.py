"""Small changes of what is no table of its own: hand-offs, stories, the plan.

What the run before said of them is read from its document; see `small_changes` for the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from journeylib.audits.changes.small_changes import (
    Before,
    changes_by_few,
    kept_estimates,
    kept_rows,
)
from journeylib.journeys import Conformance, Stories, Story, StoryTimelines, Timeline
from journeylib.log import shows
from journeylib.measures import STATES, Handoffs, public_waterfall

WHOLE = ""  # the stories of all customers, which are of no segment
Row = Mapping[Any, Any]


def kept_handoffs(handoffs: Handoffs, before: Before | None) -> Handoffs:
    """Keep the numbers of bot sessions and hand-offs that few customers changed."""
    if before is None or handoffs.abstain or before.entry.document["handoffs"]["abstain"]:
        return handoffs
    old = before.entry.document["handoffs"]
    rows = kept_rows(
        handoffs.by_touchpoint, "handoff_touchpoints", ["touchpoint"], before, lines=[""]
    )
    # At least so many came to a bot since: all those who came to its most visited touchpoint.
    visitors = max((before.visitors.get(str(name), 0) for name in rows["touchpoint"]), default=0)
    of_bots = replace(before, visitors={**before.visitors, WHOLE: visitors})
    published = {**old, **old["further"], "wait": old["wait_seconds"]}
    estimates = handoffs.estimates()
    earlier = {name: published[name] for name in estimates if name in published}
    pairs = ["source", "target"]
    changed: dict[str, Any] = kept_estimates(estimates, earlier, of_bots)
    changed |= _session_ends(handoffs, old, of_bots) | _requests(handoffs, old, of_bots)
    return replace(
        handoffs,
        **changed,
        waterfall=_waterfall(handoffs.waterfall, old["waterfall"], of_bots),
        curve=_curve(handoffs.curve, of_bots),
        actor_changes=kept_rows(
            handoffs.actor_changes, pd.DataFrame(old["actor_changes"]), pairs, before, lines=[""]
        ),
        dead_ends=tuple(old["dead_ends"]) if before.few else handoffs.dead_ends,
        by_touchpoint=rows,
    )


def _session_ends(handoffs: Handoffs, old: Row, before: Before) -> dict[str, Any]:
    """Return the numbers of bot sessions by how they ended: all of this run, or all of the last."""
    now = {
        name: getattr(handoffs, name) if name in handoffs.ends_shown else None for name in STATES
    }
    counts = ("sessions", *STATES)
    last = {name: old[name] for name in counts}
    if not changes_by_few({"sessions": handoffs.sessions, **now}, last, before):
        return {}
    shown = {name: old[name] for name in STATES if old[name] is not None}
    hidden = [name for name in STATES if name not in shown]
    # What is hidden is shown nowhere; it only has to add up.
    rest = dict.fromkeys(hidden, 0)
    if hidden:
        rest[hidden[0]] = old["sessions"] - sum(shown.values())
    return {"sessions": old["sessions"], "ends_shown": frozenset(shown), **shown, **rest}


def _requests(handoffs: Handoffs, old: Row, before: Before) -> dict[str, int]:
    now = handoffs.requests if shows(handoffs.requests, before.minimum) else None
    if old["requests"] is None or not changes_by_few(
        {"cases": now}, {"cases": old["requests"]}, before
    ):
        return {}
    return {"requests": old["requests"]}


def _waterfall(steps: pd.DataFrame, old: Sequence[Row], before: Before) -> pd.DataFrame:
    """Return the waterfall of this run, or that of the last as a whole: its steps add up."""
    if not old:
        return steps.head(0) if before.few else steps
    earlier = pd.DataFrame(old).astype(steps.dtypes.to_dict())
    now = public_waterfall(steps, before.minimum)
    same = list(now["step"]) == list(earlier["step"])
    whole = kept_rows(now, earlier, ["step"], before, lines=[WHOLE])
    return steps if same and whole.equals(now) else earlier


def _curve(curve: pd.DataFrame, before: Before) -> pd.DataFrame:
    """Return containment by window: each window of this run, or of the last."""
    return kept_rows(curve, "containment_curve", ["days"], before)


def kept_stories(stories: StoryTimelines | None, before: Before | None) -> StoryTimelines | None:
    """Keep the stories that few customers changed, of all customers or of each segment."""
    if stories is None or before is None:
        return stories
    document = before.entry.document["stories"]
    earlier = {WHOLE: document} | {one["segment"]: one for one in document["segments"]}
    lines, by_segment = [], dict(stories.by_segment)
    for segment, candidates in stories.by_segment.items():
        mine = [line for line in stories.timelines if line.segment == segment]
        last = earlier.get(segment)
        if last is None:
            lines += mine
            continue
        lines += _kept_lines(mine, last["stories"], before)
        # Where the log cannot tell, the document holds candidates without a timeline.
        candidates = _kept_candidates(candidates, last["stories"], before)
        near, near_before = (
            {"journeys": round(share * candidates.journeys)}
            for share in (candidates.coverage, last["coverage"])
        )
        if changes_by_few(near, near_before, before):
            candidates = replace(candidates, coverage=last["coverage"])
        if before.few and segment == WHOLE:
            candidates = replace(candidates, journeys=before.entry.document["log"]["journeys"])
        by_segment[segment] = candidates
    return replace(stories, timelines=tuple(lines), by_segment=by_segment)


def _kept_candidates(candidates: Stories, earlier: Sequence[Row], before: Before) -> Stories:
    old = {tuple(story["touchpoints"]): story for story in earlier}
    stories = []
    for story in candidates.stories:
        last = old.get(tuple(story.touchpoints))
        if last is None and before.few:
            continue
        if last and changes_by_few(_counts(story, story.journeys), _stored(last), before):
            names = ("journeys", "copies", "customers", "share", "at_least")
            counts = {name: last[name] for name in names}
            story = replace(story, **counts)
        stories.append(story)
    return replace(candidates, stories=tuple(stories))


def _counts(story: Story, journeys: int) -> Row:
    """Return the counts of a story."""
    return {"journeys": journeys, "cases": story.copies, "customers": story.customers}


def _stored(story: Row) -> Row:
    """Return the counts of a story of the document."""
    return {name: story[name] for name in ("journeys", "customers")} | {"cases": story["copies"]}


def _kept_lines(
    lines: Sequence[Timeline], earlier: Sequence[Row], before: Before
) -> list[Timeline]:
    old = {tuple(story["touchpoints"]): story for story in earlier}
    result = []
    for line in lines:
        last = old.get(tuple(line.story.touchpoints))
        if last is None and before.few:
            continue
        stays = last is not None and _rests_on_few(line, last, before)
        result.append(line if last is None or not stays else _line_before(line, last))
    return sorted(result, key=lambda line: (-line.journeys, line.story.touchpoints))


def _rests_on_few(line: Timeline, old: Row, before: Before) -> bool:
    if changes_by_few(_counts(line.story, line.journeys), _stored(old), before):
        return True
    ends = {row["end"]: row for row in old["ends"]}
    now = {row["end"]: row for row in line.outcomes.to_dict("records")}
    names = ("journeys", "customers")
    return set(ends) != set(now) or any(
        now[end][names[0]] != ends[end][names[0]]
        and changes_by_few(
            {name: now[end][name] for name in names}, {name: ends[end][name] for name in names},
            before,
        )
        for end in ends
    )  # fmt: skip


def _line_before(line: Timeline, old: Row) -> Timeline:
    """Return a story with the counts, waits and ends that the document before held."""
    waits = [step["seconds_to_next"] for step in old["steps"]]
    steps = line.steps
    if len(waits) == len(steps):
        steps = steps.assign(
            seconds_to_next=pd.array(waits, dtype="Float64").to_numpy(
                "float64", na_value=float("nan")
            )
        )
    counts = {name: old[name] for name in ("copies", "customers", "at_least")}
    return replace(
        line,
        story=replace(line.story, **counts),
        steps=steps,
        journeys=old["journeys"],
        share=old["share"],
        outcomes=pd.DataFrame(old["ends"], columns=list(line.outcomes)),
    )


def kept_plan(plan: Conformance | None, before: Before | None) -> Conformance | None:
    """Keep the cells of the plan that few customers changed."""
    old = None if before is None else before.entry.document["plan"]
    if plan is None or before is None or old is None:
        return plan
    tables = {
        "steps": (["touchpoint", "kind", "place"], ()),
        "insertions": (["after", "touchpoint", "kind"], ()),
        "outcomes": (["conforming", "end"], ("conforming",)),
    }
    changed: dict[str, Any] = {
        name: kept_rows(getattr(plan, name), pd.DataFrame(old[name]), key, before, lines=lines)
        for name, (key, lines) in tables.items()
    }
    counts = ("journeys", "customers")
    if changes_by_few({name: getattr(plan, name) for name in counts}, old, before):
        changed |= {name: old[name] for name in counts}
    if changes_by_few({"cases": plan.open_journeys}, {"cases": old["open_journeys"]}, before):
        changed["open_journeys"] = old["open_journeys"]
    estimates = {"conforming": plan.conforming, "fitness": plan.fitness}
    changed |= kept_estimates(estimates, {name: old[name] for name in estimates}, before)
    return replace(plan, **changed)
