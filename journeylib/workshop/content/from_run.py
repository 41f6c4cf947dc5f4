"""Reading: from the bundle of a run to the content of a workshop; no event is touched."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib.audits import DocumentPart, read_document
from journeylib.core import Catalogue, Estimate, LogError, catalogue_of
from journeylib.journeys import END, START
from journeylib.present import as_float, clean, feeling
from journeylib.workshop.content.content import (
    BotSessions,
    Content,
    Decision,
    FirstScreen,
    Moment,
    PlannedJourney,
    Segment,
    Stage,
    Touchpoint,
)
from journeylib.workshop.content.first_automations import read_first_automations
from journeylib.workshop.content.sentences import at_least, estimate_of, reasons
from journeylib.workshop.notes.import_notes import kept_notes

TABLES = (
    "touchpoints", "transitions", "experience", "indicators", "handoff_touchpoints", "stages",
    "segments",
)  # fmt: skip
MOST_SEGMENTS = 3
MOST_MOVES = 2
ALL = ""
SECTION = "workshop."  # of the catalogue

Tables = Mapping[str, pd.DataFrame]


def words_of(language: str) -> Catalogue:
    """Return the texts of a language; those of the workshop by the names in their section.

    Number and unit stay on one line: they stand in large type and narrow boxes.

    Raises
    ------
    ConfigError
        If there are no texts in the language.
    """
    catalogue = catalogue_of(language).unbroken
    own = {
        key.removeprefix(SECTION): text
        for key, text in catalogue.texts.items()
        if key.startswith(SECTION)
    }
    own["with_n"] = "{value}, " + catalogue.texts["n"]
    return replace(catalogue, texts={**catalogue.texts, **own})


def read_content(run: str | Path, *, language: str = "en") -> Content:
    """Read what a workshop needs from the directory of a run, and the notes kept beside it.

    Parameters
    ----------
    run : str or Path
        A run directory: `audit.json`, the manifest and the tables.
    language : str
        A language of `core.languages`.

    Raises
    ------
    LogError
        If the directory is no complete run.
    ConfigError
        If there are no texts in the language.
    """
    words = words_of(language)
    folder = Path(run)
    try:
        text = (folder / "audit.json").read_text(encoding="utf-8")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(folder / "tables" / f"{name}.parquet") for name in TABLES}
        document = read_document(text)
    except (OSError, ValueError) as error:
        raise LogError(
            f"{folder} is no complete run of this version ({type(error).__name__}). Make one with: "
            "journeylib audit CONFIG"
        ) from None
    content = build_content(document, manifest["config"], tables, words)
    return replace(content, notes=kept_notes(folder))


def build_content(
    document: DocumentPart, settings: Mapping[str, Any], tables: Tables, words: Catalogue
) -> Content:
    """Return the content of a workshop from the parts of a bundle."""
    log, run, roles = document.log, document.audit, settings["roles"]
    minimum = settings["journeys"]["min_customers"]
    points = _points(document, tables, words)
    by_name = {point.name: point for point in points.values()}
    return Content(
        words=words,
        name=run.name,
        title=run.title,
        run_id=run.run_id,
        kicker=_kicker(document, words),
        source=words.text("source", run=run.run_id, minimum=minimum),
        min_customers=minimum,
        stages=_stages(points, tables, tuple(roles["stage_order"]), log.journeys),
        points=tables["touchpoints"],
        moves=tables["transitions"],
        stage_order=tuple(roles["stage_order"]),
        channel_order=tuple(roles["channel_order"]),
        first_screen=_first_screen(document, words),
        moments=_moments(document, by_name),
        wait=estimate_of(document.handoffs.wait_seconds),
        honoured=estimate_of(document.handoffs.requests_honoured),
        stories=document.stories.stories,
        stories_note=_stories_note(document, words),
        segments=_segments(tables),
        plan=_plan(document),
        first_automations=read_first_automations(document.portfolio, by_name, words),
    )


def _first_screen(document: DocumentPart, words: Catalogue) -> FirstScreen:
    """Return the decisions as the document tells them in the language of the workshop."""
    run = document.decisions
    translation = next((one for one in run.translations if one.language == words.language), run)
    decisions = tuple(
        Decision(
            kind=item.kind,
            touchpoints=tuple(map(clean, item.touchpoints)),
            title=clean(one.title),
            reason=clean(one.reason),
            base=words.text("present.now.base", grade=item.grade, n=item.customers),
        )
        for item, one in zip(run["items"], translation["items"], strict=True)
    )
    return FirstScreen(
        headline=clean(translation.headline),
        detail=clean(translation.detail),
        decisions=decisions,
        trials=tuple(map(clean, translation.trials)),
        trust=tuple(map(clean, translation.trust)),
    )


def _kicker(document: DocumentPart, words: Catalogue) -> str:
    log, period = document.log, document.audit.period
    sizes = {"customers": log.customers, "journeys": log.journeys, "events": log.events}
    if period is None:
        return words.text("undated", **sizes)
    first, last = (words.day(dt.date.fromisoformat(day)) for day in period)
    return words.text("kicker", **sizes, first=first, last=last)


def _by_touchpoint(table: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    return {row["touchpoint"]: row for row in table.to_dict("records")}


def _points(document: DocumentPart, tables: Tables, words: Catalogue) -> dict[str, Touchpoint]:
    feelings = _by_touchpoint(tables["experience"])
    sessions = _by_touchpoint(tables["handoff_touchpoints"])
    visits = _by_touchpoint(tables["touchpoints"])
    indicators = dict(list(tables["indicators"].groupby("touchpoint")))
    total = document.log.journeys
    points = {}
    for entry in document.touchpoints:
        name = entry.touchpoint
        machine, person, lacks = reasons(words, indicators.get(name, tables["indicators"].head(0)))
        mood = _feeling(feelings.get(name, {}))
        points[name] = Touchpoint(
            name=clean(name),
            stage=clean(entry.stage or ""),
            channel=clean(entry.channel or ""),
            customers=entry.customers,
            reach=entry.journeys / total if total else 0.0,
            serves=str(visits.get(name, {}).get("served_by") or "unknown"),
            feeling=mood,
            mark=0 if mood is None else feeling(mood.value, mood.lo, mood.hi),
            verdict=entry.verdict,
            leaning=entry.leaning,
            stability=entry.verdict_stability,
            vetoes=entry.vetoes,
            machine=machine,
            person=person,
            lacks=lacks,
            bot_sessions=_bot_sessions(sessions.get(name)),
            dead_end=name in document.handoffs.dead_ends,
        )
    return points


def _feeling(row: Mapping[Any, Any], n: str = "n_customers") -> Estimate | None:
    if (value := as_float(row.get("sentiment"))) is None:
        return None
    lo, hi = as_float(row["lo"]), as_float(row["hi"])
    return Estimate(value, "feeling", lo=lo, hi=hi, n_customers=int(row[n]))


def _bot_sessions(row: Mapping[Any, Any] | None) -> BotSessions | None:
    if row is None:
        return None
    handed_over, left = (
        None if pd.isna(row[end]) else int(row[end]) for end in ("handed_over", "abandoned")
    )
    return BotSessions(int(row["sessions"]), handed_over, left, frozenset(row["at_least"].split()))


def _stages(
    points: Mapping[str, Touchpoint], tables: Tables, order: tuple[str, ...], journeys: int
) -> tuple[Stage, ...]:
    visits = tables["touchpoints"].set_index("touchpoint")
    position = visits["median_position"].astype(float).to_dict()
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(points, key=lambda n: (position[n], n)):
        members[points[name].stage].append(name)
    rank = {clean(name): i for i, name in enumerate(order)}
    heads = sorted(
        members, key=lambda s: (s == "", rank.get(s, len(rank)), position[members[s][0]], s)
    )
    counts = {
        clean(row["stage"]): row
        for row in tables["stages"].to_dict("records")
        if row["segment"] == ALL and row["stage"] != ALL
    }
    moves = _moves(points, tables["transitions"])
    stages = []
    for head in heads:
        row = counts.get(head)
        stages.append(
            Stage(
                name=head,
                customers=None if row is None else int(row["customers"]),
                reach=None if row is None or not journeys else int(row["journeys"]) / journeys,
                touchpoints=tuple(points[name] for name in members[head]),
                moves=moves.get(head, ()),
            )
        )
    return tuple(stages)


def _moves(
    points: Mapping[str, Touchpoint], transitions: pd.DataFrame
) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return where journeys go when they leave each stage: the strongest ways, as shares."""
    counts: dict[str, dict[str, int]] = {}
    for row in transitions.to_dict("records"):
        source, target = points.get(row["source"]), points.get(row["target"])
        if source is None or row["source"] == START or (target is None and row["target"] != END):
            continue
        where = "" if target is None else target.stage
        if target is not None and where == source.stage:
            continue
        ways = counts.setdefault(source.stage, {})
        ways[where] = ways.get(where, 0) + int(row["events"])
    return {
        stage: tuple(
            (where, n / sum(ways.values()))
            for where, n in sorted(ways.items(), key=lambda way: (-way[1], way[0]))[:MOST_MOVES]
        )
        for stage, ways in counts.items()
    }


