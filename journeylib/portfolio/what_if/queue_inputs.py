"""What the forecast of a queue needs, estimated from the log in every resample of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, GROUPS, SEED, Floats, Grade, group_weights
from journeylib.journeys import MISSING
from journeylib.measures import MeasureSettings
from journeylib.portfolio.settings import CandidateSettings, PortfolioSettings
from journeylib.portfolio.value import triangle
from journeylib.portfolio.what_if.people_contacts import HOURS, QueueRecords
from journeylib.portfolio.what_if.queue_forecast import Lengths, Matter, Team

US_PER_MINUTE = 60_000_000
BINS = 200
SHARED = 0.5  # of a touchpoint's contacts, taken by the people of another: one team
KNOWN = 0.8  # of the waits of a team
FEWEST_HANDED, FEWEST_SESSIONS = 30, 30
Source = Literal["own", "like", "declared", "lab"]
Informs = Literal["contained", "returns", "reaches_people"]


@dataclass(frozen=True)
class LabResult:
    """What the new arm of an experiment at a touchpoint shows of its bot.

    Attributes
    ----------
    experiment, touchpoint : str
    informs : {"contained", "returns", "reaches_people"}
        Share of the bot's contacts that no person joins; share of these that come back; share
        of its customers who come to a person, soon or later.
    value, error : float
        With its standard error.
    customers : int
        Of the new arm.
    grade : {"A", "C"}
        Only results of grade A take the place of an assumption.
    """

    experiment: str
    touchpoint: str
    informs: Informs
    value: float
    error: float
    customers: int
    grade: Grade


@dataclass(frozen=True)
class Terms:
    """What is declared, not read from the log.

    Attributes
    ----------
    measures : MeasureSettings
    portfolio : PortfolioSettings or None
        Money, the share of the company that the log holds, and what is said of touchpoints.
    staff : int or None
        People at work in every hour in which contacts come.
    patience_minutes : float or None
        Used where nobody in the log gives up.
    min_customers : int
    vetoes : mapping of str to tuple of str
        Touchpoints that no bot may have.
    lab : tuple of LabResult
        What experiments found.
    """

    measures: MeasureSettings
    portfolio: PortfolioSettings | None = None
    staff: int | None = None
    patience_minutes: float | None = None
    min_customers: int = 10
    vetoes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lab: tuple[LabResult, ...] = ()

    @property
    def log_share(self) -> float:
        """Share of the company's contacts that the log holds."""
        return 1.0 if self.portfolio is None else self.portfolio.log_share

    def candidate(self, touchpoint: str) -> CandidateSettings:
        """What is said of a touchpoint."""
        candidates = {} if self.portfolio is None else self.portfolio.candidates
        return candidates.get(touchpoint, CandidateSettings())

    def lab_at(self, touchpoint: str) -> dict[Informs, LabResult]:
        """What experiments of grade A at a touchpoint found, the last one of each kind."""
        here = [one for one in self.lab if one.touchpoint == touchpoint and one.grade == "A"]
        return {one.informs: one for one in here}


@dataclass(frozen=True, eq=False)
class Moved:
    """A matter to be moved, with where its shares come from.

    Attributes
    ----------
    name : str
    matter, naive : Matter
        As estimated; and as one takes it who forgets repeats, difficulty and transfer.
    source : {"own", "like", "declared", "lab"}
        Of the share that the bot solves.
    bot : str
        The touchpoint of that bot; "" where the share is declared.
    lab : tuple of LabResult
        Experiments whose figures are used.
    verified : (float, float) or None
        Bounds of the share that the bot solves.
    returns_known : bool
        Whether anything shows who comes back after the bot; else nobody is taken to.
    """

    name: str
    matter: Matter
    naive: Matter
    source: Source
    bot: str
    lab: tuple[LabResult, ...]
    verified: tuple[float, float] | None
    returns_known: bool = True

    @property
    def measured(self) -> bool:
        """Whether all shares are measured at the matter itself: grade C, never more."""
        return self.source in ("own", "lab") and self.returns_known


