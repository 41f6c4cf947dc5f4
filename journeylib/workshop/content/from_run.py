"""Reading: from the bundle of a run to the content of a workshop; no event is touched."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib.core import Catalogue, Estimate, RunError, catalogue_of
from journeylib.journeys import END, START
from journeylib.present import as_float, clean, feeling
from journeylib.workshop.content.content import (
    Content,
    Handed,
    Moment,
    Planned,
    Segment,
    Stage,
    Step,
    Story,
    Touchpoint,
)
from journeylib.workshop.content.first_automations import read_first
from journeylib.workshop.content.sentences import estimate_of, findings, reasons
from journeylib.workshop.notes.import_notes import kept_notes

TABLES = (
    "touchpoints", "transitions", "experience", "indicators", "handoff_touchpoints", "stages",
    "segments",
)  # fmt: skip
MOST_SEGMENTS = 3
MOST_MOVES = 2
ALL = ""

Tables = Mapping[str, pd.DataFrame]
Document = Mapping[str, Any]


def read_content(run: str | Path, *, language: str = "en") -> Content:
    """Read what a workshop needs from the directory of a run, and the notes kept beside it.

    Parameters
    ----------
    run : str or Path
        A run directory: `audit.json`, the manifest and the tables.
    language : str
        A language of `words.languages`.

    Returns
    -------
    Content

    Raises
    ------
    RunError
        If the directory is no complete run.
    ConfigError
        If there are no texts in the language.
    """
    words = catalogue_of(language).unbroken
    folder = Path(run)
    try:
        document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(folder / "tables" / f"{name}.parquet") for name in TABLES}
    except (OSError, json.JSONDecodeError) as error:
        raise RunError(
            f"{folder} is no complete run ({type(error).__name__}). Make one with: journeylib "
            "audit CONFIG"
        ) from None
    content = build_content(document, manifest["config"], tables, words)
    return replace(content, notes=kept_notes(folder))


def build_content(
    document: Document, settings: Mapping[str, Any], tables: Tables, words: Catalogue
) -> Content:
    """Return the content of a workshop from the parts of a bundle."""
    log, run = document["log"], document["audit"]
    roles = settings["roles"]
    points = _points(document, tables, words)
    stages = _stages(points, tables, tuple(roles["stage_order"]), log["journeys"])
    by_name = {point.name: point for point in points.values()}
    return Content(
        words=words,
        title=run["title"],
        run_id=run["run_id"],
        kicker=_kicker(log, run["period"], words),
        source=words.text(
            "source", run=run["run_id"], minimum=settings["journeys"]["min_customers"]
        ),
        journeys=log["journeys"],
        customers=log["customers"],
        min_customers=settings["journeys"]["min_customers"],
        stages=stages,
        points=tables["touchpoints"],
        moves=tables["transitions"],
        stage_order=tuple(roles["stage_order"]),
        channel_order=tuple(roles["channel_order"]),
        findings=findings(words, document, settings),
        moments=_moments(document, by_name),
        tested=len(document["moments_of_truth"]),
        wait=estimate_of(document["handoffs"]["wait_seconds"]),
        honoured=estimate_of(document["handoffs"]["requests_honoured"]),
        stories=_stories(document),
        stories_note=_stories_note(document["stories"], words),
        segments=_segments(tables),
        plan=_plan(document["plan"]),
        first=read_first(document["portfolio"], by_name, words),
    )


def _kicker(log: Mapping[str, Any], period: list[str] | None, words: Catalogue) -> str:
    sizes = {name: log[name] for name in ("customers", "journeys", "events")}
    if period is None:
        return words.text("undated", **sizes)
    first, last = (words.day(dt.date.fromisoformat(day)) for day in period)
    return words.text("kicker", **sizes, first=first, last=last)


def _word(value: object) -> str:
    return "" if value is None or pd.isna(value) else clean(value)  # type: ignore[call-overload]


def _points(document: Document, tables: Tables, words: Catalogue) -> dict[str, Touchpoint]:
    felt = {row["touchpoint"]: row for row in tables["experience"].to_dict("records")}
    handed = {row["touchpoint"]: row for row in tables["handoff_touchpoints"].to_dict("records")}
    serves = dict(
        zip(tables["touchpoints"]["touchpoint"], tables["touchpoints"]["served_by"], strict=True)
    )
    judged = dict(list(tables["indicators"].groupby("touchpoint")))
    dead = set(document["handoffs"]["dead_ends"])
    total = document["log"]["journeys"]
    points = {}
    for entry in document["touchpoints"]:
        name = entry["touchpoint"]
        machine, person, lacks = reasons(words, judged.get(name, tables["indicators"].head(0)))
        mood = _feeling(felt.get(name))
        points[name] = Touchpoint(
            name=clean(name),
            stage=_word(entry["stage"]),
            channel=_word(entry["channel"]),
            customers=entry["customers"],
            journeys=entry["journeys"],
            reach=entry["journeys"] / total if total else 0.0,
            serves=_word(serves.get(name)) or "unknown",
            feeling=mood,
            mark=0 if mood is None else feeling(mood.value, mood.lo, mood.hi),
            verdict=entry["verdict"],
            leaning=entry["leaning"],
            stability=entry["verdict_stability"],
            fit=estimate_of(entry["automation_fit"]),
            need=estimate_of(entry["empathy_need"]),
            vetoes=tuple(entry["vetoes"]),
            machine=machine,
            person=person,
            lacks=lacks,
            handed=_handed(handed.get(name)),
            dead_end=name in dead,
        )
    return points


def _feeling(row: Mapping[Any, Any] | None, n: str = "n_customers") -> Estimate | None:
    if row is None or (value := as_float(row["sentiment"])) is None:
        return None
    lo, hi = as_float(row["lo"]), as_float(row["hi"])
    return Estimate(value, "feeling", lo=lo, hi=hi, n_customers=int(row[n]))


def _handed(row: Mapping[Any, Any] | None) -> Handed | None:
    if row is None:
        return None
    value = as_float(row["verified"])
    verified = (
        Estimate.none("n_small", "share")
        if value is None
        else Estimate(
            value,
            "share",
            lo=as_float(row["verified_lo"]),
            hi=as_float(row["verified_hi"]),
            n_customers=int(row["customers"]),
        )
    )
    return Handed(int(row["sessions"]), int(row["handed_over"]), int(row["abandoned"]), verified)


def _stages(
    points: Mapping[str, Touchpoint], tables: Tables, order: tuple[str, ...], journeys: int
) -> tuple[Stage, ...]:
    position = dict(
        zip(
            tables["touchpoints"]["touchpoint"],
            tables["touchpoints"]["median_position"].astype(float),
            strict=True,
        )
    )
    rank = {clean(name): i for i, name in enumerate(order)}
    first: dict[str, float] = {}
    for name, point in points.items():
        first[point.stage] = min(first.get(point.stage, 1.0), position[name])
    heads = sorted(first, key=lambda s: (s == "", rank.get(s, len(rank)), first[s], s))
    counts = {
        clean(row["stage"]): row
        for row in tables["stages"].to_dict("records")
        if row["segment"] == ALL and row["stage"] != ALL
    }
    moves = _moves(points, tables["transitions"])
    stages = []
    for head in heads:
        row = counts.get(head)
        members = [name for name, point in points.items() if point.stage == head]
        stages.append(
            Stage(
                name=head,
                customers=None if row is None else int(row["customers"]),
                journeys=None if row is None else int(row["journeys"]),
                reach=None if row is None or not journeys else int(row["journeys"]) / journeys,
                touchpoints=tuple(
                    points[name] for name in sorted(members, key=lambda n: (position[n], n))
                ),
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


def _moments(document: Document, points: Mapping[str, Touchpoint]) -> tuple[Moment, ...]:
    found = [
        Moment(
            points[clean(row["touchpoint"])],
            row["outcome"],
            estimate_of(row["effect"]),
            estimate_of(row["impact"]),
        )
        for row in document["moments_of_truth"]
        if row["is_moment"] and clean(row["touchpoint"]) in points
    ]
    return tuple(
        sorted(found, key=lambda m: (-abs(m.effect.value or 0), m.touchpoint.name, m.outcome))
    )


def _stories(document: Document) -> tuple[Story, ...]:
    return tuple(
        Story(
            steps=tuple(
                Step(clean(row["touchpoint"]), _word(row["channel"]), row["seconds_to_next"])
                for row in entry["steps"]
            ),
            journeys=entry["journeys"],
            customers=entry["customers"],
            share=entry["share"],
            ends=tuple((row["end"], row["share"]) for row in entry["ends"]),
        )
        for entry in document["stories"]["stories"]
    )


def _stories_note(found: Mapping[str, Any], words: Catalogue) -> str:
    if found["answer"] != "found":
        return words.text("story.none", reason=words.text("abstain.any"))
    return words.text("story.coverage", share=words.percent(found["coverage"], 0))


def _segments(tables: Tables) -> tuple[Segment, ...]:
    stages = tables["stages"]
    named = stages[stages["segment"] != ALL]
    totals = named[named["stage"] == ALL].sort_values(
        ["customers", "segment"], ascending=[False, True]
    )
    found = []
    for row in totals.head(MOST_SEGMENTS).to_dict("records"):
        own = named[(named["segment"] == row["segment"]) & (named["stage"] != ALL)]
        felt = tables["segments"]
        felt = felt[felt["segment"] == row["segment"]]
        moods = {
            clean(one["touchpoint"]): _feeling(one, "customers") for one in felt.to_dict("records")
        }
        found.append(
            Segment(
                name=clean(row["segment"]),
                customers=int(row["customers"]),
                journeys=int(row["journeys"]),
                stages={
                    clean(one["stage"]): (one["journeys"] / row["journeys"], int(one["customers"]))
                    for one in own.to_dict("records")
                },
                feelings={name: mood for name, mood in moods.items() if mood is not None},
            )
        )
    return tuple(found)


def _plan(entry: Mapping[str, Any] | None) -> Planned | None:
    if entry is None:
        return None
    return Planned(
        journeys=entry["journeys"],
        conforming=estimate_of(entry["conforming"]),
        steps=tuple(clean(name) for name in entry["planned"]),
        shares={(clean(row["touchpoint"]), row["kind"]): row["share"] for row in entry["steps"]},
        never_seen=tuple(entry["never_seen"]),
    )
