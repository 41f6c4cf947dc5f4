"""Sample ratio: whether customers came into the arms in the shares that were planned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
P_LIMIT = 0.001  # below it a reading stops
RATIO_LIMIT = 1000.0  # from it a watch stops
STRENGTH = 100.0  # of the mixture: Beta(50, 50) around even shares


def chi_square_p(counts: Sequence[tuple[int, int]], shares: Sequence[float]) -> float:
    """Return the p-value of the counts of both arms, over all stages.

    Parameters
    ----------
    counts : sequence of (int, int)
        Customers of the control arm and of the new arm, one pair per stage.
    shares : sequence of float
        Planned share of the new arm in each stage.

    Examples
    --------
    >>> round(chi_square_p([(50_000, 50_612)], [0.5]), 3)
    0.054
    """
    total, freedom = 0.0, 0
    for (control, new), share in zip(counts, shares, strict=True):
        customers = control + new
        if customers == 0:
            continue
        freedom += 1
        total += (new - customers * share) ** 2 / (customers * share * (1 - share))
    return float(special.chdtrc(freedom, total)) if freedom else 1.0


def any_time_ratio(control: ArrayLike, new: ArrayLike, share: float) -> Floats:
    """Return the Bayes factor of other shares against the planned one; stop at 1,000.

    Parameters
    ----------
    control, new : array of int
        Customers so far; any shape.
    share : float
        Planned share of the new arm.

    Notes
    -----
    A Beta mixture around the planned share, worth 100 customers, against that share (Lindon
    and Malek 2022). Stages multiply.
    """
    a, b = STRENGTH * share, STRENGTH * (1 - share)
    x, y = np.asarray(new, dtype=np.float64), np.asarray(control, dtype=np.float64)
    log = special.betaln(a + x, b + y) - special.betaln(a, b)
    log = log - x * np.log(share) - y * np.log(1 - share)
    return np.asarray(np.exp(np.minimum(log, 700.0)), dtype=np.float64)