@dataclass(frozen=True, eq=False)
class _Shares:
    """What a bot solves, drawn: carried over to the matter, and plain; and what comes back."""

    source: Source
    bot: str
    contained: Floats
    plain: Floats
    returns: Floats
    lab: tuple[LabResult, ...] = ()


def resample_weights(draws: int) -> Floats:
    """Return how often each customer group counts: first the log as it is, then resamples."""
    return np.vstack([np.ones(GROUPS), group_weights(DRAWS)[:draws]]).astype(np.float64)


def by_group(groups: pd.Series[int], column: np.ndarray, columns: int) -> Floats:
    """Count rows by customer group and place, as whole numbers."""
    cells = groups.to_numpy() * columns + column
    counts = np.bincount(cells, minlength=GROUPS * columns)
    return counts.reshape(GROUPS, columns).astype(np.float64)


def team_of(records: QueueRecords, touchpoint: str) -> tuple[str, ...]:
    """Return the touchpoints that the people of a touchpoint mostly serve, itself first."""
    rows = records.contacts[records.contacts["resource"] != ""]
    own = set(rows.loc[rows["touchpoint"] == touchpoint, "resource"])
    shared = rows["resource"].isin(own).groupby(rows["touchpoint"]).mean()
    others = [name for name, share in shared.items() if share >= SHARED and name != touchpoint]
    return (touchpoint, *sorted(str(name) for name in others))


def team_inputs(records: QueueRecords, names: tuple[str, ...], terms: Terms, draws: int) -> Team:
    """Estimate arrivals, minutes, patience and returns of a team, and who is at work."""
    rows = records.contacts[records.contacts["touchpoint"].isin(names)]
    weights = resample_weights(draws)
    per_week = records.weeks * 60 * terms.log_share
    rate = weights @ by_group(rows["group"], rows["hour"].to_numpy(), HOURS) / per_week
    waits = rows[rows["wait_us"] != MISSING]
    abandoned = waits[waits["gave_up"]]
    waited, gave_up, back = (
        weights @ _sums(part["group"], value)
        for part, value in (
            (waits, waits["wait_us"]),
            (abandoned, np.ones(len(abandoned), dtype=np.int64)),
            (abandoned, abandoned["came_back"]),
        )
    )
    declared = np.nan if terms.patience_minutes is None else terms.patience_minutes
    with np.errstate(divide="ignore", invalid="ignore"):
        patience = np.where(gave_up > 0, waited / US_PER_MINUTE / gave_up, declared)
        share_back = np.where(gave_up > 0, back / gave_up, 0.0)
    waits_known = len(waits) >= KNOWN * len(rows) and int(waits["wait_us"].sum()) > 0
    usable = waits_known and bool((np.isfinite(patience) & (patience > 0)).all())
    staff = _staff(rows, terms) if usable else None
    safe = patience if usable else np.ones(len(weights))
    return Team(rate, mean_minutes(rows, weights), safe, share_back, staff)


