"""What other weightings would say: shown beside the verdicts, never in their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.core import SEED, Floats
from journeylib.judge.judgement import Judgement
from journeylib.judge.scorecard.verdict import Gates, verdict_of
from journeylib.judge.scorecard.weighting_methods import (
    CONSISTENT,
    acceptability,
    ahp_weights,
    critic_weights,
    dirichlet,
    entropy_weights,
    equal_weights,
)
from journeylib.judge.settings import AXES, Axis, JudgeSettings

WEIGHTINGS = {"equal": equal_weights, "entropy": entropy_weights, "critic": critic_weights}
COMPLEXITY_WEIGHT = 0.2
SMAA_VECTORS = 10_000


@dataclass(frozen=True)
class Common:
    """Values of the touchpoints that have a score, on the indicators that all of them have.

    Attributes
    ----------
    touchpoints, indicators : list of str
    u : ndarray, shape (touchpoints, indicators)
    """

    touchpoints: list[str]
    indicators: list[str]
    u: Floats


def common_values(judgement: Judgement, axis: Axis) -> Common:
    """Return the complete table of values 0..1 that weightings can be compared on."""
    scored = judgement.scores.loc[judgement.scores[axis].notna(), "touchpoint"].tolist()
    part = judgement.indicators[judgement.indicators["axis"] == axis]
    table = part.pivot_table("score", "touchpoint", "indicator", aggfunc="first")
    order = list(dict.fromkeys(part["indicator"]))
    table = table.reindex(index=scored, columns=order).dropna(axis=1)
    return Common(scored, list(table.columns), table.to_numpy(dtype=np.float64))


def weight_sensitivity(judgement: Judgement, settings: JudgeSettings | None = None) -> pd.DataFrame:
    """Score every touchpoint again under other weightings.

    Parameters
    ----------
    judgement : Judgement
    settings : JudgeSettings, optional
        Those the judgement was made with.

    Returns
    -------
    DataFrame
        One row per scored touchpoint and weighting: `touchpoint`, `weighting` (``configured``,
        ``equal``, ``entropy``, ``critic``, ``complexity_in_need``, and ``ahp`` where declared
        comparisons of pairs do not contradict each other), `automation_fit`,
        `empathy_need` (0..100), `verdict` (of the point, whatever its stability), `changed`
        (bool: other than with the configured weights). Empty where fewer than two touchpoints
        are scored: weights drawn from the rows need rows.

    Notes
    -----
    Equal, entropy and CRITIC weights use the indicators that all scored touchpoints share.
    Entropy and CRITIC reward spread, not importance, and move when a touchpoint is added; that
    is why they never decide. ``complexity_in_need`` counts unpredictable next steps as need of
    empathy, which the default leaves out because it lowers automation fit already.
    """
    settings = settings or JudgeSettings()
    columns = ["touchpoint", "weighting", *AXES, "verdict", "changed"]
    both = judgement.scores.dropna(subset=list(AXES))
    if len(both) < 2:
        return pd.DataFrame(columns=columns)
    scores = {("configured", axis): both.set_index("touchpoint")[axis] for axis in AXES}
    for axis in AXES:
        common = common_values(judgement, axis)
        for name, weigh in WEIGHTINGS.items():
            again = np.einsum("nk,k->n", common.u, weigh(common.u)) * 100
            scores[name, axis] = pd.Series(again, index=common.touchpoints)
        compared = compared_weights(settings, axis, common.indicators)
        if compared is not None:
            again = np.einsum("nk,k->n", common.u, compared) * 100
            scores["ahp", axis] = pd.Series(again, index=common.touchpoints)
    declared = [axis for axis in AXES if ("ahp", axis) in scores]
    for axis in AXES if declared else ():
        scores.setdefault(("ahp", axis), scores["configured", axis])
    weightings = ("configured", *WEIGHTINGS, *(["ahp"] if declared else []), "complexity_in_need")
    scores["complexity_in_need", "automation_fit"] = scores["configured", "automation_fit"]
    scores["complexity_in_need", "empathy_need"] = _with_complexity(
        judgement, scores["configured", "empathy_need"]
    )
    rows = []
    for place in both.to_dict("records"):
        name = place["touchpoint"]
        gates = _gates(place["office"], place["vetoes"], settings)
        usual = None
        for weighting in weightings:
            fit, need = (float(scores[weighting, axis][name]) for axis in AXES)
            broken = "fix_first" in (place["verdict"], place["leaning"])
            verdict = "fix_first" if broken else verdict_of(fit, need, gates, settings)
            usual = usual or verdict
            rows.append((name, weighting, fit, need, verdict, verdict != usual))
    return pd.DataFrame(rows, columns=columns)


def compared_weights(settings: JudgeSettings, axis: Axis, indicators: list[str]) -> Floats | None:
    """Return the weights that declared comparisons imply for `indicators`.

    None where nothing is compared, where the comparisons contradict each other, or where none of
    the indicators that they name was measured everywhere.
    """
    if not settings.pairwise.get(axis):
        return None
    found = ahp_weights(settings.pairwise[axis])
    weights = np.array([found.weights.get(name, 0.0) for name in indicators])
    if found.consistency_ratio > CONSISTENT or not weights.sum() > 0:
        return None
    return np.asarray(weights / weights.sum())


def _with_complexity(judgement: Judgement, need: pd.Series[float]) -> pd.Series[float]:
    """Mix the unpredictability of next steps into empathy need, where it was measured."""
    steps = judgement.indicators[judgement.indicators["indicator"] == "next_steps"]
    varied = 100 * (1 - steps.set_index("touchpoint")["score"].reindex(need.index))
    mixed = (1 - COMPLEXITY_WEIGHT) * need + COMPLEXITY_WEIGHT * varied
    return mixed.fillna(need)


def _gates(office: str | None, vetoes: tuple[str, ...], settings: JudgeSettings) -> Gates:
    binds = next(
        (effect.empathy_binds for name, effect in settings.offices.items() if name == office),
        settings.offices["front"].empathy_binds,
    )
    return Gates(vetoes=vetoes, empathy_binds=binds)


def rank_acceptability(
    judgement: Judgement,
    axis: Axis,
    settings: JudgeSettings | None = None,
    *,
    concentration: float | None = None,
) -> pd.DataFrame:
    """Return how many weightings support each rank of each touchpoint on one axis.

    Parameters
    ----------
    judgement : Judgement
    axis : {"automation_fit", "empathy_need"}
    settings : JudgeSettings, optional
        Whose weights are the centre.
    concentration : float, optional
        How close weightings stay to the configured one; default: every weighting is as likely.

    Returns
    -------
    DataFrame
        One row per scored touchpoint and rank: `touchpoint`, `rank` (1 = highest score),
        `share` (of 10,000 weightings). On the indicators that all scored touchpoints share.
    """
    settings = settings or JudgeSettings()
    common = common_values(judgement, axis)
    k = len(common.indicators)
    if not k or not common.touchpoints:
        return pd.DataFrame(columns=["touchpoint", "rank", "share"])
    alpha = np.ones(k)
    if concentration is not None:
        centre = settings.indicators(axis)
        alpha = np.array([centre[name].weight for name in common.indicators])
        alpha = concentration * alpha / alpha.sum()
    found = acceptability(common.u, dirichlet(alpha, SMAA_VECTORS, seed=SEED))
    n = len(common.touchpoints)
    return pd.DataFrame(
        {
            "touchpoint": np.repeat(common.touchpoints, n),
            "rank": np.tile(np.arange(1, n + 1), n),
            "share": found.rank.ravel(),
        }
    )
