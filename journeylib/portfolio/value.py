"""What automating a touchpoint would be worth in a week, net of what its failures cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from journeylib.core import DRAWS, SEED, Floats, text
from journeylib.judge import draw_costs
from journeylib.measures import Evidence, MeasureSettings
from journeylib.portfolio.settings import CandidateSettings, PortfolioSettings

TAILS = (10, 90)  # percentiles between which an input is moved
COMMON = ("human_minute", "failed_contact", "harm")  # the same draw for every touchpoint


@dataclass(frozen=True)
class Driver:
    """How far one input moves a value: all others at their median.

    Attributes
    ----------
    name : str
        The input, as ``portfolio.input`` in the catalogue names it.
    low, high : float
        Value per week at the 10th and at the 90th percentile of the input.
    """

    name: str
    low: float
    high: float

    @property
    def turns_sign(self) -> bool:
        """Whether it decides if automating pays at all."""
        return min(self.low, self.high) < 0 < max(self.low, self.high)


@dataclass(frozen=True)
class Value:
    """The value of automating one touchpoint, in money per week.

    Attributes
    ----------
    point, lower_quartile : float
        Median and lower quartile over resamples of customers and of what is assumed.
    draws : ndarray of float, shape (draws,)
        Draw *b* rests on the same resample of customers as that of every measure.
    source : str
        Where the share that the bot would settle comes from, in words.
    drivers : tuple of Driver
        The input that moves the value most first.
    gross : ndarray of float, shape (draws,)
        Value per contact before building costs, for what is counted twice.
    """

    point: float
    lower_quartile: float
    draws: Floats
    source: str
    drivers: tuple[Driver, ...] = ()
    gross: Floats = field(default_factory=lambda: np.empty(0))


def touchpoint_value(
    evidence: Evidence,
    touchpoint: str,
    candidate: CandidateSettings,
    settings: PortfolioSettings,
    measures: MeasureSettings,
) -> Value | str:
    """Value the automation of one touchpoint, or return why nobody can.

    Notes
    -----
    c·V·[p·(m − review) − (1 − p)·extra] − V·run − V·(1 − p)·harm·loss − build/horizon, with V
    contacts that people take per week and m their minutes, both resampled by customer; p the
    share that the bot would settle: measured here (verified containment), carried over from a
    bot about the same matter, or declared. Grade D: p is not known for contacts that bots have
    not had. Amounts with a range are drawn from a triangle, the same for all touchpoints.
    """
    share = _contained(evidence, touchpoint, candidate, settings)
    if isinstance(share, str):
        return share
    contained, source = share
    visits = _draws(evidence, "human_visits", touchpoint)
    load = _draws(evidence, "load", touchpoint)
    if visits is None or load is None:
        return text("portfolio.why_not.no_contacts")
    minutes = np.divide(load, visits, out=np.zeros_like(load), where=visits > 0)
    inputs = {
        "contained": contained,
        "visits": visits / settings.log_share,
        "minutes": minutes,
        **_money(settings),
    }
    build = settings.build if candidate.build is None else candidate.build
    fixed = build / settings.horizon_weeks

    def worth(inputs: Mapping[str, Floats]) -> Floats:
        gross = _per_contact(inputs, settings, measures)
        return np.asarray(inputs["visits"] * gross - fixed)

    draws = worth(inputs)
    return Value(
        point=float(np.median(draws)),
        lower_quartile=float(np.percentile(draws, 25)),
        draws=draws,
        source=source,
        drivers=_drivers(inputs, worth),
        gross=_per_contact(inputs, settings, measures),
    )


def _per_contact(
    inputs: Mapping[str, Floats], settings: PortfolioSettings, measures: MeasureSettings
) -> Floats:
    p = inputs["contained"]
    saved = p * (inputs["minutes"] - measures.review_minutes) - (1 - p) * measures.failed_minutes
    harm = (1 - p) * inputs["harm"] * inputs["failed_contact"]
    return np.asarray(inputs["human_minute"] * saved - settings.run_per_visit - harm)


def _drivers(
    inputs: Mapping[str, Floats], worth: Callable[[Mapping[str, Floats]], Floats]
) -> tuple[Driver, ...]:
    middle = {name: np.median(draws, keepdims=True) for name, draws in inputs.items()}
    moved = []
    for name, draws in inputs.items():
        ends = [
            float(worth({**middle, name: np.array([end])})[0])
            for end in np.percentile(draws, TAILS)
        ]
        moved.append(Driver(name, *ends))
    return tuple(sorted(moved, key=lambda driver: (-abs(driver.high - driver.low), driver.name)))


def _contained(
    evidence: Evidence, touchpoint: str, candidate: CandidateSettings, settings: PortfolioSettings
) -> tuple[Floats, str] | str:
    """Return the share that a bot would settle, drawn, with where it comes from."""
    if candidate.contained is not None:
        return triangle(candidate.contained, f"contained:{touchpoint}"), text(
            "portfolio.source.assumed"
        )
    transfer = triangle(settings.transfer, "transfer")
    for bot in (candidate.like, touchpoint):
        if bot is None:
            continue
        own = _draws(evidence, "containment", bot)
        if own is not None:
            return np.asarray(own * transfer), text("portfolio.source.carried_over", bot=bot)
        if bot == candidate.like:
            return text("portfolio.why_not.no_containment", bot=bot)
    return text("portfolio.why_not.no_bot")


def _draws(evidence: Evidence, measure: str, touchpoint: str) -> Floats | None:
    names = list(evidence.touchpoints["touchpoint"])
    if touchpoint not in names or measure not in evidence.draws:
        return None
    draws = evidence.draws[measure][:, names.index(touchpoint)]
    return None if np.isnan(draws).any() else np.asarray(draws)


def _money(settings: PortfolioSettings) -> dict[str, Floats]:
    return {name: triangle(getattr(settings, name), name) for name in COMMON}


def triangle(given: float | tuple[float, float, float], stream: str) -> Floats:
    """Draw an amount; the stream is its own, so that one more input moves no other."""
    seed = np.random.SeedSequence([SEED, *stream.encode()])
    rng = np.random.default_rng(seed)
    return draw_costs(given, rng, DRAWS)
