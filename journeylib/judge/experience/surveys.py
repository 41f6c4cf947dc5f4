"""Surveys: outcomes that are answers, and what those who did not answer leave open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, MICRO, US_PER_DAY, ConfigError, Estimate, Floats
from journeylib.journeys import Journeys
from journeylib.judge.estimation.design_matrix import as_covariate
from journeylib.judge.experience.customer_outcomes import of_kind
from journeylib.judge.experience.nonresponse import response_adjusted, response_bounds
from journeylib.log import bounded_share, customer_group, fetch, share_bounds
from journeylib.measures import RATING_SCALES, ratio_of_sums

NPS_SCALE = (0.0, 10.0)
PROMOTES, DETRACTS = 9, 6  # who answers 9 or 10 promotes, who answers 6 or less detracts
COLUMNS = (
    *("kind", "asked", "answered", "response_rate", "mean", "adjusted"),
    *("nps", "worst", "best", "scale_assumed"),
)


@dataclass(frozen=True)
class Scale:
    """Ends of the scale of one survey.

    Attributes
    ----------
    worst, best : float
    assumed : bool
        Read off the answers, not declared.
    silence_recorded : bool
        Whether the outcomes say who was asked and did not answer.
    """

    worst: float
    best: float
    assumed: bool
    silence_recorded: bool

    def place(self, answer: pd.Series[float]) -> pd.Series[float]:
        """Put answers on 0 (worst) to 1 (best)."""
        return (answer - self.worst) / (self.best - self.worst)


def survey_scales(
    journeys: Journeys, declared: Mapping[str, tuple[float, float]]
) -> dict[str, Scale]:
    """Find the outcomes that are answers to a question, by kind in order of name.

    Parameters
    ----------
    journeys : Journeys
    declared : mapping of str to (worst, best)
        Other kinds count as surveys where customers were asked, or values are missing; their
        scale is the first usual one that holds all answers.

    Raises
    ------
    ConfigError
        If answers lie outside a declared scale.
    """
    outcomes = journeys.log.outcomes
    if outcomes is None:
        return {}
    ranges = outcomes.group_by("kind").aggregate(
        low=_.value_micro.min(),
        high=_.value_micro.max(),
        silent=_.value_micro.isnull().any(),
        asked=_.asked_us.notnull().any(),
    )
    seen = journeys.events.once("ranges of outcomes", lambda: fetch(ranges), whatever_cut=True)
    seen = seen.set_index("kind")
    scales = {}
    for kind, row in seen.sort_index().iterrows():
        name = str(kind)
        if name not in declared and not (row["silent"] or row["asked"]):
            continue
        if pd.isna(row["low"]):
            continue
        low, high = float(row["low"]) / MICRO, float(row["high"]) / MICRO
        usual = NPS_SCALE if _is_nps(name) and low >= 0 and high <= 10 else None
        ends = declared.get(name) or usual or _usual_scale(low, high)
        if low < ends[0] or high > ends[1]:
            raise ConfigError(
                f"judge.surveys.{name}: answers lie outside the scale of {ends[0]:g} to "
                f"{ends[1]:g}; name the worst and the best answer that can be given."
            )
        scales[name] = Scale(*ends, name not in declared, bool(row["silent"]))
    return scales


def _is_nps(kind: str) -> bool:
    """Whether a survey asks how likely customers are to recommend, by its name."""
    return bool(re.search(r"(?<![a-z])nps(?![a-z])|promoter", kind.casefold()))


def _usual_scale(low: float, high: float) -> tuple[float, float]:
    """Return the first usual scale that holds all answers, else their own range."""
    fitting = [ends for ends in RATING_SCALES if ends[0] <= low and high <= ends[1]]
    return fitting[0] if fitting else (low, high)


def survey_table(
    journeys: Journeys, scales: Mapping[str, Scale], adjust: Sequence[str] = ()
) -> pd.DataFrame:
    """Return what each survey says, and what its silence leaves open.

    Parameters
    ----------
    journeys : Journeys
    scales : mapping of str to Scale
        As of `survey_scales`.
    adjust : sequence of str
        Columns that may decide who answers; what the customer did before the request counts
        anyway.

    Returns
    -------
    pandas.DataFrame
        One row per survey that enough customers answered to be shown: ``kind`` (str), ``asked``,
        ``answered`` (int, requests); ``response_rate`` (Estimate, share; abstains where silence
        is not recorded); ``mean`` (Estimate, points: the mean of those who answered, with the
        bounds that the silent leave as ``lo`` and ``hi``); ``adjusted`` (Estimate, points: the
        mean of all who were asked as far as what was known then explains who answers; of the
        customers that steps which model each journey work on, and it says so); ``nps`` (Estimate,
        points: promoters less detractors, of 100 answers, where the survey is one of recommending,
        by its name, on 0 to 10; with the same bounds). Mean and score abstain with ``privacy`` and
        hold bounds, where they would tell what a few customers answered; ``worst``, ``best``
        (float); ``scale_assumed`` (bool).

    Notes
    -----
    The bounds are Manski's (1990): they hold whatever the silent would have said, and carry no
    sampling error. ``adjusted`` stands beside them, never in their place: what makes people answer
    may be just what the log does not hold.
    """
    rows = [_survey(journeys, kind, scale, adjust) for kind, scale in scales.items()]
    return pd.DataFrame([row for row in rows if row is not None], columns=list(COLUMNS))


def _survey(
    journeys: Journeys, kind: str, scale: Scale, adjust: Sequence[str]
) -> tuple[Any, ...] | None:
    outcomes = journeys.log.outcomes
    assert outcomes is not None
    requests = outcomes.filter(_.kind == kind)
    group = customer_group(requests.customer)
    asked = fetch(requests.select("customer", "value_micro", group=group))
    answered = asked[asked["value_micro"].notna()]
    customers = int(answered["customer"].nunique())
    if customers < journeys.settings.min_customers:
        return None
    replies = Replies(
        asked["value_micro"].astype("float64").to_numpy(na_value=np.nan) / MICRO,
        pd.factorize(asked["customer"])[0],
        scale,
        journeys.settings.min_customers,
    )
    mean, adjusted = _mean(replies), _adjusted(journeys, kind, scale, adjust)
    if mean.value is None and adjusted.value is not None:
        adjusted = Estimate.none("privacy", "points", estimand=adjusted.estimand)
    estimates = (
        _response_rate(asked, scale, journeys.settings.min_customers),
        mean,
        adjusted,
        _net_promoter_score(replies, kind),
    )
    ends = (scale.worst, scale.best, scale.assumed)
    return (kind, len(asked), len(answered), *estimates, *ends)


@dataclass(frozen=True)
class Replies:
    """What each request of one survey brought.

    Attributes
    ----------
    answers : ndarray of float64, shape (requests,)
        NaN where the customer was silent.
    customer : ndarray of int64, shape (requests,)
        Number of the customer who was asked.
    scale : Scale
    minimum : int
        Fewest customers of whom something may be told.
    """

    answers: Floats
    customer: npt.NDArray[np.int64]
    scale: Scale
    minimum: int

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """Requests that were answered."""
        return np.isfinite(self.answers)

    @property
    def customers(self) -> int:
        """How many customers answered."""
        return len(np.unique(self.customer[self.given]))

    def share(self, of_them: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Return ends of the share of answers that are such: one number, where it may be shown.

        Fewer customers than the minimum who gave such an answer, or who gave another, are not
        told apart from none.
        """
        such, who = of_them[self.given], self.customer[self.given]
        ends = share_bounds(such.sum(), len(such), minimum=self.minimum, of_persons=True)
        fewest = min(len(np.unique(who[such])), len(np.unique(who[~such])))
        if ends is None and 1 < self.minimum > fewest:
            return 0.0, 1.0
        return ends or (float(such.mean()), float(such.mean()))

    def of_nearly_all(self, answer: float) -> float | None:
        """Return the least share of an answer that all but a few customers gave, else None."""
        such = self.answers == answer
        lo, hi = self.share(such)
        others = len(np.unique(self.customer[self.given & ~such]))
        return lo if lo < hi == 1.0 and others < self.minimum else None


