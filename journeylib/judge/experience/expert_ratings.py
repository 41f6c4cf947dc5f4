"""People's own ratings beside the log's evidence: kept apart, their agreement reported."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import (
    DRAWS,
    LEVEL,
    SEED,
    AbstainReason,
    Estimate,
    Floats,
    SchemaError,
    did_you_mean,
)

LEVELS = (1, 5)
EPOCH = ("empathy", "presence", "opinion", "creativity", "hope")
EPOCH_SCALE = (0, 4)
MIN_RATERS = 2
MIN_RATED = 10
DISAGREEMENT = 1.0

# How much a human does, 1 (machine alone) to 5 (human essential): automate is 1 to 2.
LEVEL_OF_VERDICT = {"automate": 1.5, "assist": 3.0, "human_led": 4.0, "human_only": 5.0}


@dataclass(frozen=True)
class Ratings:
    """What people say about touchpoints, and how far they agree.

    Attributes
    ----------
    touchpoints : DataFrame
        One row per rated touchpoint: `touchpoint`, `raters` (int), `human_agency` (median,
        1..5), `epoch` (mean of the five ratings, 0..4), both NaN below two raters;
        `log_level` (1..5 that the verdict stands for, NaN where there is none), `difference`
        (people − log), `flagged` (bool: at least one level apart).
    groups : DataFrame
        One row per pair of rater groups: `group`, `other`, `touchpoints` (rated by both),
        `kappa` (Estimate, quadratic weights), `more`, `less` (share of touchpoints for which
        `group` wants more, less human agency than `other`).
    agreement : Estimate
        Krippendorff's alpha of `human_agency` over all raters, ordinal.
    """

    touchpoints: pd.DataFrame
    groups: pd.DataFrame
    agreement: Estimate


def compare_ratings(ratings: pd.DataFrame, scores: pd.DataFrame) -> Ratings:
    """Set people's ratings beside the verdicts, without mixing the two.

    Parameters
    ----------
    ratings : DataFrame
        One row per touchpoint and rater: `touchpoint`, `rater`; `human_agency` (1 = machine
        alone … 5 = human essential) or the five EPOCH ratings (`empathy`, `presence`,
        `opinion`, `creativity`, `hope`; 0..4), or both; optionally `group` (customers' staff,
        experts …), whose answers are compared, never averaged.
    scores : DataFrame
        `Judgement.scores`: `touchpoint` and `verdict`.

    Raises
    ------
    SchemaError
        If a column is missing, a rating is off its scale, or a touchpoint is rated twice by
        one rater.

    Notes
    -----
    Human agency scale: Shao et al. (2025), arXiv 2506.06576, where workers and experts agree
    little; hence no average over groups. EPOCH: Loaiza and Rigobon (2025), MIT Sloan.
    """
    check_ratings(ratings)
    table = ratings.assign(
        human_agency=ratings.get("human_agency", np.nan),
        epoch=ratings[list(EPOCH)].mean(axis=1, skipna=False) if _has_epoch(ratings) else np.nan,
        group=ratings.get("group", "all"),
    )
    grouped = table.groupby("touchpoint", sort=True)
    rated = pd.DataFrame(
        {
            "raters": grouped["rater"].nunique(),
            "human_agency": grouped["human_agency"].median(),
            "epoch": grouped["epoch"].mean(),
        }
    )
    rated.loc[rated["raters"] < MIN_RATERS, ["human_agency", "epoch"]] = np.nan
    verdicts = scores.set_index("touchpoint")["verdict"].map(LEVEL_OF_VERDICT)
    rated["log_level"] = verdicts.reindex(rated.index).astype(np.float64)
    rated["difference"] = rated["human_agency"] - rated["log_level"]
    rated["flagged"] = rated["difference"].abs() >= DISAGREEMENT
    return Ratings(
        touchpoints=rated.reset_index(),
        groups=_compare_groups(table),
        agreement=_agreement(table),
    )


def krippendorff_alpha(values: npt.ArrayLike) -> float:
    """Return Krippendorff's alpha with the ordinal difference.

    Parameters
    ----------
    values : array of float, shape (raters, units)
        NaN where a rater did not rate a unit.

    Returns
    -------
    float
        1 for perfect agreement, 0 for what chance gives; NaN where no unit has two ratings or
        all ratings are the same.

    Notes
    -----
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    Examples
    --------
    >>> krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 3]])
    1.0
    """
    table = np.asarray(values, dtype=np.float64)
    levels = np.unique(table[np.isfinite(table)])
    counts = (table[:, :, None] == levels).sum(axis=0).astype(np.float64)  # units × levels
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return float("nan")
    pairs = np.einsum("uc,uk->uck", counts, counts)
    pairs[:, range(len(levels)), range(len(levels))] -= counts
    together = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    n = together.sum(axis=1)
    between = np.cumsum(n) - n / 2
    apart = (between[:, None] - between[None, :]) ** 2
    by_chance = (np.outer(n, n) * apart).sum()
    if by_chance == 0:
        return float("nan")
    return float(1 - (n.sum() - 1) * (together * apart).sum() / by_chance)


def _agreement(table: pd.DataFrame) -> Estimate:
    wide = table.pivot_table("human_agency", "rater", "touchpoint", aggfunc="first")
    values = wide.to_numpy(dtype=np.float64)
    several = np.isfinite(values).sum(axis=0) >= MIN_RATERS if values.size else np.zeros(0, bool)
    units = values[:, several]
    what = "agreement of raters on how much a human should do"
    return _resampled(units, krippendorff_alpha, "alpha", what, "Krippendorff's alpha, ordinal")


def _compare_groups(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    medians = table.pivot_table("human_agency", "group", "touchpoint", aggfunc="median")
    for a, b in itertools.combinations(medians.index, 2):
        pair = medians.loc[[a, b]].dropna(axis=1).to_numpy(dtype=np.float64)
        n = pair.shape[1]
        more, less = (
            float((sign * (pair[0] - pair[1]) > 0).mean()) if n else np.nan for sign in (1, -1)
        )
        what = "agreement of two groups of raters"
        kappa = _resampled(pair, _weighted_kappa, "kappa", what, "Cohen's kappa, quadratic weights")
        rows.append((a, b, n, kappa, more, less))
    return pd.DataFrame(rows, columns=["group", "other", "touchpoints", "kappa", "more", "less"])


def _weighted_kappa(pair: Floats) -> float:
    """Cohen's kappa with quadratic weights; NaN where one group always says the same."""
    from sklearn.metrics import cohen_kappa_score

    a, b = np.rint(pair).astype(np.int64)
    if len(np.unique(np.concatenate([a, b]))) < 2:
        return float("nan")
    return float(cohen_kappa_score(a, b, weights="quadratic"))


