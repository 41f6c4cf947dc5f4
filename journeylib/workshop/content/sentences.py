"""Sentences: findings, effects and reasons of an audit, said in the language of the workshop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from journeylib.audits import DocumentPart
from journeylib.core import Catalogue, Estimate
from journeylib.present import VERDICTS
from journeylib.workshop.content.content import Finding, Touchpoint

SPEAKS = 0.1  # an indicator this far from the middle of its scale speaks for one side
REASONS = 3


def estimate_of(entry: Mapping[str, Any] | None) -> Estimate:
    """Return an estimate of `audit.json` as the value it was written from."""
    if entry is None:
        return Estimate.none("no_column", "")
    names = ("value", "unit", "lo", "hi", "n_customers", "n_journeys", "grade", "abstain")
    return Estimate(**{name: entry[name] for name in names})


def figures(words: Catalogue, name: str, estimate: Estimate) -> dict[str, str]:
    """Return an estimate by its name, and its n apart: a sentence says it at its end.

    A unit such as EUR/week loses what it is counted by: the sentence says that too.
    """
    unit = estimate.unit.partition("/")[0]
    n = words.text("n", n=estimate.n_customers or estimate.n_journeys)
    return {name: words.estimate(replace(estimate, unit=unit), base=False), "n": n}


def reasons(
    words: Catalogue, indicators: pd.DataFrame
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return what speaks for a machine, for a person, and what is missing, strongest first.

    `indicators` are those of one touchpoint. One speaks for a machine where it raises automation
    fit or lowers empathy need.
    """
    sides: dict[str, list[tuple[float, str]]] = {"machine": [], "person": []}
    lacks: list[tuple[float, str]] = []
    for row in indicators.to_dict("records"):
        name, weight = str(row["indicator"]), float(row["weight"])
        if not pd.isna(row["missing"]):
            if row["missing"] != "privacy":
                lacks.append((-weight, words.text(f"indicator.{name}")))
            continue
        lean = float(row["score"]) - 0.5
        if abs(lean) < SPEAKS:
            continue
        for_machine = (lean > 0) == (row["axis"] == "automation_fit")
        side = "machine" if for_machine else "person"
        reason = words.text(f"{side}.{name}", x=_figure(words, row["raw"], row["unit"]))
        for nothing in (words.percent(0, 0), words.text("under", x="")):
            # Nothing, or next to it, is not "only" so much.
            reason = reason.replace(f"{words.text('only')} {nothing}", nothing)
        n = words.text("n", n=int(row["n_customers"]))
        sides[side].append((-weight * abs(lean), f"{reason}, {n}"))
    machine, person, missing = (
        tuple(text for _, text in sorted(texts)[:REASONS])
        for texts in (sides["machine"], sides["person"], lacks)
    )
    return machine, person, missing


def _figure(words: Catalogue, value: float, unit: str) -> str:
    if unit == "share":
        return words.percent(value, 0 if abs(value) >= 0.1 else 1)
    return words.number(value, 0 if abs(value) >= 10 else 2)


def effect_text(words: Catalogue, outcome: str, effect: Estimate, *, short: bool = False) -> str:
    """Return what a good visit goes with, against a bad one."""
    kind = words.label("outcome", outcome)
    value, lo, hi = effect.value or 0.0, effect.lo, effect.hi
    if effect.unit != "share":
        figures = [words.signed(x, 1) if x is not None else "–" for x in (value, lo, hi)]
        if short:
            return f"{kind} {figures[0]}"
        return words.text(
            "effect.value", outcome=kind, value=figures[0], lo=figures[1], hi=figures[2]
        )
    if short:
        return words.text("effect.short", points=words.signed(100 * value, 0), outcome=kind)
    ends = sorted(abs(100 * (end if end is not None else value)) for end in (lo, hi))
    if (lo is not None and lo < 0) != (hi is not None and hi < 0):
        ends = [100 * (lo or 0.0), 100 * (hi or 0.0)]
    return words.text(
        "effect.fewer" if value < 0 else "effect.rise",
        points=words.number(abs(100 * value), 0),
        outcome=kind,
        lo=words.number(ends[0], 0),
        hi=words.number(ends[1], 0),
    )


def serves_text(words: Catalogue, point: Touchpoint) -> str:
    """Return who serves at a touchpoint."""
    return words.text(f"serves.{point.serves}")


def verdict_glyph(point: Touchpoint) -> str:
    """Return the character of the verdict, or the outline of what it leans to."""
    verdict = VERDICTS[point.shown_verdict]
    return verdict.outline if point.is_leaning else verdict.glyph


def verdict_text(words: Catalogue, point: Touchpoint) -> str:
    """Return the verdict, or what it leans to."""
    verdict = words.text(f"verdict.{point.shown_verdict}")
    return words.text("verdict.leaning", verdict=verdict) if point.is_leaning else verdict


def findings(words: Catalogue, document: DocumentPart, minutes: float) -> tuple[Finding, ...]:
    """Return the findings of an audit in words; checks of the log are counted in one sentence.

    `minutes` are those within which a person must come who was asked for.
    """
    sentences = []
    quality = 0
    for entry in document.findings:
        if entry.kind == "quality":
            quality += 1
        elif text := _sentence(words, entry, document, minutes):
            sentences.append(Finding(entry.id, entry.severity, text))
    if quality:
        sentences.append(Finding("quality", "low", words.text("finding.quality", n=quality)))
    return tuple(sentences)


