"""Why a touchpoint has its verdict, and what would settle one that is open."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from journeylib.core import percent
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.value_functions import AxisScore, enough
from journeylib.judge.scorecard.verdict import Gates, Verdict
from journeylib.judge.settings import Axis, JudgeSettings
from journeylib.judge.wording import (
    AXIS_TEXT,
    BROKEN_TEXT,
    MORE,
    VERDICT_TEXT,
    VETO_TEXT,
    WORDS,
    figure,
    score_text,
    statement,
)

PER_SIDE = 3
PER_AXIS = 2
NOTEWORTHY = 0.1
NOBODY_SERVES = (
    "Customers serve themselves here, or a system acts alone: there is no service to give to a "
    "machine or a person."
)
HATCH_UNKNOWN = (
    "Before automating, make sure that customers can reach a human: the log cannot show it."
)
ADD_COLUMN = frozenset({"no_column", "no_clock"})


def gate_reasons(gates: Gates, seen: Mapping[str, Observation], need: AxisScore) -> tuple[str, ...]:
    """Return one sentence for each veto and each broken measure."""
    said = []
    for veto in gates.vetoes:
        x, base = figure(seen["vulnerable"]) if veto == "vulnerable" else ("", "")
        level = score_text(need.value, need.lo, need.hi)
        said.append(VETO_TEXT[veto].format(x=x, base=base, need=level))
    for measure in gates.broken:
        x, base = figure(seen[measure])
        said.append(BROKEN_TEXT[measure].format(x=x, base=base))
    return tuple(said)


def evidence_reasons(
    verdict: Verdict,
    fit: AxisScore,
    need: AxisScore,
    gates: Gates,
    seen: Mapping[str, Observation],
) -> tuple[str, ...]:
    """Return the strongest indicators on both sides, those for the verdict first.

    Notes
    -----
    Strength is weight × distance of the value from the middle of its scale; at most two of one
    axis are named per side. An indicator near the middle speaks for neither side and is left
    out, and so is one that a gate has named already.
    """
    sides = [_strongest(fit, need, gates, seen, machine=machine) for machine in (True, False)]
    if verdict in ("human_led", "human_only", "fix_first"):
        sides.reverse()
    return (*sides[0], *sides[1])


def _strongest(
    fit: AxisScore,
    need: AxisScore,
    gates: Gates,
    seen: Mapping[str, Observation],
    *,
    machine: bool,
) -> list[str]:
    """Return what speaks for one side."""
    named = {*gates.vetoes, *gates.broken}
    found: list[tuple[float, str]] = []
    for axis, sign in ((fit, 1.0), (need, -1.0)):
        towards = sign if machine else -sign
        pulls = sorted(
            (-round(towards * float(weight) * (float(u) - 0.5), 9), name)
            for name, weight, u in zip(axis.names, axis.weights, axis.u, strict=True)
            if towards * (float(u) - 0.5) >= NOTEWORTHY and weight > 0 and name not in named
        )
        found += pulls[:PER_AXIS]
    return [
        statement(name, seen[name], for_machine=machine) for _, name in sorted(found)[:PER_SIDE]
    ]


def small_offer_reason(fit: AxisScore) -> str:
    """Return that a machine has little to offer even as a help."""
    return (
        "A machine has little to offer here even as a help: automation fit is "
        f"{score_text(fit.value, fit.lo, fit.hi)}."
    )


def thin_reason(journeys: int, customers: int, settings: JudgeSettings) -> tuple[str, str]:
    """Return why too few visits give no verdict, and what would help."""
    needed = f"{settings.min_journeys} journeys of {settings.min_customers} customers"
    have = f"{journeys:,} journeys of {customers:,} customers"
    return f"Not enough evidence: {have}; at least {needed} are needed.", (
        f"wait for more visits, or take in a longer log: {have} so far, {needed} are needed"
    )


def coverage_reason(axis: Axis, score: AxisScore, settings: JudgeSettings) -> str:
    """Return why missing indicators give no verdict."""
    return (
        f"Not enough evidence: the log holds {percent(score.coverage, 0)} of what "
        f"{AXIS_TEXT[axis]} rests on; {percent(settings.min_coverage, 0)} are needed. "
        f"With the rest it could lie anywhere from {score.floor:.0f} to {score.ceiling:.0f} of 100."
    )


def open_reason(verdict: Verdict, stability: float, settings: JudgeSettings) -> str:
    """Return why a verdict that does not hold often enough is not issued."""
    return (
        f"Too close to call: “{VERDICT_TEXT[verdict]}” holds in {percent(stability, 0)} of the "
        f"resamples of customers and weights; {percent(settings.min_stability, 0)} are needed."
    )


def missing_datum(
    axis: Axis, score: AxisScore, seen: Mapping[str, Observation], settings: JudgeSettings
) -> tuple[str, str]:
    """Return what would bring most of the missing weight, and why it is missing.

    Returns
    -------
    (str, str)
        The datum in plain words, and the reason code of the heaviest missing indicator.
    """
    gain: dict[str, float] = {}
    reason: dict[str, str] = {}
    for name, weight, u in zip(score.names, score.weights, score.u, strict=True):
        if np.isfinite(u):
            continue
        why = seen[name].missing if name in seen else "no_column"
        why = why or "no_column"
        # A column that is there but empty at this touchpoint is a thing to record, not to wait for.
        unheard = why == "n_small" and seen[name].n_customers == 0
        if why in ADD_COLUMN:
            remedy = f"declare {WORDS[name].unlock}"
        else:
            remedy = f"record {WORDS[name].unlock} here" if unheard else f"{MORE} here"
        gain[remedy] = gain.get(remedy, 0.0) + float(weight)
        reason.setdefault(remedy, why)
    remedy = max(gain, key=lambda text: (round(gain[text], 9), text))
    after = score.coverage + gain[remedy]
    settled = "" if enough(after, settings.min_coverage) else ", not yet enough by itself"
    return (
        f"{remedy}: the evidence on {AXIS_TEXT[axis]} would grow from {percent(score.coverage, 0)} "
        f"to {percent(after, 0)}{settled}"
    ), reason[remedy]


def settling_datum(indicator: str | None, seen: Mapping[str, Observation]) -> str:
    """Return what would settle a verdict that resampling leaves open."""
    if indicator is None:
        return "agree on the weights: no single figure would settle the verdict, they would"
    x, base = figure(seen[indicator])
    return (
        f"a firmer figure for {WORDS[indicator].label}, now {x}{base}: "
        "take in a longer log or check a sample by hand"
    )
