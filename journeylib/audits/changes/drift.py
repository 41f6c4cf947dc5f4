"""Drift: which streams differ from their own past by more than chance, over all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.audits.config.audit_config import ChangeSettings
from journeylib.audits.history import TEST_COLUMNS
from journeylib.core import Floats, adjusted_p_values
from journeylib.measures import ALL, EVENTS

KEY = ["family", "measure", "touchpoint", "detail", "unit"]
Z_LEVEL = 1.959964  # standard errors to either side of an interval of 95 %
WALK = 0.583  # how far a normal walk oversteps a bound, on average (Siegmund 1985)
OVERDISPERSED = 0.1  # q-value below which a stream's weeks differ by more than its customers do
FEW = 20.0  # expected cases below which a share is tested exactly
COMPARABLE = 0.8  # share of cases in strata of both sides, from which mix can be told apart
EXPLAINED = 0.5  # a change of which less than this is left at the same mix is one of mix


@dataclass(frozen=True)
class _Against:
    """The last of some periods against those before it, one entry per stream."""

    before: Floats
    difference: Floats
    se: Floats
    z: Floats
    p: Floats
    n_before: Floats
    references: Floats


def drifts(table: pd.DataFrame, settings: ChangeSettings, *, min_customers: int) -> pd.DataFrame:
    """Compare the last period of every stream with its earlier ones.

    Parameters
    ----------
    table : pandas.DataFrame
        As `period_series.Streams.table`: period 0 is the last.
    settings : ChangeSettings
    min_customers : int

    Returns
    -------
    pandas.DataFrame
        One row per stream that could be compared, columns `TEST_COLUMNS`: ``before`` is the mean
        of the earlier periods by cases; ``lo``, ``hi`` the interval of ``difference``;
        ``same_mix`` the difference at the earlier mix (NaN without strata); ``significant``: it
        passes the control of false alarms over all rows and is large enough to matter.
        Streams of fewer than `min_customers` now are left out.

    Notes
    -----
    Cases in a period have the variance φ/n, φ pooled over periods from customer-clustered
    errors, at least p(1−p) for shares. Earlier periods may differ by more than that: Q over its
    degrees of freedom then multiplies φ, a stream's own (and Student's t) where it stands out
    among all streams (Benjamini and Hochberg, q < .1), else that of all others together, at
    least 1. Shares with few expected cases are tested by Fisher's exact test on the effective
    number of cases.

    Beside the last period a two-sided CUSUM of the standardised differences runs over the earlier
    ones (Page 1954; k = .5), of which the side of the last difference counts. Its p-value is that
    of the highest point of a normal walk, exp(−2k(C + .583)) (Siegmund 1985), and counts above
    h = 5 only. The smaller of both, each weighted by its share of false alarms, goes to Benjamini
    and Hochberg (1995) over all streams.
    """
    crude = table[(table["stratum"] == ALL) & (table["measure"] != EVENTS)]
    if crude.empty:
        return pd.DataFrame(columns=list(TEST_COLUMNS))
    keys, v, se, n, customers = _by_period(crude, settings)
    share = keys.get_level_values("unit").to_numpy() == "share"
    chosen = _seasonal(v.shape[1], settings)
    last = _against(v, se, n, share, chosen[0], settings)
    up, down = _cusum(v, se, n, share, chosen, settings).T
    # A drift speaks for the last period's difference only where it goes the same way.
    cusum = np.where(last.difference >= 0, up, -down)
    lo, hi = _interval(last, share)
    result = keys.to_frame(index=False).assign(
        before=last.before,
        after=v[:, 0],
        difference=last.difference,
        lo=lo,
        hi=hi,
        n_before=last.n_before,
        n_after=n[:, 0],
        customers=customers[:, 0],
        references=last.references,
        z=last.z,
        cusum=cusum,
        p_value=_combined(last.p, cusum, settings),
        same_mix=_at_same_mix(table, keys, chosen[0]),
    )
    return _decided(result, settings, min_customers)


def past_streams(table: pd.DataFrame, settings: ChangeSettings) -> pd.DataFrame:
    """Return what `drifts` compares the last period with: one row per stream, also of few cases.

    As `period_series.Streams.table`, of all earlier periods together; ``customers`` is the
    largest number of one period, so at least so many.
    """
    crude = table[(table["stratum"] == ALL) & (table["measure"] != EVENTS)]
    if crude.empty:
        return crude
    keys, v, _, n, customers = _by_period(crude, settings)
    refs = _seasonal(v.shape[1], settings)[0]
    cases = n[:, refs].sum(axis=1)
    sums = (n[:, refs] * np.where(n[:, refs] > 0, v[:, refs], 0.0)).sum(axis=1)
    past = keys.to_frame(index=False).assign(
        stratum=ALL,
        value=sums / np.where(cases > 0, cases, 1.0),
        n=cases.astype(np.int64),
        customers=np.where(n[:, refs] > 0, customers[:, refs], 0).max(axis=1, initial=0),
    )
    return past[past["n"] > 0].reset_index(drop=True)


def _by_period(
    crude: pd.DataFrame, settings: ChangeSettings
) -> tuple[pd.Index[Any], Floats, Floats, Floats, Floats]:
    """Return streams, and value, error, cases and customers of each in each period."""
    wide = _wide(crude, ("value", "se", "n", "customers"), KEY)
    v, se, n, customers = (one.to_numpy(dtype=np.float64) for one in wide)
    n = np.where(np.isfinite(v), n, 0.0)
    n = np.where(n >= settings.min_cases / 2, n, 0.0)
    return wide[0].index, v, se, n, customers


def without_small_parts(
    tests: pd.DataFrame, *, past: pd.Series[bool], now: pd.Series[bool]
) -> pd.DataFrame:
    """Return tests without the numbers of a side, `past` or `now`, that may not be shown.

    What stays of such a row: the other side, that it was tested, whether it is significant, its
    direction (``z`` of `Z_LEVEL` standard errors, whatever it was), and its customers now.
    """
    if tests.empty:  # of no type either
        return tests
    both = ["difference", "lo", "hi", "cusum", "p_value", "q_value", "same_mix"]
    result = tests.copy()
    for side, shown in (("before", past), ("after", now)):
        result.loc[~shown, side] = np.nan
        result.loc[~shown, f"n_{side}"] = 0
    hidden = ~(past & now)
    result.loc[hidden, both] = np.nan
    result.loc[hidden, "z"] = np.copysign(Z_LEVEL, tests.loc[hidden, "z"])
    result.loc[hidden, "material"] = tests.loc[hidden, "significant"]
    return result


def _interval(last: _Against, share: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the interval of each difference from the test that its p-value is of.

    So it holds 0 exactly where the last period alone is no more than chance, also where that is
    Fisher's or Student's test.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        tested = np.abs(last.difference / last.z)
    se = np.where(np.isfinite(tested) & (tested > 0), tested, last.se)
    lo, hi = last.difference - Z_LEVEL * se, last.difference + Z_LEVEL * se
    # A share of 0 to 1 changes by no more than there is room for.
    return (
        np.where(share, np.fmax(lo, -last.before), lo),
        np.where(share, np.fmin(hi, 1 - last.before), hi),
    )


def _combined(p: Floats, cusum: Floats, settings: ChangeSettings) -> Floats:
    """Return the smaller p-value of the last period and of the CUSUM, each by its share."""
    peak = np.abs(cusum)
    sided = np.where(peak >= settings.cusum_h, 2 * np.exp(-2 * settings.cusum_k * (peak + WALK)), 1)
    both = np.minimum(p / (1 - settings.cusum_share), sided / settings.cusum_share)
    return np.asarray(both.clip(0, 1))


def _decided(result: pd.DataFrame, settings: ChangeSettings, minimum: int) -> pd.DataFrame:
    """Return the streams that may be shown, with the control of false alarms over all of them."""
    enough = (result["n_after"] >= settings.min_cases) & (result["customers"] >= minimum)
    enough &= np.isfinite(result["z"])
    for side in ("before", "after"):
        cases = result[side] * result[f"n_{side}"]
        enough &= presentable(result["measure"], cases, minimum)
    result = result[enough].reset_index(drop=True)
    result["q_value"] = adjusted_p_values(result["p_value"].to_numpy(), "fdr_bh")
    result["material"] = _material(result, settings)
    result["significant"] = result["material"] & (result["q_value"] <= settings.q_value)
    whole = ["n_before", "n_after", "customers", "references"]
    return result.astype(dict.fromkeys(whole, "int64"))[list(TEST_COLUMNS)]


def presentable(measure: pd.Series[str], cases: pd.Series[float], minimum: int) -> pd.Series[bool]:
    """Return which shares may be shown: their cases are none, or at least as many as a cell.

    Asked of what names a transition or a class of journeys; other shares say something of a
    touchpoint whose customers are counted themselves.
    """
    named = measure.str.startswith(("next_", "begins_with_"))
    none = cases.round(6) == 0
    return ~named | none | (cases.round(6) >= minimum)


def _wide(rows: pd.DataFrame, columns: Iterable[str], keys: list[str]) -> list[pd.DataFrame]:
    """Return streams × periods of each column, the last period first, each in its place."""
    rows, periods = rows.set_index([*keys, "period"]), range(int(rows["period"].max()) + 1)
    wide = (rows[name].unstack("period") for name in columns)  # noqa: PD010 - no sums
    return [one.reindex(columns=periods) for one in wide]


def _seasonal(periods: int, settings: ChangeSettings) -> list[list[int]]:
    """Return for each period with which earlier ones it is compared, the last one first."""
    season, chosen = settings.season_periods, []
    for now in range(periods):
        earlier = list(range(now + 1, min(periods, now + 1 + settings.references)))
        if season is not None:
            near = [p for p in range(now + 1, periods) if (p - now + 1) % season <= 2]
            near = [p for p in near if p - now > 1]
            earlier = near if len(near) >= settings.min_references else earlier
        chosen.append(earlier)
    return chosen


def _against(
    v: Floats, se: Floats, n: Floats, share: Floats, refs: list[int], settings: ChangeSettings
) -> _Against:
    """Compare the first column with the columns `refs`."""
    from scipy import special

    value, cases = np.where(n > 0, v, 0.0), n
    error = np.where(n > 0, se, 0.0)
    n0, v0, rn, rv = cases[:, 0], value[:, 0], cases[:, refs], value[:, refs]
    total, count = rn.sum(axis=1), (rn > 0).sum(axis=1).astype(np.float64)
    used = [0, *refs]
    with np.errstate(divide="ignore", invalid="ignore"):
        before = (rn * rv).sum(axis=1) / total
        every = cases[:, used].sum(axis=1)
        phi = (cases[:, used] ** 2 * error[:, used] ** 2).sum(axis=1) / every
        p = (cases[:, used] * value[:, used]).sum(axis=1) / every
        phi = np.where(share, np.maximum(phi, p * (1 - p)), phi)
        q = (rn * (rv - before[:, None]) ** 2).sum(axis=1) / phi
        free = np.maximum(count - 1, 1)
        psi, wild = _overdispersion(q, free, usable=(count > 1) & (phi > 0))
        sd = np.sqrt(psi * phi * (1 / n0 + 1 / total))
        z = (v0 - before) / sd
    tested = (n0 > 0) & (count >= settings.min_references) & (phi > 0)
    z = np.where(tested, z, np.nan)
    tail = np.where(wild, special.stdtr(free, -np.abs(z)), special.ndtr(-np.abs(z)))
    rare = share & tested & (np.minimum(n0 * p, n0 * (1 - p)) < FEW)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = p * (1 - p) / (phi * psi)
    if rare.any():
        tail[rare] = _exact(v0, n0, before, total, effective, rare)
    # As many standard errors as a normal mark of this p-value: rare cases and wild weeks too.
    z = np.where(tested, np.sign(z) * np.abs(special.ndtri(np.clip(tail, 1e-300, 0.5))), np.nan)
    p = np.where(tested, 2 * tail, np.nan).clip(max=1)
    return _Against(before, v0 - before, sd, z, p, total, count)


def _overdispersion(
    q: Floats, free: Floats, *, usable: npt.NDArray[np.bool_]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return by how much weeks differ more than their customers do, and where that is its own.

    Asked of each stream at the level OVERDISPERSED alone, a tenth of quiet ones would be called
    wild and lose the power to find anything: that is asked over all of them. The rest share one
    factor, never below 1.
    """
    from scipy import special

    wild = np.zeros(len(q), dtype=bool)
    p = special.chdtrc(free[usable], q[usable])
    wild[usable] = adjusted_p_values(p, "fdr_bh") < OVERDISPERSED
    calm = usable & ~wild
    shared = max(1.0, float(q[calm].sum() / free[calm].sum())) if calm.any() else 1.0
    return np.where(wild, q / free, shared), wild