def _resampled(
    units: Floats, statistic: Callable[[Floats], float], unit: str, what: str, method: str
) -> Estimate:
    """Estimate a statistic of touchpoints (columns), drawing touchpoints with replacement."""
    n = units.shape[1]
    value = statistic(units) if n >= MIN_RATED else float("nan")
    if not np.isfinite(value):
        reason: AbstainReason = "n_small" if n < MIN_RATED else "unidentified"
        return Estimate.none(reason, unit, estimand=what, method=method)
    places = np.random.default_rng(SEED).integers(0, n, size=(DRAWS, n))
    draws = np.array([statistic(units[:, spot]) for spot in places])
    tail = (1 - LEVEL) / 2
    lo, hi = np.quantile(draws[np.isfinite(draws)], [tail, 1 - tail])
    return Estimate(
        value=value,
        unit=unit,
        lo=min(float(lo), value),
        hi=max(float(hi), value),
        estimand=what,
        method=f"{method}; interval from drawing touchpoints anew",
    )


def _has_epoch(ratings: pd.DataFrame) -> bool:
    return set(EPOCH) <= set(ratings.columns)


def check_ratings(ratings: pd.DataFrame) -> None:
    """Refuse ratings that would be misread; raters are never named.

    Raises
    ------
    SchemaError
        As `compare_ratings`.
    """
    have = ", ".join(map(str, ratings.columns))
    for column in ("touchpoint", "rater"):
        if column not in ratings:
            near = did_you_mean(column, map(str, ratings.columns))
            raise SchemaError(f"column '{column}' is not in the ratings.{near} Columns: {have}")
    if "human_agency" not in ratings and not _has_epoch(ratings):
        raise SchemaError(
            f"the ratings need 'human_agency' or all of {', '.join(EPOCH)}. Columns: {have}"
        )
    scales = {"human_agency": LEVELS, **dict.fromkeys(EPOCH, EPOCH_SCALE)}
    for column, (low, high) in scales.items():
        if column in ratings:
            off = int((~ratings[column].dropna().between(low, high)).sum())
            if off:
                raise SchemaError(f"{off} ratings in '{column}' are not between {low} and {high}")
    twice = int(ratings.duplicated(["touchpoint", "rater"]).sum())
    if twice:
        raise SchemaError(f"{twice} rows rate a touchpoint again by the same rater: keep one")
