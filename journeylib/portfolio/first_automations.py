"""First automations: three to five conversations under a budget, or that it is not settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, Estimate, Floats, number, percent, text
from journeylib.journeys import Journeys, refuse_absent
from journeylib.judge import Judgement
from journeylib.measures import Evidence, MeasureSettings, whole_weeks
from journeylib.portfolio.optimisation import Limits, select, selection_frequency, shortfall
from journeylib.portfolio.settings import CandidateSettings, PortfolioSettings
from journeylib.portfolio.value import Value, touchpoint_value

SETTLED = 0.6  # share of resamples from which a choice is called settled
OPEN_TO_MACHINES = ("automate", "assist")
FEW = 3
CANDIDATE_COLUMNS = (
    *("touchpoint", "stage", "verdict", "value", "lower_quartile", "build", "chosen"),
    *("selection_frequency", "settled", "source", "why_not", "drivers"),
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
            return text("portfolio.none")
        names = [
            text("portfolio.chosen", name=name, share=percent(often, 0))
            for name, often in zip(rows["touchpoint"], rows["selection_frequency"], strict=True)
        ]
        sentences = [
            text("portfolio.start", names=", ".join(names)),
            text(f"portfolio.{self.answer}"),
            text(
                "portfolio.worth",
                worth=money(self.worth),
                currency=self.currency,
                cost=number(self.cost, 0),
                budget=number(self.budget, 0),
            ),
        ]
        unsure = [
            row["touchpoint"]
            for row in rows.to_dict("records")
            if row["value"].lo is not None and row["value"].lo <= 0
        ]
        if unsure:
            sentences.append(text("portfolio.perhaps", names=", ".join(unsure)))
        if len(rows) < FEW:
            sentences.append(text("portfolio.few", n=len(rows)))
        return " ".join(sentences)


@dataclass(frozen=True)
class _Candidate:
    row: dict[Any, Any]
    settings: CandidateSettings
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
    chosen, often = _choose(free, settings)
    names = [one.name for one in chosen]
    frequency = {one.name: share for one, share in zip(free, often, strict=True)}
    table = pd.DataFrame(
        [_row(one, settings, one.name in names, frequency.get(one.name)) for one in candidates],
        columns=list(CANDIDATE_COLUMNS),
    ).sort_values(["chosen", "lower_quartile", "touchpoint"], ascending=[False, False, True])
    settled = all(frequency[name] >= SETTLED for name in names)
    total = _draws(chosen).sum(axis=1)
    return Portfolio(
        answer="none" if not names else "settled" if settled else "not_settled",
        candidates=table.reset_index(drop=True),
        worth=_worth(total, chosen, settings),
        worst_tenth=shortfall(total) if names else None,
        counted_twice=_counted_twice(journeys, chosen, settings) if names else None,
        cost=float(sum(one.build for one in chosen)),
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
    candidates = []
    for row in judgement.scores.sort_values("touchpoint").to_dict("records"):
        name = row["touchpoint"]
        if name not in settings.candidates and served.get(name) not in ("human", "both"):
            continue
        own = settings.candidates.get(name, CandidateSettings())
        value = touchpoint_value(evidence, name, own, settings, measures)
        build = settings.build if own.build is None else own.build
        candidates.append(_Candidate(row, own, value, build, _why_not(row, value)))
    names = [one.name for one in candidates if one.why_not is None]
    return [_with_company(one, names) for one in candidates]


def _why_not(row: dict[Any, Any], value: Value | str) -> str | None:
    """Return why a touchpoint may not be chosen; None where it may."""
    if row["vetoes"]:
        names = ", ".join(text(f"portfolio.veto.{veto}") for veto in row["vetoes"])
        return text("portfolio.why_not.veto", vetoes=names)
    if row["verdict"] == "abstain":
        return text("portfolio.why_not.no_verdict")
    if row["verdict"] not in OPEN_TO_MACHINES:
        verdict = text(f"portfolio.verdict.{row['verdict']}")
        return text("portfolio.why_not.verdict", verdict=verdict)
    if isinstance(value, str):
        return value
    return None if value.lower_quartile > 0 else text("portfolio.why_not.unsure")


def _with_company(candidate: _Candidate, free: Sequence[str]) -> _Candidate:
    lacking = [name for name in candidate.settings.after if name not in free]
    if candidate.why_not is not None or not lacking:
        return candidate
    return replace(candidate, why_not=text("portfolio.why_not.after", names=", ".join(lacking)))


def _choose(
    free: Sequence[_Candidate], settings: PortfolioSettings
) -> tuple[list[_Candidate], list[float]]:
    if not free:
        return [], []
    places_of = {one.name: index for index, one in enumerate(free)}
    limits = Limits(
        settings.budget,
        settings.fewest,
        settings.most,
        groups=[one.row["stage"] for one in free] if settings.one_per_stage else (),
        after={
            index: [places_of[name] for name in one.settings.after if name in places_of]
            for index, one in enumerate(free)
        },
    )
    draws, costs = _draws(free), [one.build for one in free]
    places = select(
        np.percentile(draws, 25, axis=0),
        costs,
        limits,
        draws=draws,
        risk_aversion=settings.risk_aversion,
    )
    often = selection_frequency(draws, costs, limits)
    return [free[index] for index in places], [float(share) for share in often]


def _draws(candidates: Sequence[_Candidate]) -> Floats:
    draws = [one.value.draws for one in candidates if isinstance(one.value, Value)]
    return np.stack(draws, axis=1) if draws else np.empty((DRAWS, 0))


def _row(
    candidate: _Candidate, settings: PortfolioSettings, chosen: bool, often: float | None
) -> dict[str, Any]:
    value, row = candidate.value, candidate.row
    if isinstance(value, str):
        unit = f"{settings.currency}/week"
        estimate = Estimate.none("unidentified", unit, grade="D", method=value)
    else:
        estimate = _weekly(
            value.draws,
            settings,
            n_customers=int(row["customers"]),
            n_journeys=int(row["journeys"]),
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
        "why_not": text("portfolio.why_not.others") if open_but_left else candidate.why_not,
        "drivers": () if isinstance(value, str) else value.drivers,
    }


def _worth(total: Floats, chosen: Sequence[_Candidate], settings: PortfolioSettings) -> Estimate:
    if not chosen:
        return Estimate.none("unidentified", f"{settings.currency}/week", grade="D")
    return _weekly(
        total,
        settings,
        n_customers=min(int(one.row["customers"]) for one in chosen),
        estimand="what the chosen touchpoints would be worth in a week, added up",
    )


def _weekly(draws: Floats, settings: PortfolioSettings, **fields: Any) -> Estimate:
    """Return the median of `draws` with their middle 95 %, in money per week; assumed."""
    point, lo, hi = (float(x) for x in np.percentile(draws, [50, 2.5, 97.5]))
    return Estimate(point, f"{settings.currency}/week", lo, hi, grade="D", **fields)


def _counted_twice(
    journeys: Journeys, chosen: Sequence[_Candidate], settings: PortfolioSettings
) -> float:
    """Bound what the sum counts twice: contacts after another contact that would be automated.

    Had a bot settled the earlier one, the later might not have come, so its saving is in doubt.
    """
    weeks = whole_weeks(journeys)
    if len(chosen) < 2 or not weeks:
        return 0.0
    events, names = journeys.events, {one.name for one in chosen}
    places = [number for number, name in journeys.names.items() if name in names]
    automated = events.starts_visit & events.column("actor").is_word("human")
    rows = np.flatnonzero(automated & np.isin(events.touchpoint, places))
    later = rows[1:][events.journey[rows[1:]] == events.journey[rows[:-1]]]
    counts = np.bincount(events.touchpoint[later], minlength=len(journeys.names))
    visits = {journeys.names[number]: int(counts[number]) for number in places}
    per_week = weeks * settings.log_share
    return float(
        sum(
            visits[one.name] / per_week * max(0.0, float(np.median(one.value.gross)))
            for one in chosen
            if isinstance(one.value, Value)
        )
    )


def money(estimate: Estimate) -> str:
    """Return an amount with its currency and interval, in whole units."""
    currency = estimate.unit.partition("/")[0]
    if estimate.value is None or estimate.lo is None or estimate.hi is None:
        return text("portfolio.money_unknown")
    value, lo, hi = (number(x, 0) for x in (estimate.value, estimate.lo, estimate.hi))
    return text("portfolio.money", currency=currency, value=value, lo=lo, hi=hi)