def _exact(
    v0: Floats, n0: Floats, before: Floats, total: Floats, effective: Floats, rare: Floats
) -> Floats:
    """Return one-sided p-values of Fisher's exact test on the effective number of cases."""
    from scipy import stats

    share = np.clip(effective[rare], 0.0, 1.0)
    n, m = np.floor(n0[rare] * share), np.floor(total[rare] * share)
    x, y = np.round(v0[rare] * n), np.round(before[rare] * m)
    # Counts of a few occur again and again.
    (x, y, n, m), row = np.unique(np.stack([x, y, n, m]), axis=1, return_inverse=True)
    above = stats.hypergeom.sf(x - 1, n + m, x + y, n)
    below = stats.hypergeom.cdf(x, n + m, x + y, n)
    return np.asarray(np.minimum(above, below)[row])


def _cusum(
    v: Floats,
    se: Floats,
    n: Floats,
    share: Floats,
    chosen: list[list[int]],
    settings: ChangeSettings,
) -> Floats:
    """Run both sides of a CUSUM over the periods, oldest first; return where they stand."""
    sides = np.zeros((len(v), 2))
    for now in range(v.shape[1] - 1, -1, -1):
        if len(chosen[now]) < settings.min_references:
            continue
        here = [now, *chosen[now]]
        inner = list(range(1, len(here)))
        z = _against(v[:, here], se[:, here], n[:, here], share, inner, settings).z
        step = np.where(np.isfinite(z), z, 0.0)
        k = np.where(np.isfinite(z), settings.cusum_k, 0.0)
        sides[:, 0] = np.maximum(0.0, sides[:, 0] + step - k)
        sides[:, 1] = np.maximum(0.0, sides[:, 1] - step - k)
    return sides


