"""What other weightings would say: shown beside the verdicts, never in their place."""

from __future__ import annotations

import pandas as pd

from journeylib.judge.scorecard.scorecard import Scorecard, office_effect
from journeylib.judge.scorecard.verdict import Verdict, Vetoes, verdict_of
from journeylib.judge.settings import AXES, Axis, JudgeSettings

COLUMNS = ("touchpoint", "weighting", *AXES, "verdict", "changed")
COMPLEXITY_WEIGHT = 0.2


def weight_sensitivity(scorecard: Scorecard, settings: JudgeSettings | None = None) -> pd.DataFrame:
    """Score every touchpoint again under other weightings.

    Parameters
    ----------
    scorecard : Scorecard
    settings : JudgeSettings, optional
        Those the scorecard was made with.

    Returns
    -------
    DataFrame
        One row per scored touchpoint and weighting: `touchpoint`, `weighting` (``configured``,
        ``equal``, ``complexity_in_need``), `automation_fit`, `empathy_need` (0..100), `verdict`
        (of the point, whatever its stability), `changed` (bool: other than with the configured
        weights). Empty where fewer than two touchpoints are scored.

    Notes
    -----
    Equal weights use the indicators that all scored touchpoints share. ``complexity_in_need``
    counts unpredictable next steps as need of empathy, which the default leaves out because it
    lowers automation fit already.
    """
    settings = settings or JudgeSettings()
    scored = scorecard.scores.dropna(subset=list(AXES))
    if len(scored) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    configured = scored.set_index("touchpoint")[list(AXES)]
    weightings = {
        "configured": configured,
        "equal": pd.DataFrame({axis: _equal_weights(scorecard, axis) for axis in AXES}),
        "complexity_in_need": configured.assign(
            empathy_need=_with_complexity(scorecard, configured["empathy_need"])
        ),
    }
    rows = []
    for row in scored.to_dict("records"):
        name = row["touchpoint"]
        binds = office_effect(row, settings).empathy_binds
        vetoes = Vetoes(names=row["vetoes"], empathy_binds=binds)
        broken = "fix_first" in (row["verdict"], row["leaning"])
        usual: Verdict | None = None
        for weighting, scores in weightings.items():
            fit, need = (float(scores.loc[name, axis]) for axis in AXES)
            verdict = "fix_first" if broken else verdict_of(fit, need, vetoes, settings)
            usual = verdict if weighting == "configured" else usual
            rows.append((name, weighting, fit, need, verdict, verdict != usual))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _equal_weights(scorecard: Scorecard, axis: Axis) -> pd.Series[float]:
    """Return the mean of the indicators that all touchpoints with a score on `axis` have."""
    scored = scorecard.scores.loc[scorecard.scores[axis].notna(), "touchpoint"].tolist()
    part = scorecard.indicators[scorecard.indicators["axis"] == axis]
    table = part.pivot_table("score", "touchpoint", "indicator", aggfunc="first")
    return 100 * table.reindex(scored).dropna(axis=1).mean(axis=1)


def _with_complexity(scorecard: Scorecard, need: pd.Series[float]) -> pd.Series[float]:
    """Mix the unpredictability of next steps into empathy need, where it was measured."""
    steps = scorecard.indicators[scorecard.indicators["indicator"] == "next_steps"]
    varied = 100 * (1 - steps.set_index("touchpoint")["score"].reindex(need.index))
    mixed = (1 - COMPLEXITY_WEIGHT) * need + COMPLEXITY_WEIGHT * varied
    return mixed.fillna(need)