def _sentence(words: Catalogue, entry: DocumentPart, document: DocumentPart, minutes: float) -> str:
    """Return what a workshop says of a finding; empty where it says nothing."""
    name, key, evidence = entry.id, f"finding.{entry.id}", entry.evidence
    if entry.kind == "gate":
        return _gate(words, entry)
    if name.startswith("verdict-") or name in ("dead-ends", "points-of-no-return"):
        return words.text(key, names=words.names(evidence["touchpoints"]))
    if name.startswith("paradox-"):
        paradox = name.removeprefix("paradox-").replace("-", "_")
        return words.text("finding.paradox", name=words.label("paradox", paradox))
    if name.startswith("survey-"):
        return _survey(words, name, document)
    values: dict[str, Callable[[], str]] = {
        "containment": lambda: _containment(words, entry),
        "moments": lambda: _moments(words, entry),
        "tipping-point": lambda: _tipping_point(words, document),
        "handoff-time": lambda: _handoff_time(words, document),
        "disclosure": lambda: words.text(
            key, **figures(words, "never", estimate_of(evidence["never"]))
        ),
        "requests-honoured": lambda: words.text(
            key,
            minutes=words.number(minutes, 0),
            **figures(words, "honoured", estimate_of(evidence)),
        ),
        "handoff-worst": lambda: words.text(key, n=len(evidence["items"])),
        "first-automations": lambda: _first_automations(words, entry),
        "remembered": lambda: words.text(
            key, part=words.text(f"finding.remembered.{evidence['part']}")
        ),
        "service-types": lambda: _service_types(words, entry),
        "service-types-bots": lambda: _service_types(words, entry),
        # Where no verdict changes there is nothing for a room to argue about.
        "choices": lambda: "" if entry.severity == "info" else words.text(key),
    }
    return values.get(name, lambda: words.texts.get(key, ""))()


def _gate(words: Catalogue, entry: DocumentPart) -> str:
    if entry.verdict != "fail":
        return ""
    value = words.number(entry.evidence.get("value"), 2)
    return words.text("finding.gate", gate=entry.id.removeprefix("gate-"), value=value)


def _service_types(words: Catalogue, entry: DocumentPart) -> str:
    """Return the share of the emotional kind of contacts, in all of them or in the bots' own."""
    if entry.verdict == "not_assessable":
        return ""
    share = figures(words, "share", estimate_of(entry.evidence["share"]))
    return words.text(f"finding.{entry.id}", type=entry.evidence["type"], **share)


def _first_automations(words: Catalogue, entry: DocumentPart) -> str:
    settled = entry.evidence["answer"] == "settled" and entry.evidence["chosen"]
    key = "finding.first-automations" if settled else "finding.first-automations-open"
    return words.text(key, names=words.names(entry.evidence["chosen"]))


def _containment(words: Catalogue, entry: DocumentPart) -> str:
    raw = entry.evidence.get("raw")
    if entry.verdict == "not_assessable" or raw is None:
        return ""
    verified = figures(words, "verified", estimate_of(entry.evidence["verified"]))
    return words.text("finding.containment", raw=words.percent(raw, 1), **verified)


def _moments(words: Catalogue, entry: DocumentPart) -> str:
    names, tested = entry.evidence.get("touchpoints"), entry.evidence.get("tested", 0)
    if entry.verdict == "not_assessable":
        return words.text("finding.moments-unknown")
    if not names:
        return words.text("finding.moments-none", tested=tested)
    return words.text("finding.moments", names=words.names(names), tested=tested)


def _survey(words: Catalogue, name: str, document: DocumentPart) -> str:
    for row in document.surveys:
        slug = f"survey-{row.kind}".lower().replace("_", "-").replace(" ", "-")
        if slug == name:
            kind = words.label("outcome", row.kind)
            values = figures(words, "mean", estimate_of(row.mean))
            values |= figures(words, "rate", estimate_of(row.response_rate))
            return words.text("finding.survey", kind=kind, **values)
    return ""


def _tipping_point(words: Catalogue, document: DocumentPart) -> str:
    point = next((point for point in document.tipping_points if point.segment == "all"), None)
    if point is None or point.minutes is None or point.clock != "minutes":
        return ""
    ends = point.minutes_lo, point.minutes_hi
    minutes = Estimate(point.minutes, "", *ends, n_customers=point.sessions)
    return words.text("finding.tipping-point", **figures(words, "minutes", minutes))


def _handoff_time(words: Catalogue, document: DocumentPart) -> str:
    point = next((point for point in document.tipping_points if point.segment == "all"), None)
    best = None if point is None else point.handoff_time
    if best is None:
        return ""
    if isinstance(best.minutes, str):
        when = words.text(f"finding.handoff-time.{best.minutes.replace(' ', '-')}")
    else:
        minutes = words.number(best.minutes, 1)
        when = words.text("finding.handoff-time.minutes", minutes=minutes)
    return words.text(
        "finding.handoff-time", when=when, **figures(words, "cost", estimate_of(best.cost))
    )