def moved_inputs(records: QueueRecords, name: str, terms: Terms, draws: int) -> Moved | None:
    """Estimate what is needed of a matter that moves; None where nobody knows what a bot solves."""
    shares = _bot_shares(records, name, terms, draws)
    if shares is None:
        return None
    contained, plain, returns = shares.contained, shares.plain, shares.returns
    contacts, weights = records.contacts, resample_weights(draws)
    here = contacts["touchpoint"] == name
    direct = contacts[here & (contacts["bot"] != name)]
    sessions = records.bots[records.bots["touchpoint"] == name]
    people, bots = (
        weights @ by_group(rows["group"], rows["hour"].to_numpy(), HOURS)
        for rows in (direct, sessions)
    )
    rate = (people + bots) / (records.weeks * 60 * terms.log_share)
    share = bots.sum(axis=1) / np.maximum((people + bots).sum(axis=1), 1.0)
    own = contacts[here & (contacts["bot"] == name) & (contacts["end_us"] != MISSING)]
    minutes = mean_minutes(own, weights) if len(own) >= FEWEST_HANDED else None
    lengths, extra = lengths_of(direct, weights), terms.measures.failed_minutes
    nothing = np.zeros(len(weights))
    mature = records.bots[(records.bots["touchpoint"] == shares.bot) & records.bots["mature"]]
    verified = None
    if len(mature):
        sure, unknown = mature["verified"].mean(), mature["unknown"].mean()
        verified = float(sure), float(sure + unknown)
    return Moved(
        name,
        Matter(rate, lengths, share, contained, returns, minutes, extra),
        Matter(rate, lengths, share, plain, nothing),
        shares.source,
        shares.bot,
        shares.lab,
        verified,
        _returns_known(records, shares),
    )


def lengths_of(rows: pd.DataFrame, weights: Floats) -> Lengths:
    """Return the histogram of service minutes in every resample."""
    timed = rows[rows["end_us"] != MISSING]
    service = (timed["end_us"] - timed["begin_us"]).to_numpy()
    edges = np.unique(np.sort(service)[np.linspace(0, len(service) - 1, BINS).astype(int)])
    bin_of = np.searchsorted(edges, service)
    sums = np.bincount(bin_of, service.astype(np.float64), minlength=len(edges))
    counts = np.bincount(bin_of, minlength=len(edges))
    minutes = sums / np.maximum(counts, 1) / US_PER_MINUTE
    return Lengths(weights @ by_group(timed["group"], bin_of, len(edges)), minutes)


