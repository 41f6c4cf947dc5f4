"""From two scores to a verdict: vetoes and broken steps first, then the map of both scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from journeylib.core import Floats
from journeylib.judge.settings import JudgeSettings

Verdict = Literal["automate", "assist", "human_led", "human_only", "fix_first", "abstain"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CODE: dict[str, int] = {verdict: code for code, verdict in enumerate(VERDICTS)}
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Vetoes:
    """What decides before the scores do; it looks at intervals, so it is not resampled.

    Attributes
    ----------
    names : tuple of str
        What forbids automation: ``legally_human``, ``vulnerable``, ``high_empathy``,
        ``moment_of_truth``, ``no_escape_hatch``.
    broken : tuple of str
        Measures whose lower bound is beyond the limit of 'fix first'.
    empathy_binds : bool
        Whether the customer sees this step live (front office).
    """

    names: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    empathy_binds: bool = True


# Above these, high empathy need means that a machine may not even stand behind the human.
HUMAN_ONLY_VETOES = frozenset({"legally_human", "vulnerable", "moment_of_truth"})


def verdict_codes(fit: Floats, need: Floats, vetoes: Vetoes, settings: JudgeSettings) -> Codes:
    """Read the verdict off the map of automation fit and empathy need.

    Parameters
    ----------
    fit, need : ndarray of float64
        Scores 0..100 of equal shape; NaN where there is too little evidence.
    vetoes : Vetoes
    settings : JudgeSettings

    Returns
    -------
    ndarray of int8
        Places in `VERDICTS`.

    Notes
    -----
    A decision that the law gives to humans needs no evidence. A broken step is to be mended
    before anything else, but only once both scores have enough evidence. A need at or above its
    limit decides without an automation fit: no fit would change the verdict.
    """
    fit, need = np.broadcast_arrays(fit, need)  # an axis without evidence has one draw
    shape = fit.shape
    if "legally_human" in vetoes.names:
        return np.full(shape, CODE["human_only"], dtype=np.int8)
    codes = np.full(shape, CODE["assist"], dtype=np.int8)
    if not vetoes.names:
        free = (fit >= settings.automate_from) & (need < settings.empathy_low)
        codes[free] = CODE["automate"]
    if vetoes.empathy_binds:
        human = "human_only" if HUMAN_ONLY_VETOES & set(vetoes.names) else "human_led"
        codes[need >= settings.empathy_high] = CODE[human]
    if vetoes.broken:
        codes[...] = CODE["fix_first"]
    decided = np.isfinite(fit) & np.isfinite(need)
    if vetoes.empathy_binds and not vetoes.broken:
        decided |= need >= settings.empathy_high
    codes[~decided] = CODE["abstain"]
    return codes


def verdict_of(fit: float, need: float, vetoes: Vetoes, settings: JudgeSettings) -> Verdict:
    """Return the verdict for one pair of scores."""
    return VERDICTS[int(verdict_codes(np.array([fit]), np.array([need]), vetoes, settings)[0])]


def boundary_distance(
    fit: tuple[float, float],
    need: tuple[float, float],
    vetoes: Vetoes,
    settings: JudgeSettings,
) -> float:
    """Return how many standard errors away the nearest other verdict is.

    Parameters
    ----------
    fit, need : (float, float)
        Score and its standard error.

    Returns
    -------
    float
        Along one axis at a time; NaN where no move of one score changes the verdict, infinite
        where the score does not vary at all.
    """
    (a, a_se), (e, e_se) = fit, need
    here = verdict_of(a, e, vetoes, settings)
    nearest = float("nan")
    for bound in (settings.assist_from, settings.automate_from):
        if verdict_of(_beyond(a, bound), e, vetoes, settings) != here:
            nearest = np.fmin(nearest, _in_errors(a - bound, a_se))
    for bound in (settings.empathy_low, settings.empathy_high):
        if verdict_of(a, _beyond(e, bound), vetoes, settings) != here:
            nearest = np.fmin(nearest, _in_errors(e - bound, e_se))
    return float(nearest)


def _beyond(score: float, bound: float) -> float:
    """Return a score just on the other side of a bound."""
    return float(np.nextafter(bound, -np.inf)) if score >= bound else bound


def _in_errors(distance: float, se: float) -> float:
    return abs(distance) / se if se > 0 else float("inf")