def _moments(document: DocumentPart, points: Mapping[str, Touchpoint]) -> tuple[Moment, ...]:
    moments = [
        Moment(points[clean(row.touchpoint)], row.outcome, estimate_of(row.effect),
               estimate_of(row.impact))
        for row in document.moments_of_truth
        if row.is_moment and clean(row.touchpoint) in points
    ]  # fmt: skip
    return tuple(
        sorted(moments, key=lambda m: (-abs(m.effect.value or 0), m.touchpoint.name, m.outcome))
    )


def _stories_note(document: DocumentPart, words: Catalogue) -> str:
    if document.stories.answer != "found":
        return words.text("story.none", reason=words.text("abstain.any"))
    is_bound = any(story.at_least for story in document.stories.stories)
    share = at_least(words, words.percent(document.stories.coverage, 0), is_bound)
    return words.text("story.coverage", share=share)


def _segments(tables: Tables) -> tuple[Segment, ...]:
    stages = tables["stages"]
    named = stages[stages["segment"] != ALL]
    totals = named[named["stage"] == ALL].sort_values(
        ["customers", "segment"], ascending=[False, True]
    )
    segments = []
    for row in totals.head(MOST_SEGMENTS).to_dict("records"):
        own = named[(named["segment"] == row["segment"]) & (named["stage"] != ALL)]
        felt = tables["segments"]
        felt = felt[felt["segment"] == row["segment"]]
        moods = {
            clean(one["touchpoint"]): _feeling(one, "customers") for one in felt.to_dict("records")
        }
        segments.append(
            Segment(
                name=clean(row["segment"]),
                customers=int(row["customers"]),
                stages={
                    clean(one["stage"]): (one["journeys"] / row["journeys"], int(one["customers"]))
                    for one in own.to_dict("records")
                },
                feelings={name: mood for name, mood in moods.items() if mood is not None},
            )
        )
    return tuple(segments)


def _plan(document: DocumentPart) -> PlannedJourney | None:
    plan = document.plan
    if plan is None:
        return None
    return PlannedJourney(
        journeys=plan.journeys,
        conforming=estimate_of(plan.conforming),
        steps=tuple(map(clean, plan.planned)),
        shares={(clean(row["touchpoint"]), row["kind"]): row["share"] for row in plan.steps},
    )