def _at_same_mix(table: pd.DataFrame, keys: pd.Index[Any], refs: list[int]) -> Floats:
    """Return the difference that is left when strata weigh as they did before."""
    strata = table[table["stratum"] != ALL]
    nothing = np.full(len(keys), np.nan)
    if strata.empty:
        return nothing
    by = [*KEY, "stratum"]
    v, n = _wide(strata, ("value", "n"), by)
    periods = range(max([0, *refs]) + 1)
    v, n = v.reindex(columns=periods).fillna(0.0), n.reindex(columns=periods).fillna(0.0)
    rows = pd.DataFrame({"now": n[0], "value": v[0], "then": n[refs].sum(axis=1)})
    rows["before"] = (n[refs] * v[refs]).sum(axis=1) / rows["then"].where(rows["then"] > 0)
    whole = rows.groupby(level=KEY)["now"].sum()
    both = rows[(rows["now"] > 0) & (rows["then"] > 0)].copy()
    both["change"] = both["then"] * (both["value"] - both["before"])
    sums = both.groupby(level=KEY)[["now", "then", "change"]].sum()
    comparable = sums["now"] / whole.reindex(sums.index)
    change = (sums["change"] / sums["then"]).where(comparable >= COMPARABLE)
    return np.asarray(change.reindex(keys).to_numpy(dtype=np.float64))


def _material(result: pd.DataFrame, settings: ChangeSettings) -> pd.Series[bool]:
    """Return which differences are large enough to matter."""
    size = result["difference"].abs()
    points = size >= settings.min_points
    ratio = size >= np.log1p(settings.min_relative)
    relative = size >= settings.min_relative * result["before"].abs()
    unit = result["unit"]
    return points.where(unit == "share", ratio.where(unit == "log seconds", relative))


def is_mix(row: Mapping[Any, Any]) -> bool:
    """Return whether most of a difference goes with the mix of cases alone."""
    left = row["same_mix"]
    if not np.isfinite(left):
        return False
    explained = left / row["difference"]
    return bool(explained < EXPLAINED)
