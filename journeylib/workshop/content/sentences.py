"""Sentences: findings, effects and reasons of an audit, said in the language of the workshop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

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
            lacks.append((-weight, words.text(f"indicator.{name}")))
            continue
        lean = float(row["score"]) - 0.5
        if abs(lean) < SPEAKS:
            continue
        for_machine = (lean > 0) == (row["axis"] == "automation_fit")
        side = "machine" if for_machine else "person"
        said = words.text(f"{side}.{name}", x=_figure(words, row["raw"], row["unit"]))
        for nothing in (words.percent(0, 0), words.text("under", x="")):
            # Nothing, or next to it, is not "only" so much.
            said = said.replace(f"{words.text('only')} {nothing}", nothing)
        n = words.text("n", n=int(row["n_customers"]))
        sides[side].append((-weight * abs(lean), f"{said}, {n}"))
    machine, person, missing = (
        tuple(text for _, text in sorted(found)[:REASONS])
        for found in (sides["machine"], sides["person"], lacks)
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
    if point.verdict == "abstain" and point.leaning:
        return VERDICTS[point.leaning].outline
    return VERDICTS[point.verdict].glyph


def verdict_text(words: Catalogue, point: Touchpoint) -> str:
    """Return the verdict, or what it leans to."""
    if point.verdict == "abstain" and point.leaning:
        return words.text("verdict.leaning", verdict=words.text(f"verdict.{point.leaning}"))
    return words.text(f"verdict.{point.verdict}")


def findings(
    words: Catalogue, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Return the findings of an audit in words; checks of the log are counted in one sentence."""
    found = []
    quality = 0
    for entry in document["findings"]:
        if entry["kind"] == "quality":
            quality += 1
        elif text := _sentence(words, entry, document, settings):
            found.append(Finding(entry["id"], entry["severity"], text))
    if quality:
        found.append(Finding("quality", "low", words.text("finding.quality", n=quality)))
    return tuple(found)


def _sentence(
    words: Catalogue,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> str:
    name, evidence = str(entry["id"]), entry["evidence"]
    if entry["kind"] == "gate":
        if entry["verdict"] != "fail":
            return ""
        value = evidence.get("value")
        said = "–" if value is None else words.number(value, 2)
        return words.text("finding.gate", gate=name.removeprefix("gate-"), value=said)
    if name.startswith("verdict-") or name in ("dead-ends", "points-of-no-return"):
        return words.text(f"finding.{name}", names=words.names(evidence["touchpoints"]))
    if name.startswith("paradox-"):
        paradox = name.removeprefix("paradox-").replace("-", "_")
        return words.text("finding.paradox", name=words.label("paradox", paradox))
    if name.startswith("survey-"):
        return _survey(words, name, document)
    if name in ("containment", "moments"):
        return {"containment": _containment, "moments": _moments}[name](words, entry)
    if name == "disclosure":
        return words.text(f"finding.{name}", never=_said(words, evidence["never"]))
    if name == "requests-honoured":
        minutes = words.number(settings["measures"]["honoured_minutes"], 0)
        return words.text(f"finding.{name}", minutes=minutes, honoured=_said(words, evidence))
    if name == "choices" and entry["severity"] == "info":
        return ""  # no verdict changes: nothing for a room to argue about
    if name == "handoff-worst":
        return words.text(f"finding.{name}", n=len(evidence["items"]))
    if name == "first-automations":
        key = name if evidence["answer"] == "settled" and evidence["chosen"] else f"{name}-open"
        return words.text(f"finding.{key}", names=words.names(evidence["chosen"]))
    if name in ("tipping-point", "handoff-time"):
        return _minutes(words, name, document)
    if name == "remembered":
        part = words.text(f"finding.remembered.{evidence['part']}")
        return words.text("finding.remembered", part=part)
    return words.texts.get(f"finding.{name}", "")


def _said(words: Catalogue, entry: Mapping[str, Any]) -> str:
    return words.estimate(estimate_of(entry))


def _containment(words: Catalogue, entry: Mapping[str, Any]) -> str:
    raw = entry["evidence"].get("raw")
    if entry["verdict"] == "not_assessable" or raw is None:
        return ""
    verified = _said(words, entry["evidence"]["verified"])
    return words.text("finding.containment", raw=words.percent(raw, 1), verified=verified)


def _moments(words: Catalogue, entry: Mapping[str, Any]) -> str:
    names, tested = entry["evidence"].get("touchpoints"), entry["evidence"].get("tested", 0)
    if entry["verdict"] == "not_assessable":
        return words.text("finding.moments-unknown")
    if not names:
        return words.text("finding.moments-none", tested=tested)
    return words.text("finding.moments", names=words.names(names), tested=tested)


def _survey(words: Catalogue, name: str, document: Mapping[str, Any]) -> str:
    for row in document["surveys"]:
        slug = f"survey-{row['kind']}".lower().replace("_", "-").replace(" ", "-")
        if slug == name:
            mean = words.estimate(estimate_of(row["mean"]))
            return words.text(
                "finding.survey",
                rate=_said(words, row["response_rate"]),
                kind=words.label("outcome", row["kind"]),
                mean=mean,
            )
    return ""


def _minutes(words: Catalogue, name: str, document: Mapping[str, Any]) -> str:
    points: Iterable[Mapping[str, Any]] = document["tipping_points"]
    everyone = next((point for point in points if point["segment"] == "all"), None)
    if everyone is None:
        return ""
    if name == "tipping-point":
        ends = everyone["minutes_lo"], everyone["minutes_hi"]
        if everyone["minutes"] is None or everyone["clock"] != "minutes":
            return ""
        at = Estimate(everyone["minutes"], "minutes", *ends, n_customers=everyone["sessions"])
        return words.text("finding.tipping-point", minutes=words.estimate(at))
    best = everyone["handoff_time"]
    if best is None:
        return ""
    when = best["minutes"]
    key = when.replace(" ", "-") if isinstance(when, str) else "minutes"
    minutes = "" if isinstance(when, str) else words.number(when, 1)
    return words.text(
        "finding.handoff-time",
        when=words.text(f"finding.handoff-time.{key}", minutes=minutes),
        cost=_said(words, best["cost"]),
    )
