"""First automations: three to five conversations under a budget, or that it is not settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import DRAWS, Estimate, Floats, percent
from journeylib.journeys import Journeys, refuse_absent
from journeylib.judge import Judgement
from journeylib.log import fetch
from journeylib.measures import Evidence, MeasureSettings, whole_weeks
from journeylib.portfolio.optimisation import Limits, select, selection_frequency, shortfall
from journeylib.portfolio.settings import CandidateSettings, PortfolioSettings
from journeylib.portfolio.value import Value, touchpoint_value

SETTLED = 0.6  # share of resamples from which a choice is called settled
OPEN_TO_MACHINES = ("automate", "assist")
FEW = 3
CANDIDATE_COLUMNS = (
    "touchpoint",
    "stage",
    "verdict",
    "value",
    "lower_quartile",
    "build",
    "chosen",
    "selection_frequency",
    "settled",
    "source",
    "why_not",
    "drivers",
)


@dataclass(frozen=True)
class Portfolio:
    """Which touchpoints to automate first, and how sure that is.

    Attributes
    ----------
    answer : {"settled", "not_settled", "none"}
        ``settled``: every one chosen is chosen in at least 60 % of resamples.
    candidates : DataFrame
        One row per judged touchpoint that people serve, or that the settings name; chosen ones
        first, then by lower quartile: `touchpoint`, `stage`, `verdict`, `value` (Estimate,
        money per week), `lower_quartile` and `build` (money), `chosen` (bool),
        `selection_frequency` (0..1, NaN where it may not be chosen), `settled` (bool), `source`
        (of the share that a bot settles), `why_not` (str or None), `drivers` (tuple of Driver).
    worth : Estimate
        Of all those chosen together, per week, as a sum.
    worst_tenth : float or None
        Mean worth in the worst tenth of resamples.
    counted_twice : float or None
        At most so much of the sum, per week, comes from contacts in journeys that another
        chosen touchpoint may have ended before.
    cost, budget : float
        Of building those chosen, and what there is.
    currency : str
    """

    answer: Literal["settled", "not_settled", "none"]
    candidates: pd.DataFrame
    worth: Estimate
    worst_tenth: float | None
    counted_twice: float | None
    cost: float
    budget: float
    currency: str

    @property
    def chosen(self) -> tuple[str, ...]:
        """Those to begin with, the most valuable first."""
        return tuple(self.candidates.loc[self.candidates["chosen"], "touchpoint"])

    @property
    def text(self) -> str:
        """The answer in a few sentences, in words of assumption."""
        rows = self.candidates[self.candidates["chosen"]]
        if rows.empty:
            return (
                "No first automation can be named: none that may be automated is sure enough to "
                "be worth its price. No veto was relaxed to find one."
            )
        named = [
            f"{name} ({percent(often, 0)})"
            for name, often in zip(rows["touchpoint"], rows["selection_frequency"], strict=True)
        ]
        sure = (
            "Each is chosen in at least 60 % of resamples."
            if self.answer == "settled"
            else "Not settled: resamples choose otherwise too often."
        )
        few = (
            f" Only {len(rows)} may be chosen; no veto was relaxed to reach three."
            if len(rows) < FEW
            else ""
        )
        return (
            f"Start with {', '.join(named)}; in brackets the share of resamples that choose it. "
            f"{sure} Together they are assumed to be worth {money(self.worth)} a week, for "
            f"{self.currency} {self.cost:,.0f} of a budget of {self.budget:,.0f}.{few}"
        )


@dataclass(frozen=True)
class _Candidate:
    row: dict[Any, Any]
    said: CandidateSettings
    value: Value | str
    build: float
    why_not: str | None = None

    @property
    def name(self) -> str:
        return str(self.row["touchpoint"])


def portfolio(
    journeys: Journeys,
    evidence: Evidence,
    judgement: Judgement,
    settings: PortfolioSettings,
    measures: MeasureSettings | None = None,
) -> Portfolio:
    """Choose the first automations.

    Parameters
    ----------
    journeys, evidence, judgement
        Of one log.
    settings : PortfolioSettings
        Budget, costs, and what is said of single touchpoints.
    measures : MeasureSettings, optional
        Those that `evidence` was measured with.

    Returns
    -------
    Portfolio

    Raises
    ------
    ConfigError
        If a candidate is no touchpoint of the log.

    Notes
    -----
    A touchpoint may be chosen where its verdict is `automate` or `assist`, nothing vetoes it,
    and the lower quartile of its value is above zero. The choice maximises lower quartiles, less
    the expected shortfall; the frequency says how often resamples of the customers would choose
    the same. Where fewer than three may be chosen, there are fewer.
    """
    refuse_absent(journeys, settings, "portfolio")
    candidates = _candidates(evidence, judgement, settings, measures or MeasureSettings())
    free = [one for one in candidates if one.why_not is None]
    picked, often = _choose(free, settings)
    names = [one.name for one in picked]
    frequency = {one.name: share for one, share in zip(free, often, strict=True)}
    table = pd.DataFrame(
        [_row(one, settings, one.name in names, frequency.get(one.name)) for one in candidates],
        columns=list(CANDIDATE_COLUMNS),
    ).sort_values(["chosen", "lower_quartile", "touchpoint"], ascending=[False, False, True])
    settled = [frequency[name] >= SETTLED for name in names]
    total = _draws(picked).sum(axis=1)
    return Portfolio(
        answer="none" if not names else "settled" if all(settled) else "not_settled",
        candidates=table.reset_index(drop=True),
        worth=_worth(total, picked, settings),
        worst_tenth=shortfall(total) if names else None,
        counted_twice=_counted_twice(journeys, picked, settings) if names else None,
        cost=float(sum(one.build for one in picked)),
        budget=settings.budget,
        currency=settings.currency,
    )


def _candidates(
    evidence: Evidence,
    judgement: Judgement,
    settings: PortfolioSettings,
    measures: MeasureSettings,
) -> list[_Candidate]:
    """Return touchpoints that people serve, and those that the settings name, by name."""
    served = evidence.touchpoints.set_index("touchpoint")["served_by"]
    found = []
    for row in judgement.scores.sort_values("touchpoint").to_dict("records"):
        name = row["touchpoint"]
        if name not in settings.candidates and served.get(name) not in ("human", "both"):
            continue
        said = settings.candidates.get(name, CandidateSettings())
        value = touchpoint_value(evidence, name, said, settings, measures)
        build = settings.build if said.build is None else said.build
        found.append(_Candidate(row, said, value, build, _why_not(row, value)))
    names = [one.name for one in found if one.why_not is None]
    return [_with_company(one, names) for one in found]


def _why_not(row: dict[Any, Any], value: Value | str) -> str | None:
    """Say why a touchpoint may not be chosen; None where it may."""
    if row["vetoes"]:
        return f"vetoed: {', '.join(str(veto).replace('_', ' ') for veto in row['vetoes'])}"
    if row["verdict"] == "abstain":
        return "no verdict"
    if row["verdict"] not in OPEN_TO_MACHINES:
        return f"verdict: {str(row['verdict']).replace('_', ' ')}"
    if isinstance(value, str):
        return value
    return None if value.lower_quartile > 0 else "not sure enough to be worth its price"


def _with_company(candidate: _Candidate, free: Sequence[str]) -> _Candidate:
    lacking = [name for name in candidate.said.after if name not in free]
    if candidate.why_not is not None or not lacking:
        return candidate
    return replace(candidate, why_not=f"needs {', '.join(lacking)} first")


def _choose(
    free: Sequence[_Candidate], settings: PortfolioSettings
) -> tuple[list[_Candidate], list[float]]:
    if not free:
        return [], []
    spots = {one.name: spot for spot, one in enumerate(free)}
    limits = Limits(
        settings.budget,
        settings.fewest,
        settings.most,
        groups=[one.row["stage"] for one in free] if settings.one_per_stage else (),
        after={
            spot: [spots[name] for name in one.said.after if name in spots]
            for spot, one in enumerate(free)
        },
    )
    draws, costs = _draws(free), [one.build for one in free]
    picked = select(
        np.percentile(draws, 25, axis=0),
        costs,
        limits,
        draws=draws,
        risk_aversion=settings.risk_aversion,
    )
    often = selection_frequency(draws, costs, limits)
    return [free[spot] for spot in picked], [float(share) for share in often]


def _draws(candidates: Sequence[_Candidate]) -> Floats:
    drawn = [one.value.draws for one in candidates if isinstance(one.value, Value)]
    return np.stack(drawn, axis=1) if drawn else np.empty((DRAWS, 0))


def _row(
    candidate: _Candidate, settings: PortfolioSettings, chosen: bool, often: float | None
) -> dict[str, Any]:
    value, row = candidate.value, candidate.row
    unit = f"{settings.currency}/week"
    if isinstance(value, str):
        estimate = Estimate.none("unidentified", unit, grade="D", method=value)
    else:
        lo, hi = np.percentile(value.draws, [2.5, 97.5])
        estimate = Estimate(
            value.point,
            unit,
            float(lo),
            float(hi),
            n_customers=int(row["customers"]),
            n_journeys=int(row["journeys"]),
            grade="D",
            estimand="what automating the touchpoint would be worth in a week",
            method="resamples of customers and of what is assumed",
            assumptions=(value.source,),
        )
    open_but_left = candidate.why_not is None and not chosen
    return {
        "touchpoint": candidate.name,
        "stage": row["stage"],
        "verdict": row["verdict"],
        "value": estimate,
        "lower_quartile": np.nan if isinstance(value, str) else value.lower_quartile,
        "build": float(candidate.build),
        "chosen": chosen,
        "selection_frequency": np.nan if often is None else often,
        "settled": often is not None and often >= SETTLED,
        "source": "" if isinstance(value, str) else value.source,
        "why_not": "others are worth more within the limits"
        if open_but_left
        else candidate.why_not,
        "drivers": () if isinstance(value, str) else value.drivers,
    }


def _worth(total: Floats, picked: Sequence[_Candidate], settings: PortfolioSettings) -> Estimate:
    unit = f"{settings.currency}/week"
    if not picked:
        return Estimate.none("unidentified", unit, grade="D")
    lo, hi = np.percentile(total, [2.5, 97.5])
    return Estimate(
        float(np.median(total)),
        unit,
        float(lo),
        float(hi),
        n_customers=min(int(one.row["customers"]) for one in picked),
        grade="D",
        estimand="what the chosen touchpoints would be worth in a week, added up",
    )


def _counted_twice(
    journeys: Journeys, picked: Sequence[_Candidate], settings: PortfolioSettings
) -> float:
    """Bound what the sum counts twice: contacts after another contact that would be automated.

    Had a bot settled the earlier one, the later might not have come, so its saving is in doubt.
    """
    weeks = whole_weeks(journeys)
    if len(picked) < 2 or not weeks:
        return 0.0
    humans = journeys.steps.filter(_.starts_visit, _.actor == "human")
    within = humans.filter(_.touchpoint.isin([one.name for one in picked]))
    so_far = ibis.window(group_by="journey", order_by="step")
    later = within.mutate(before=ibis.row_number().over(so_far)).filter(_.before > 0)
    per_week = weeks * settings.log_share
    counted = fetch(later.group_by("touchpoint").aggregate(visits=_.count()))
    visits = dict(zip(counted["touchpoint"], counted["visits"], strict=True))
    return float(
        sum(
            visits.get(one.name, 0) / per_week * max(0.0, float(np.median(one.value.gross)))
            for one in picked
            if isinstance(one.value, Value)
        )
    )


def money(estimate: Estimate) -> str:
    """Return an amount with its currency and interval, in whole units."""
    currency = estimate.unit.partition("/")[0]
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return "an unknown amount"
    return f"{currency} {estimate.value:,.0f} ({estimate.lo:,.0f} to {estimate.hi:,.0f})"