def mean_minutes(rows: pd.DataFrame, weights: Floats) -> Floats:
    """Return the mean service minutes of the rows whose end is known, NaN without any."""
    timed = rows[rows["end_us"] != MISSING]
    service = weights @ _sums(timed["group"], timed["end_us"] - timed["begin_us"])
    many = weights @ _sums(timed["group"], np.ones(len(timed), dtype=np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(service / US_PER_MINUTE / many)


def _sums(groups: pd.Series[int], value: pd.Series[int] | np.ndarray) -> Floats:
    # Float sums of whole numbers below 2^53 are exact, whatever their order.
    whole = np.asarray(value).astype(np.float64)
    return np.asarray(np.bincount(groups.to_numpy(), whole, minlength=GROUPS), dtype=np.float64)


def _bot_shares(records: QueueRecords, name: str, terms: Terms, draws: int) -> _Shares | None:
    """Return what a bot solves: its own figures, those of a bot like it, or what is declared."""
    mature = records.bots[records.bots["mature"]]
    candidate = terms.candidate(name)
    own = _of_bot(mature, name, terms, draws)
    if own is not None:
        return own
    like = None if candidate.like is None else _of_bot(mature, candidate.like, terms, draws)
    if like is not None:
        assert terms.portfolio is not None
        transfer = _drawn(terms.portfolio.transfer, "transfer", draws)
        return replace(like, source="like", contained=like.plain * transfer)
    if candidate.contained is None:
        return None
    declared = _drawn(candidate.contained, f"contained:{name}", draws)
    returns, used = _returns(mature, "back", terms.lab_at(name), draws)
    return _Shares("declared", "", declared, declared, returns, used)


def _returns_known(records: QueueRecords, shares: _Shares) -> bool:
    """Whether an experiment, or a bot's sessions of customers one knows, show who comes back."""
    if any(one.informs in ("returns", "reaches_people") for one in shares.lab):
        return True
    tried = records.bots["mature"] & records.bots["raw"]
    return records.knows_customers and bool(tried.any())


def _of_bot(mature: pd.DataFrame, bot: str, terms: Terms, draws: int) -> _Shares | None:
    """Return what a bot solves by the lab, else by its own sessions; None without either."""
    rows, results = mature[mature["touchpoint"] == bot], terms.lab_at(bot)
    logged = len(rows) >= FEWEST_SESSIONS
    base, stream = (rows, f"back:{bot}") if logged else (mature, "back")
    returns, used = _returns(base, stream, results, draws)
    result = results.get("contained") or results.get("reaches_people")
    if result is not None:
        contained = _drawn_lab(result, draws)
        if result.informs == "reaches_people":
            contained = np.clip((1 - contained) / np.maximum(1 - returns, 1e-9), 0.0, 1.0)
        return _Shares("lab", bot, contained, contained, returns, (result, *used))
    if not logged:
        return None
    contained = _beta(int(rows["raw"].sum()), len(rows), f"contained:{bot}", draws)
    return _Shares("own", bot, contained, contained, returns, used)


def _returns(
    rows: pd.DataFrame, stream: str, results: Mapping[Informs, LabResult], draws: int
) -> tuple[Floats, tuple[LabResult, ...]]:
    """Return the share that comes back: by the lab, else of bot sessions of the log."""
    if (result := results.get("returns")) is not None:
        return _drawn_lab(result, draws), (result,)
    return _beta(int(rows["repeat"].sum()), int(rows["raw"].sum()), stream, draws), ()


def _drawn_lab(result: LabResult, draws: int) -> Floats:
    stream = f"lab:{result.experiment}:{result.informs}"
    rng = np.random.default_rng(np.random.SeedSequence([SEED, *stream.encode()]))
    drawn = result.value + result.error * rng.standard_normal(DRAWS)[:draws]
    return np.asarray(np.clip(np.concatenate([[result.value], drawn]), 0.0, 1.0))


def _drawn(given: float | tuple[float, float, float], stream: str, draws: int) -> Floats:
    likely = given[1] if isinstance(given, tuple) else given
    return np.concatenate([[likely], triangle(given, stream)[:draws]])


def _beta(hits: int, trials: int, stream: str, draws: int) -> Floats:
    """Return a share and its draws, by Jeffreys' prior; 0 where nothing was tried."""
    if not trials:
        return np.zeros(draws + 1)
    rng = np.random.default_rng(np.random.SeedSequence([SEED, *stream.encode()]))
    drawn = rng.beta(hits + 0.5, trials - hits + 0.5, DRAWS)[:draws]
    return np.concatenate([[hits / trials], drawn])


def _staff(rows: pd.DataFrame, terms: Terms) -> Floats | None:
    """Return who is at work by hour: declared, else the most seen at once in a whole log."""
    if terms.staff is not None:
        return np.full(HOURS, terms.staff, dtype=np.float64)
    timed = rows[rows["end_us"] != MISSING]
    if terms.log_share < 1 or timed.empty:
        return None
    times = np.concatenate([timed["begin_us"], timed["end_us"]])
    steps = np.repeat([1, -1], len(timed))
    order = np.lexsort((steps, times))
    at_once = np.cumsum(steps[order])
    hour = (times[order] // (60 * US_PER_MINUTE) + 72) % HOURS
    most = np.ones(HOURS)
    np.maximum.at(most, hour, at_once)
    return most


def flat_hazard(rows: pd.DataFrame) -> bool:
    """Whether customers give up as often in early minutes of a wait as in late ones (p ≥ .01)."""
    waits = rows[rows["wait_us"] != MISSING]
    wait = waits["wait_us"].to_numpy() / US_PER_MINUTE
    gave_up = waits["gave_up"].to_numpy()
    if gave_up.sum() < FEWEST_SESSIONS:
        return True
    cut = float(np.median(wait[wait > 0]))
    early = float(np.minimum(wait, cut).sum())
    late = float(np.maximum(wait - cut, 0).sum())
    hits, many = int((gave_up & (wait <= cut)).sum()), int(gave_up.sum())
    from scipy import stats

    return bool(stats.binomtest(hits, many, early / (early + late)).pvalue >= 0.01)