def _mean(replies: Replies) -> Estimate:
    """Return the mean answer; its ends alone, where all but a few gave the worst or the best."""
    scale = replies.scale
    mean = response_bounds(
        np.sort(replies.answers), worst=scale.worst, best=scale.best, unit="points"
    )
    lo, hi = (mean.lo, mean.hi) if scale.silence_recorded else (None, None)
    mean = replace(mean, n_customers=replies.customers, lo=lo, hi=hi)
    span = scale.best - scale.worst
    alike_best, alike_worst = (replies.of_nearly_all(end) for end in (scale.best, scale.worst))
    if alike_best is not None:
        ends = scale.worst + span * alike_best, scale.best
    elif alike_worst is not None:
        ends = scale.worst, scale.best - span * alike_worst
    else:
        return mean
    if scale.silence_recorded:
        silent = 1 - replies.given.mean()
        ends = (
            ends[0] + silent * (scale.worst - ends[0]), ends[1] + silent * (scale.best - ends[1])
        )  # fmt: skip
    return replace(mean, value=None, lo=ends[0], hi=ends[1], abstain="privacy")


def _net_promoter_score(replies: Replies, kind: str) -> Estimate:
    """Return promoters less detractors, of 100 answers; the bounds make the silent one of them.

    Where a few promote or detract, or all but a few do, bounds take its place.
    """
    scale, estimand = replies.scale, "promoters less detractors, of 100 answers"
    if not _is_nps(kind) or (scale.worst, scale.best) != NPS_SCALE:
        return Estimate.none("no_column", "points", estimand=estimand)
    promote = replies.share(replies.answers >= PROMOTES)
    detract = replies.share(replies.answers <= DETRACTS)
    least, most = 100 * (promote[0] - detract[1]), 100 * (promote[1] - detract[0])
    value = least if least == most else None
    lo, hi = (least, most) if value is None else (None, None)
    if scale.silence_recorded:
        rate = float(replies.given.mean())
        lo, hi = (rate * end + sign * 100 * (1 - rate) for end, sign in ((least, -1), (most, 1)))
        lo, hi = (lo, hi) if value is None else (min(lo, value), max(hi, value))
    return Estimate(
        value,
        "points",
        lo,
        hi,
        n_customers=replies.customers,
        abstain="privacy" if value is None else None,
        estimand=estimand,
    )


