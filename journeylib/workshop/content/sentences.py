"""Sentences: effects, reasons and verdicts of an audit, in the language of the workshop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journeylib.core import Catalogue, Estimate
from journeylib.present import VERDICTS
from journeylib.workshop.content.content import Touchpoint

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
            if row["missing"] != "privacy":
                lacks.append((-weight, words.text(f"indicator.{name}")))
            continue
        lean = float(row["score"]) - 0.5
        if abs(lean) < SPEAKS:
            continue
        for_machine = (lean > 0) == (row["axis"] == "automation_fit")
        side = "machine" if for_machine else "person"
        key = f"{side}.{name}"
        if row["raw"] == 0 and f"{key}_none" in words.texts:
            key = f"{key}_none"
        reason = words.text(key, x=_figure(words, row["raw"], row["unit"]))
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


def at_least(words: Catalogue, number: str, is_bound: bool) -> str:
    """Return a number of a story, as "at least" where it is a lower bound."""
    return words.text("story.at_least", share=number) if is_bound else number
