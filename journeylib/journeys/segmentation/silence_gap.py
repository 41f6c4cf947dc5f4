"""Sessions by silence: whether some length of gap separates visits, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

ASSUMED_CUT_US = 30 * 60 * 1_000_000
MIN_GAPS = 50
MIN_BIC_GAIN = 10.0
MIN_SEPARATION = 2.0


@dataclass(frozen=True)
class GapCut:
    """Where silence ends a session, and whether the log itself says so.

    Attributes
    ----------
    cut_us : int
        A gap longer than this many microseconds ends a session.
    answer : {"found", "assumed"}
        ``found``: the gaps have two humps and the cut lies between them. ``assumed``: they
        have not, and `cut_us` is the configured convention.
    reason : str
        Why the cut is assumed; empty where it was found.
    bic_gain : float or None
        BIC of one hump minus BIC of two, on log gaps; None where too few gaps were there.
    separation : float or None
        Distance of the humps in units of the wider one's standard deviation.
    gaps : int
        Positive gaps that the cut rests on.
    log_odds : tuple of float or None
        Coefficients of (ln gap)², ln gap and 1 in the log odds that a gap lies between two
        sessions; None where the cut is assumed.
    """

    cut_us: int
    answer: Literal["found", "assumed"]
    reason: str
    bic_gain: float | None
    separation: float | None
    gaps: int
    log_odds: tuple[float, float, float] | None = None


def fit_gap(gaps_us: npt.ArrayLike, *, assumed_us: int = ASSUMED_CUT_US) -> GapCut:
    """Find the gap that separates sessions, if the gaps have two humps.

    Parameters
    ----------
    gaps_us : array of int
        Gaps between successive events of the same customer in microseconds. Gaps of zero are
        left out: events at one instant are never cut apart.
    assumed_us : int
        The cut to fall back to, in microseconds.

    Notes
    -----
    A mixture of two normal distributions on log gaps (Halfaker et al. 2015 found log gaps of
    human activity to be such a mixture), cut where a gap is as likely from either. It is
    accepted only if BIC falls by more than 10 **and** the means lie more than two of the
    larger standard deviation apart: a skewed single hump passes the first test, never both.

    Examples
    --------
    >>> minutes = [1, 2, 3] * 30 + [2000, 3000, 4000] * 30
    >>> found = fit_gap([60_000_000 * m for m in minutes])
    >>> found.answer, 3 < found.cut_us / 60_000_000 < 2000
    ('found', True)
    """
    gaps = np.sort(np.asarray(gaps_us, dtype=np.float64))
    logs = np.log(gaps[gaps > 0])
    n = len(logs)
    if n < MIN_GAPS:
        reason = f"{n} gaps are too few to fit a cut ({MIN_GAPS} are needed)"
        return GapCut(assumed_us, "assumed", reason, None, None, n)
    if logs[0] == logs[-1]:
        return GapCut(assumed_us, "assumed", "all gaps are equal", None, None, n)
    gain, weights, means, deviations = _two_humps(logs)
    separation = float((means[1] - means[0]) / deviations.max())
    if gain <= MIN_BIC_GAIN or separation <= MIN_SEPARATION:
        reason = "the gaps have one hump: silence alone does not separate sessions"
        return GapCut(assumed_us, "assumed", reason, gain, separation, n)
    cut = round(float(np.exp(_crossing(weights, means, deviations))))
    odds = _log_odds(weights, means, deviations)
    return GapCut(cut, "found", "", gain, separation, n, odds)


def fit_gap_by_channel(
    gaps_us: npt.ArrayLike,
    channels: Sequence[str | None],
    *,
    assumed_us: int = ASSUMED_CUT_US,
) -> dict[str, GapCut]:
    """Fit one cut per channel; a gap belongs to the channel of the event before it.

    Parameters
    ----------
    gaps_us : array of int
        Gaps in microseconds.
    channels : sequence of str or None
        The channel of each gap, of the same length; None is reported as ``""``.
    assumed_us : int
        The cut to fall back to, in microseconds.

    Returns
    -------
    dict of str to GapCut
        In alphabetical order of channels.

    Raises
    ------
    ValueError
        If the two have different lengths.
    """
    gaps = np.asarray(gaps_us, dtype=np.int64)
    names = np.array(["" if channel is None else channel for channel in channels], dtype=object)
    if len(gaps) != len(names):
        raise ValueError(f"{len(gaps)} gaps but {len(names)} channels: give one channel per gap")
    return {
        name: fit_gap(gaps[names == name], assumed_us=assumed_us) for name in sorted(set(names))
    }


def _two_humps(
    logs: npt.NDArray[np.float64],
) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the BIC gain of two humps over one, and their weights, means and deviations."""
    from sklearn.mixture import GaussianMixture

    column = logs[:, None]
    one = GaussianMixture(1).fit(column)
    # Starting at the extremes, not at random, keeps the answer a function of the data.
    start = np.quantile(logs, [0.1, 0.9])[:, None]
    two = GaussianMixture(2, means_init=start, random_state=0, max_iter=500, tol=1e-6).fit(column)
    order = np.argsort(two.means_[:, 0])
    gain = float(one.bic(column) - two.bic(column))
    deviations = np.sqrt(two.covariances_[:, 0, 0])
    return gain, two.weights_[order], two.means_[order, 0], deviations[order]


def _log_odds(
    weights: npt.NDArray[np.float64],
    means: npt.NDArray[np.float64],
    deviations: npt.NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the log odds of the second hump as a polynomial of the log gap."""
    square = -1 / (2 * deviations**2)
    slope = means / deviations**2
    constant = np.log(weights) - np.log(deviations) - means**2 / (2 * deviations**2)
    return (
        float(square[1] - square[0]),
        float(slope[1] - slope[0]),
        float(constant[1] - constant[0]),
    )


def _crossing(
    weights: npt.NDArray[np.float64],
    means: npt.NDArray[np.float64],
    deviations: npt.NDArray[np.float64],
) -> float:
    """Return the point between the means at which both humps are equally likely."""

    def log_odds(x: float) -> float:
        z = (x - means) / deviations
        density = np.log(weights) - np.log(deviations) - z**2 / 2
        return float(density[1] - density[0])

    low, high = float(means[0]), float(means[1])
    if log_odds(low) > 0 or log_odds(high) < 0:
        return (low + high) / 2
    from scipy.optimize import brentq

    return float(brentq(log_odds, low, high))
