"""Which moments of a conversation its rating goes with: fitted on the ratings, not assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import MICRO, SEED, AbstainReason, Estimate, Floats, RunError, did_you_mean
from journeylib.journeys import (
    EVERYONE,
    MISSING,
    CustomerSample,
    Journeys,
    last_in,
    number_pairs,
    runs_of,
)
from journeylib.judge.estimation.design_matrix import Ints
from journeylib.judge.estimation.estimators import FOLDS, Influence
from journeylib.measures import Scores, score_of_events

FEATURES = ("mean", "end", "trough", "trend")
MIN_SESSIONS = 100
_COLUMNS = ("session", "customer", "order", "score", "overall")


@dataclass(frozen=True)
class PeakEnd:
    """How the overall answer is made of the moments.

    Attributes
    ----------
    weights : dict of str to Estimate
        Standardised coefficient of mean, end, trough and trend; empty where it abstains.
    r_mean, r_end, r_fitted : float
        Correlation of the overall answer with the mean, with the end, and with the fitted sum
        out of fold.
    gain : Estimate
        Out-of-fold squared error of the mean alone minus that of the fitted sum, as a share of
        the variance of the answers.
    """

    weights: dict[str, Estimate]
    r_mean: float
    r_end: float
    r_fitted: float
    gain: Estimate

    @property
    def beats_mean(self) -> bool:
        """Whether the fitted weights predict better than the plain mean, beyond chance."""
        return self.gain.lo is not None and self.gain.lo > 0


def peak_end(journeys: Journeys, scores: Scores | AbstainReason) -> PeakEnd:
    """Fit which moments of a conversation its rating goes with.

    Parameters
    ----------
    journeys : Journeys
    scores : Scores or str
        What customers' turns sound like, as of `customer_scores`, or why nobody knows.

    Returns
    -------
    PeakEnd
        Abstains with ``no_column`` in a log without ratings or without feelings, with
        ``privacy`` where fewer customers than may be shown rated a conversation, and as
        `peak_end_weights` does.
    """
    if isinstance(scores, str):
        return _abstaining(scores)
    if not journeys.has("rating_micro"):
        return _abstaining("no_column")
    sample = journeys.sample
    turns = rated_turns(journeys, scores, sample)
    if turns["customer"].nunique() < journeys.settings.min_customers:
        return _abstaining("privacy" if len(turns) else "n_small")
    return sample.annotate(peak_end_weights(turns))


def rated_turns(
    journeys: Journeys, scores: Scores, sample: CustomerSample = EVERYONE
) -> pd.DataFrame:
    """Return the scored turns of the conversations that were rated.

    Returns
    -------
    pandas.DataFrame
        One row per scored turn: ``session``, ``customer``, ``order`` (int64), ``score`` (−1 to
        1), ``overall`` (the last rating given in the conversation).

    Notes
    -----
    A conversation is what the session column says, within one journey; elsewhere the journey.
    Turns after the rating do not count: the rating cannot rest on them.
    """
    events = journeys.events
    talk, talks = np.zeros(len(events), dtype=np.int32), 1
    if journeys.has("session"):
        named = events.column("session")
        talk, talks = named.number + 1, len(named.words) + 1
    session, keys = number_pairs(events.journey, talk, talks)
    rating = events.column("rating_micro")
    rated = last_in(runs_of(session, len(keys)), rating != MISSING)[session]
    score = score_of_events(scores, events)
    turns = np.flatnonzero((score != MISSING) & (np.arange(len(events)) <= rated))
    frame = pd.DataFrame(
        {
            "session": session[turns],
            "customer_no": events.customer[turns].astype(np.int64),
            "order": events.step[turns],
            "score": score[turns] / MICRO,
            "overall": rating[rated[turns]] / MICRO,
        }
    )
    return sample.only(frame).rename(columns={"customer_no": "customer"}).reset_index(drop=True)


def moments_of_session(turns: pd.DataFrame) -> pd.DataFrame:
    """Sum each session up in four numbers.

    Parameters
    ----------
    turns : DataFrame
        One row per scored moment: `session`, `customer`, `order`, `score`, `overall` (the same
        in each row of a session).

    Returns
    -------
    DataFrame
        One row per session, in order of its content: `customer`, `overall`, `mean`, `end` (last
        score), `trough` (lowest), `trend` (least-squares slope from first to last moment, 0 for
        a single one).

    Raises
    ------
    RunError
        Where a column is absent.
    """
    absent = [name for name in _COLUMNS if name not in turns.columns]
    if absent:
        hint = did_you_mean(absent[0], map(str, turns.columns))
        raise RunError(f"column '{absent[0]}' is not in the table of moments.{hint}")
    ordered = turns.sort_values(["session", "order"], kind="stable")
    grouped = ordered.groupby("session", sort=True)
    position = grouped.cumcount() / (grouped["score"].transform("size") - 1).clip(lower=1)
    by_session = ordered.assign(
        place=position - position.groupby(ordered["session"]).transform("mean")
    ).assign(product=lambda f: f["place"] * f["score"], square=lambda f: f["place"] ** 2)
    sessions = by_session.groupby("session", sort=True)
    square = sessions["square"].sum()
    table = pd.DataFrame(
        {
            "customer": sessions["customer"].first(),
            "overall": sessions["overall"].first().astype(float),
            "mean": sessions["score"].mean(),
            "end": sessions["score"].last().astype(float),
            "trough": sessions["score"].min().astype(float),
            "trend": (sessions["product"].sum() / square.where(square > 0)).fillna(0.0),
        }
    )
    return table.sort_values([*FEATURES, "overall"], kind="stable").reset_index(drop=True)


def peak_end_weights(turns: pd.DataFrame, *, seed: int = SEED) -> PeakEnd:
    """Fit how mean, end, trough and trend make the overall answer, and test it on held-out folds.

    Parameters
    ----------
    turns : DataFrame
        See `moments_of_session`.
    seed : int
        Deals customers into five folds.

    Returns
    -------
    PeakEnd
        Abstains with ``n_small`` below 100 answered sessions, and with ``unidentified`` where
        all answers or all means are the same.

    Notes
    -----
    Peak and end together predict about as well as the mean (meta-analysis r = .58; Alaybek et
    al. 2022): a fixed peak–end rule is therefore not imposed.
    """
    sessions = moments_of_session(turns).dropna(subset=["overall", *FEATURES])
    customers = sessions["customer"].nunique()
    base: dict[str, Any] = {"n_customers": customers, "n_journeys": len(sessions)}
    if len(sessions) < MIN_SESSIONS:
        return _abstaining("n_small", **base)
    y = sessions["overall"].to_numpy(dtype=np.float64)
    parts = sessions[list(FEATURES)].to_numpy(dtype=np.float64)
    if y.std() == 0 or parts[:, 0].std() == 0:
        return _abstaining("unidentified", **base)
    cluster = np.asarray(pd.factorize(sessions["customer"])[0], dtype=np.int64)
    spread = parts.std(axis=0)
    X = (parts - parts.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    fold = (np.random.default_rng(seed).permutation(customers) % FOLDS)[cluster]
    fitted, by_mean = _out_of_fold(X, y, fold), _out_of_fold(X[:, :1], y, fold)
    saved = ((y - by_mean) ** 2 - (y - fitted) ** 2) / y.var()
    gain = Influence(float(saved.mean()), saved - saved.mean(), cluster)
    return PeakEnd(
        weights=_weights(X, y / y.std(), cluster, base),
        r_mean=_correlation(parts[:, 0], y),
        r_end=_correlation(parts[:, 1], y),
        r_fitted=_correlation(fitted, y),
        gain=gain.estimate(
            "share",
            estimand="variance of the answers explained beyond the mean, out of fold",
            method="ridge on mean, end, trough and trend against the mean alone",
            **base,
        ),
    )


def _abstaining(reason: AbstainReason, **counts: int) -> PeakEnd:
    nan = float("nan")
    return PeakEnd({}, nan, nan, nan, Estimate.none(reason, "share", **counts))


def _solve(X: Floats, y: Floats) -> Floats:
    """Ridge with one pseudo-observation: mean, end and trough nearly coincide in short sessions."""
    Z = np.hstack([np.ones((len(y), 1)), X])
    penalty = np.eye(Z.shape[1])
    penalty[0, 0] = 0
    return np.asarray(np.linalg.solve(Z.T @ Z + penalty, Z.T @ y))


def _out_of_fold(X: Floats, y: Floats, fold: npt.NDArray[np.int64]) -> Floats:
    predicted = np.empty(len(y))
    for k in range(FOLDS):
        beta = _solve(X[fold != k], y[fold != k])
        predicted[fold == k] = beta[0] + X[fold == k] @ beta[1:]
    return predicted


def _weights(X: Floats, y: Floats, cluster: Ints, base: dict[str, Any]) -> dict[str, Estimate]:
    beta = _solve(X, y)
    Z = np.hstack([np.ones((len(y), 1)), X])
    residual = y - Z @ beta
    bread = np.linalg.inv(Z.T @ Z + np.eye(Z.shape[1]))
    values = (Z * residual[:, None]) @ bread * len(y)
    return {
        name: Influence(float(beta[k]), values[:, k], cluster).estimate(
            "SD per SD",
            estimand=f"weight of the {name} in the overall answer",
            method="ridge on standardised parts, customer-clustered",
            **base,
        )
        for k, name in enumerate(FEATURES, start=1)
    }


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else float("nan")
