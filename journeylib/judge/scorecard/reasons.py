"""Why a touchpoint has its verdict, and what would settle one that is open."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from journeylib.core import bounds_text, current_catalogue, number, percent, text
from journeylib.judge.estimation.figures import rounded_alike
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.value_functions import AxisScore, enough
from journeylib.judge.scorecard.verdict import Verdict, Vetoes
from journeylib.judge.settings import Axis, JudgeSettings

PER_SIDE = 3
PER_AXIS = 2
NOTEWORTHY = 0.1
ADD_COLUMN = frozenset({"no_column", "no_clock"})
CORRECTED = "corrected for"  # as `misclassification.without_mistakes` writes it into the source


def veto_reasons(
    vetoes: Vetoes, seen: Mapping[str, Observation], need: AxisScore
) -> tuple[str, ...]:
    """Return one sentence for each veto and each broken measure."""
    x, base = "", ""
    if "vulnerable" in vetoes.names:
        x, base = figure(seen["vulnerable"])
    values = {"x": x, "base": base, "need": _score(need)}
    reasons = [text(f"judge.veto.{veto}", **values) for veto in vetoes.names]
    for measure in vetoes.broken:
        x, base = figure(seen[measure])
        reasons.append(text(f"judge.broken.{measure}", x=x, base=base))
    return tuple(reasons)


def evidence_reasons(
    verdict: Verdict,
    fit: AxisScore,
    need: AxisScore,
    vetoes: Vetoes,
    seen: Mapping[str, Observation],
) -> tuple[str, ...]:
    """Return the strongest indicators on both sides, those for the verdict first.

    Notes
    -----
    Strength is weight × distance of the value from the middle of its scale; at most two of one
    axis are named per side. An indicator near the middle speaks for neither side and is left
    out, and so is one that a gate has named already.
    """
    sides = [_strongest(fit, need, vetoes, seen, machine=machine) for machine in (True, False)]
    if verdict in ("human_led", "human_only", "fix_first"):
        sides.reverse()
    return (*sides[0], *sides[1], *_feeling(seen))


def _feeling(seen: Mapping[str, Observation]) -> tuple[str, ...]:
    """Return what customers come with apart from what the touchpoint does to it.

    Said where both are known and customers come in a bad mood: grief in the matter is no
    dissatisfaction with the service.
    """
    entry, change = seen.get("feeling_at_entry"), seen.get("sentiment_drop")
    if entry is None or change is None or entry.missing or change.missing or entry.hi >= 0:
        return ()
    way = "falls" if change.hi < 0 else "rises" if change.lo > 0 else "stays"
    (level, base), (trend, _base) = figure(entry), figure(change)
    return (text(f"judge.feeling.{way}", entry=level, change=trend, base=base),)


def _strongest(
    fit: AxisScore,
    need: AxisScore,
    vetoes: Vetoes,
    seen: Mapping[str, Observation],
    *,
    machine: bool,
) -> list[str]:
    """Return what speaks for one side."""
    named = {*vetoes.names, *vetoes.broken}
    strongest: list[tuple[float, str]] = []
    for axis, sign in ((fit, 1.0), (need, -1.0)):
        towards = sign if machine else -sign
        pulls = sorted(
            (-round(towards * float(weight) * (float(u) - 0.5), 9), name)
            for name, weight, u in zip(axis.names, axis.weights, axis.u, strict=True)
            if towards * (float(u) - 0.5) >= NOTEWORTHY and weight > 0 and name not in named
        )
        strongest += pulls[:PER_AXIS]
    return [
        statement(name, seen[name], for_machine=machine) for _, name in sorted(strongest)[:PER_SIDE]
    ]


def figure(seen: Observation, *, sign: bool = True) -> tuple[str, str]:
    """Return a number with its unit, and its interval and base in brackets.

    Shares are written in per cent (`sign`) or, where they are differences, in points. Where only
    bounds may be shown, they are the number.

    Examples
    --------
    >>> import numpy as np
    >>> figure(Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71])))
    ('71 %', ' (64 to 77 %, 412 customers)')
    >>> figure(Observation(1240.2, 980, 1500, "min/week", 1412, "C", None, np.array([1240.2])))
    ('1,240', ' (980 to 1,500, 1,412 customers)')
    """
    if seen.within:
        bounds = bounds_text(seen.lo, seen.hi)
        number_alone = bounds if sign else bounds.removesuffix("%").rstrip()
        return number_alone, f" ({text('n', n=seen.n_customers)})"
    value, lo, hi = rounded_alike(seen.raw, seen.lo, seen.hi, seen.unit)
    unit = " %" if seen.unit == "share" and sign else ""
    exact = value == lo == hi  # as it is where no one has any: an interval of it says nothing
    base = text(
        f"judge.base{'_exact' * exact}",
        assumed=text("judge.base_assumed") if seen.grade == "D" else "",
        range=f"{text('range.words', lo=lo, hi=hi)}{unit}",
        customers=seen.n_customers,
        corrected=text("judge.base_corrected") if CORRECTED in seen.source else "",
    )
    return value + unit, f" ({base})"


def statement(measure: str, seen: Observation, *, for_machine: bool) -> str:
    """Return one sentence on one indicator.

    Examples
    --------
    >>> import numpy as np
    >>> seen = Observation(0.71, 0.64, 0.77, "share", 412, "C", None, np.array([0.71]))
    >>> statement("containment", seen, for_machine=True)[:49]
    'For a machine: bots already solve 71 % of these c'
    >>> seen = Observation(0.0, 0.0, 0.0, "share", 412, "C", None, np.array([0.0]))
    >>> statement("rework", seen, for_machine=True)
    'For a machine: 0 % of its journeys come back to it (412 customers).'
    """
    side = "machine" if for_machine else "human"
    texts = current_catalogue().texts
    key = f"judge.for_{side}.{measure}"
    # Where nothing negative was found, nobody knows that 0 % is so: words may have been missed. And
    # rules that foretell worse than guessing do not foretell.
    words = texts.get(f"{key}_none", texts[key]) if seen.raw <= 0 else texts[key]
    x, base = figure(seen, sign="{p}" not in words)
    if seen.unit == "share" and (x.startswith("0 ") or not x.lstrip("−")[0].isdigit()):
        # Nothing, or next to it, is not "only" so much.
        words = words.replace(f"{texts['only']} {{x}}", "{x}")
    verb = texts.get(f"judge.verb.{measure}.{seen.grade}", "")
    return text(f"judge.for_{side}.sentence", words=words.format(x=x, p=x, verb=verb), base=base)


def small_offer_reason(fit: AxisScore) -> str:
    """Return that a machine adds little even as a help."""
    return text("judge.small_offer", score=_score(fit))


def stakes_reason(seen: Observation) -> str:
    """Return how much may be at stake where no effect could be told."""
    return text("judge.stakes_open", most=number(100 * seen.hi, 0), customers=seen.n_customers)


def thin_reason(journeys: int, customers: int, settings: JudgeSettings) -> tuple[str, str]:
    """Return why too few visits give no verdict, and what would help."""
    needed = {"min_journeys": settings.min_journeys, "min_customers": settings.min_customers}
    values = {"journeys": journeys, "customers": customers, **needed}
    return text("judge.thin", **values), text("judge.thin_next", **values)


def coverage_reason(axis: Axis, score: AxisScore, settings: JudgeSettings) -> str:
    """Return why missing indicators give no verdict."""
    return text(
        "judge.coverage",
        axis=text(f"judge.axis.{axis}"),
        share=percent(score.coverage, 0),
        needed=percent(settings.min_coverage, 0),
        floor=number(score.floor, 0),
        ceiling=number(score.ceiling, 0),
    )


def open_reason(verdict: Verdict, stability: float, settings: JudgeSettings) -> str:
    """Return why a verdict that does not hold often enough is not issued."""
    return text(
        "judge.open",
        verdict=text(f"judge.verdict.{verdict}"),
        share=percent(stability, 0),
        needed=percent(settings.min_stability, 0),
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
        why = (seen[name].missing if name in seen else None) or "no_column"
        # A column that is there but empty at this touchpoint is a thing to record, not to wait for.
        unheard = why == "n_small" and seen[name].n_customers == 0
        kind = "declare" if why in ADD_COLUMN else "record" if unheard else "wait"
        remedy = text(f"judge.remedy.{kind}", what=text(f"judge.unlock.{name}"))
        gain[remedy] = gain.get(remedy, 0.0) + float(weight)
        reason.setdefault(remedy, why)
    remedy = max(gain, key=lambda one: (round(gain[one], 9), one))
    after = score.coverage + gain[remedy]
    datum = text(
        "judge.next_datum",
        remedy=remedy,
        axis=text(f"judge.axis.{axis}"),
        now=percent(score.coverage, 0),
        after=percent(after, 0),
        rest="" if enough(after, settings.min_coverage) else text("judge.not_yet_enough"),
    )
    return datum, reason[remedy]


def settling_datum(indicator: str | None, seen: Mapping[str, Observation]) -> str:
    """Return what would settle a verdict that resampling leaves open."""
    if indicator is None:
        return text("judge.settle_weights")
    x, base = figure(seen[indicator])
    return text("judge.settle_figure", label=text(f"indicator.{indicator}"), x=x, base=base)


def _score(score: AxisScore) -> str:
    """Return a score with its interval: ``'72 of 100 (66 to 78)'``."""
    value, lo, hi = (number(x, 0) for x in (score.value, score.lo, score.hi))
    return text("judge.score", value=value, lo=lo, hi=hi)