def _adjusted(journeys: Journeys, kind: str, scale: Scale, adjust: Sequence[str]) -> Estimate:
    """Return the mean over all who were asked, as far as the log explains who answers."""
    what = {"estimand": "mean over everyone who was asked"}
    if not journeys.has_clock:
        return Estimate.none("no_clock", "points", **what)
    if not scale.silence_recorded:
        return Estimate.none("unidentified", "points", **what)
    requests = of_kind(journeys, kind)
    requests = requests.assign(at=requests["asked_us"].fillna(requests["t_us"])).dropna(
        subset=["at"]
    )
    sample = journeys.sample
    if sample.picked is not None:
        requests = requests[requests["customer_no"].isin(fetch(sample.picked)["customer_no"])]
    requests = requests.sort_values(["at", "value_micro", "customer_no"], ignore_index=True)
    covariates = _known_then(journeys, requests, adjust)
    seen = covariates["contacts"] > 0  # of others the log holds nothing from before the request
    answers = requests.loc[seen, "value_micro"].astype("float64").to_numpy(na_value=np.nan) / MICRO
    customers = requests.loc[seen, "customer_no"].to_numpy(dtype=np.int64)
    return sample.annotate(response_adjusted(answers, covariates[seen], customers, unit="points"))


def _known_then(journeys: Journeys, requests: pd.DataFrame, adjust: Sequence[str]) -> pd.DataFrame:
    """Return what the log held of the customer up to each request, row by row."""
    asked = ibis.memtable(
        pd.DataFrame(
            {
                "row": np.arange(len(requests)),
                "customer_no": requests["customer_no"].to_numpy(dtype=np.int64),
                "at": requests["at"].to_numpy(dtype=np.int64),
            }
        )
    )
    named = {f"known_{i}": _[name] for i, name in enumerate(adjust)}
    steps = journeys.steps.select("customer_no", "t_us", "journey", "step", "touchpoint", **named)
    order = ibis.window(group_by="row", order_by=["t_us", "journey", "step"])
    before = asked.inner_join(steps, "customer_no").filter(_.t_us <= _.at)
    before = before.mutate(place=ibis.row_number().over(order))
    last = {"touchpoint": _.touchpoint.argmax(_.place)}
    last |= {name: _[name].argmax(_.place, where=_[name].notnull()) for name in named}
    rows = fetch(
        before.group_by("row").aggregate(
            contacts=_.count(),
            journeys=_.journey.nunique(),
            first_us=_.t_us.min(),
            last_us=_.t_us.max(),
            **last,
        )
    ).set_index("row")
    rows = rows.reindex(range(len(requests)))
    at = requests["at"].astype("float64")
    days = {name: (at - rows[f"{name}_us"]) / US_PER_DAY for name in ("first", "last")}
    return pd.DataFrame(
        {
            "contacts": rows["contacts"].fillna(0).astype("float64"),
            "journeys": rows["journeys"].fillna(0).astype("float64"),
            "days_since_first": np.log1p(days["first"].clip(lower=0)),
            "days_since_last": np.log1p(days["last"].clip(lower=0)),
            "last_touchpoint": rows["touchpoint"].astype(object),
            **{
                f"declared {name}": as_covariate(rows[f"known_{i}"])
                for i, name in enumerate(adjust)
            },
        }
    )


def _response_rate(asked: pd.DataFrame, scale: Scale, minimum: int) -> Estimate:
    base: dict[str, Any] = {
        "n_customers": int(asked["customer"].nunique()),
        "estimand": "requests that were answered",
    }
    if not scale.silence_recorded:
        return Estimate.none("unidentified", "share", n_events=len(asked), **base)
    sums = np.zeros((GROUPS, 1, 2))
    group = asked["group"].to_numpy(dtype=np.int64)
    sums[:, 0, 0] = np.bincount(group[asked["value_micro"].notna()], minlength=GROUPS)
    sums[:, 0, 1] = np.bincount(group, minlength=GROUPS)
    rate = ratio_of_sums(sums, unit="share", n_journeys=0, min_customers=1, **base)
    answered = float(sums[:, 0, 0].sum())
    return bounded_share(rate, answered, len(asked), minimum=minimum, of_persons=True)
