"""Cutting a log: which cut applies, where its boundaries lie, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import MICRO, US_PER_DAY, text
from journeylib.journeys.segmentation.boundary_model import BoundaryModel, fit_boundaries
from journeylib.journeys.segmentation.channel_gaps import (
    REST,
    ChannelGap,
    declared_gaps,
    fit_channels,
    fitted_gaps,
)
from journeylib.journeys.segmentation.rules import CutKind, JourneySettings, resolve_cut
from journeylib.journeys.segmentation.silence_gap import GapCut
from journeylib.journeys.walk.event_columns import EventColumns
from journeylib.journeys.walk.events import Cut
from journeylib.log import MISSING, Codes, EventLog, Flags, Whole, compiled

# Journeys of one customer are numbered below this, by case or by the place of their first event.
JOURNEYS_PER_CUSTOMER = 1 << 24
BOUNDARY = 0.5
USUAL_SILENCE = 0.95
FEWEST_SILENCES = 30
DOUBTFUL = (0.2, 0.8)
# Silences that a fitted gap rests on, and events that boundaries are learned from, at most
# about this many: more change neither.
SAMPLE_GAPS = 200_000
SAMPLE_EVENTS = 20_000


@dataclass(frozen=True)
class Cutting:
    """How a log was cut into journeys, and how sure that is.

    Attributes
    ----------
    kind : {"case", "gap", "goal", "learned", "customer"}
        The cut that applied.
    answer : {"declared", "found", "assumed"}
        Declared by the log (case id, goals) or by who configured it; found in the log; or
        assumed, because the log did not show what was asked for.
    reason : str
        Why it, or a part of it, is assumed; empty otherwise.
    gap_us : int or None
        Silence that ends a journey, in microseconds, the longest of the channels' where they
        have their own; None where silence does not.
    quiet_us : int
        Silence after which a journey without an end counts as over, in microseconds.
    quiet_found : bool
        Whether that follows the silences inside the log's journeys, see `quiet_as_logged`.
    confidence : float or None
        Mean probability of the boundaries that were drawn; None where the cut has none.
    doubtful : float or None
        Share of pairs of successive events whose probability of a boundary lies between .2
        and .8.
    learned_customers, customers : int or None
        Customers that a learned or fitted cut rests on, and all of them.
    channels : tuple of ChannelGap
        The gap of each channel by name; empty where all have the same.
    """

    kind: CutKind
    answer: Literal["declared", "found", "assumed"]
    reason: str
    gap_us: int | None
    quiet_us: int
    quiet_found: bool = False
    confidence: float | None = None
    doubtful: float | None = None
    learned_customers: int | None = None
    customers: int | None = None
    channels: tuple[ChannelGap, ...] = ()

    @property
    def gap_days(self) -> float | None:
        """Silence that ends a journey, in days."""
        return None if self.gap_us is None else self.gap_us / US_PER_DAY

    @property
    def definition(self) -> str:
        """What a journey is, in words."""
        days = ""
        if self.gap_days is not None:
            days = text("journeys.cut.days", days=f"{self.gap_days:.3g}")
            if self.channels:
                shortest = min(gap.gap_days for gap in self.channels)
                days = text("journeys.cut.by_channel", least=f"{shortest:.3g}", days=days)
        kind = "goal_gap" if self.kind == "goal" and days else self.kind
        words = text(
            f"journeys.cut.{kind}",
            days=days,
            fitted=text(f"journeys.cut.{'found' if self.answer == 'found' else 'assumed'}"),
            learned=self.learned_customers or 0,
            customers=self.customers or 0,
        )
        return f"{words}; {self.reason}" if self.reason else words


def cut_journeys(
    columns: EventColumns, log: EventLog, settings: JourneySettings
) -> tuple[Cut, Cutting]:
    """Cut the events of a log into journeys.

    Parameters
    ----------
    columns : EventColumns
    log : EventLog
        Where they come from.
    settings : JourneySettings

    Returns
    -------
    cut : Cut
        With the probabilities of boundaries where the cut was found in the log.
    cutting : Cutting

    Raises
    ------
    SchemaError
        If the cut needs a column that the log does not have.
    """
    kind = resolve_cut(log, settings)
    if kind in ("case", "customer"):
        cut = by_case(columns) if kind == "case" else by_customer(columns)
        quiet_us = _quiet_us(settings, settings.stated_gap_us)
        cutting = Cutting(kind, "declared", "", None, quiet_us)
    elif kind == "learned":
        cut, cutting = _by_learning(columns, log, settings)
    else:
        cut, cutting = _by_silence(columns, log, settings, kind)
    if settings.quiet_days is None and cutting.kind in ("case", "customer"):
        cutting = quiet_as_logged(cut, cutting)
    return cut, cutting


def by_customer(columns: EventColumns) -> Cut:
    """Cut nowhere: all events of a customer are one journey."""
    return by_flag(columns, columns.begins_customer)


def by_case(columns: EventColumns) -> Cut:
    """Cut by case; one case id under two customers is two journeys, as are events without one."""
    key = _first_journey(columns.column("customer_no")) + columns.column("case_no")
    if (key[1:] < key[:-1]).any():
        # The events of a case keep their order.
        rows = np.argsort(key, kind="stable")
        key, columns = key[rows], columns.in_order(rows)
    first = np.ones(len(key), dtype=bool)
    first[1:] = key[1:] != key[:-1]
    begins = np.flatnonzero(first)
    return Cut(columns, _with_end(begins, len(key)), key[begins])


def by_flag(columns: EventColumns, fresh: Flags, boundary_micro: Whole | None = None) -> Cut:
    """Cut where an event is `fresh`, and at the first of each customer whatever is said of it."""
    customers = columns.begins_customer
    begins = np.flatnonzero(fresh | customers)
    # The rank of its first event among those of the customer.
    customer_starts = np.flatnonzero(customers)
    rank = begins - customer_starts[np.searchsorted(customer_starts, begins, side="right") - 1]
    key = _first_journey(columns.column("customer_no")[begins]) + rank
    return Cut(columns, _with_end(begins, len(customers)), key, boundary_micro)


def _first_journey(customer_no: npt.NDArray[Any]) -> Whole:
    """Return the key of a customer's first journey; later ones have larger keys."""
    return customer_no.astype(np.int64) * JOURNEYS_PER_CUSTOMER


def _with_end(begins: Whole, rows: int) -> Whole:
    return np.append(begins, rows).astype(np.int64)


def _quiet_us(settings: JourneySettings, gap_us: int) -> int:
    return gap_us if settings.quiet_days is None else round(settings.quiet_days * US_PER_DAY)


def quiet_as_logged(cut: Cut, cutting: Cutting) -> Cutting:
    """Let the silence after which a case counts as over follow the silences inside cases.

    It is what the longest silence of 95 % of the journeys does not exceed, at most what is
    stated; as stated in a log of few journeys with a silence, or without a clock.
    """
    if not cut.columns.has("t_us"):
        return cutting
    t_us = cut.columns.column("t_us")
    silence = np.diff(t_us, append=t_us[-1:])
    silence[cut.begins[1:] - 1] = 0
    longest = np.maximum.reduceat(silence, cut.begins[:-1]) if len(silence) else silence
    silences = np.sort(longest[longest > 0])
    if len(silences) < FEWEST_SILENCES:
        return cutting
    usual = int(silences[math.ceil(USUAL_SILENCE * len(silences)) - 1])
    if usual >= cutting.quiet_us:
        return cutting
    return replace(cutting, quiet_us=usual, quiet_found=True)


def _by_silence(
    columns: EventColumns, log: EventLog, settings: JourneySettings, kind: CutKind, reason: str = ""
) -> tuple[Cut, Cutting]:
    """Cut after silence, and after declared ends where `kind` is ``goal``."""
    ends = (*settings.every_goal, *settings.bad_ends) if kind == "goal" else ()
    ended = _after_end(columns, ends)
    if not log.has_clock:
        # Without a clock there is no silence: only ends cut.
        quiet_us = _quiet_us(settings, settings.stated_gap_us)
        return by_flag(columns, ended), Cutting(kind, "declared", reason, None, quiet_us)
    fitted = _fit(columns, settings) if settings.gap_days == "fitted" else None
    gaps = declared_gaps(_channels(columns), settings) if fitted is None else fitted_gaps(fitted[0])
    gap_us = max((gap.gap_us for gap in gaps), default=settings.stated_gap_us)
    limit = by_channel(channel_before(columns), {gap.channel: gap.gap_us for gap in gaps}, gap_us)
    fresh = ended | (columns.silence_us > limit)
    quiet_us = _quiet_us(settings, gap_us)
    channels = gaps if len(gaps) > 1 else ()
    if fitted is None:
        stated: Literal["declared", "assumed"] = "assumed" if reason else "declared"
        cutting = Cutting(kind, stated, reason, gap_us, quiet_us, channels=channels)
        return by_flag(columns, fresh), cutting
    cuts, sample = fitted
    answer, why = _answer(gaps)
    cutting = Cutting(
        kind,
        answer,
        "; ".join(filter(None, [reason, why])),
        gap_us,
        quiet_us,
        learned_customers=sample.used,
        customers=sample.customers,
        channels=channels,
    )
    if answer == "assumed" or kind == "goal":
        return by_flag(columns, fresh), cutting
    micro = _probabilities(columns, cuts)
    confidence, doubtful = _confidence(micro)
    cutting = replace(cutting, confidence=confidence, doubtful=doubtful)
    return by_flag(columns, fresh, micro), cutting


def _channels(columns: EventColumns) -> tuple[str, ...] | None:
    return columns.column("channel").words if columns.has("channel") else None


def channel_before(columns: EventColumns) -> Codes | None:
    """Return the channel of the customer's event before each: whose silence it is."""
    if not columns.has("channel"):
        return None
    channel = columns.column("channel")
    before = np.full_like(channel.held, -1)
    before[1:] = channel.held[:-1]
    before[columns.begins_customer] = -1
    return Codes(before, channel.words)


def by_channel(before: Codes | None, by_name: Mapping[str, float], otherwise: float) -> Any:
    """Return what each event's channel `before` it has by name, else what `REST` has: an array.

    One number where all have the same.
    """
    rest = by_name.get(REST, otherwise)
    each = [*(by_name.get(name, rest) for name in (before.words if before else ())), rest]
    return rest if before is None or len(set(each)) == 1 else np.array(each)[before.held]


def _answer(gaps: tuple[ChannelGap, ...]) -> tuple[Literal["found", "assumed"], str]:
    """Say whether any gap was found, and why the others are assumed."""
    assumed = [gap for gap in gaps if gap.answer == "assumed"]
    why = "; ".join(dict.fromkeys(gap.reason for gap in assumed))
    if len(assumed) == len(gaps):
        return "assumed", why
    return "found", f"assumed for {len(assumed)} of {len(gaps)} channels: {why}" if assumed else ""


def _after_end(columns: EventColumns, ends: tuple[str, ...]) -> Flags:
    """Mark the events whose event before was a declared end of which the visit is over."""
    after = np.zeros(len(columns), dtype=bool)
    if not ends:
        return after
    number = [no for no, name in columns.names.items() if name in ends]
    after[1:] = np.isin(columns.column("touchpoint_no")[:-1], number) & ~columns.begins_customer[1:]
    if columns.has("session"):
        # The turns of one conversation about the end belong to it.
        talk, point = columns.column("session").number, columns.column("touchpoint_no")
        after[1:] &= ~((point[1:] == point[:-1]) & (talk[1:] == talk[:-1]) & (talk[1:] >= 0))
    return after


def _fit(columns: EventColumns, settings: JourneySettings) -> tuple[dict[str, GapCut], _Sample]:
    """Fit gaps on the silences of a sample of customers; those inside a session are out."""
    silence_us = columns.silence_us
    wanted = silence_us > 0
    if columns.has("session"):
        talk = columns.column("session").number
        wanted[1:] &= ~((talk[1:] == talk[:-1]) & (talk[1:] >= 0))
    sample = _sample(columns, SAMPLE_GAPS, settings.max_customers_modelled)
    rows = np.flatnonzero(wanted & (columns.column("customer_no") % sample.every == 0))
    before = channel_before(columns)
    names = np.array([*(before.words if before else ()), None], dtype=object)
    frame = pd.DataFrame(
        {
            "silence_us": silence_us[rows],
            "customer_no": columns.column("customer_no")[rows],
            "channel": names[before.held[rows]]
            if before
            else names[np.zeros(len(rows), dtype=int)],
        }
    )
    return fit_channels(frame, settings), sample


@dataclass(frozen=True)
class _Sample:
    """Every `every`-th customer is in a sample; customers in it, and all of them."""

    every: int
    used: int
    customers: int


def _sample(columns: EventColumns, most: int, customers: int) -> _Sample:
    """Draw some customers, with about `most` events, and at most so many customers."""
    own = columns.column("customer_no")[columns.begins_customer]
    parts = max(len(columns), 1) / most, len(own) / customers
    every = math.ceil(max(parts))
    return _Sample(every, int((own % every == 0).sum()), len(own))


def _probabilities(columns: EventColumns, cuts: Mapping[str, GapCut]) -> Whole:
    """Return P(boundary) × 1,000,000 by the humps of each channel; `MISSING` where it has none."""
    nothing = (np.nan,) * 3
    odds = {name: cut.log_odds or nothing for name, cut in cuts.items()}
    before = channel_before(columns)
    square, slope, constant = (
        np.broadcast_to(
            by_channel(before, {name: own[term] for name, own in odds.items()}, np.nan),
            len(columns),
        )
        for term in range(3)
    )
    return _probability(columns.silence_us, square, slope, constant)


@compiled
def _probability(
    silence: Whole,
    square: npt.NDArray[np.float64],
    slope: npt.NDArray[np.float64],
    constant: npt.NDArray[np.float64],
) -> Whole:
    """Return P(boundary) × 1,000,000 of silences by fitted humps; none is none."""
    micro = np.full(len(silence), MISSING, dtype=np.int64)
    for row in range(len(silence)):
        if silence[row] == MISSING or np.isnan(constant[row]):
            continue
        if silence[row] <= 0:
            micro[row] = 0
            continue
        x = math.log(silence[row])
        odds = square[row] * x * x + slope[row] * x + constant[row]
        # Beyond ±40 the probability is 0 or 1 to the last digit, and exp stays finite.
        odds = min(max(odds, -40.0), 40.0)
        micro[row] = math.floor(1_000_000 / (1 + math.exp(-odds)) + 0.5)
    return micro


def _confidence(micro: Whole, threshold: float = BOUNDARY) -> tuple[float | None, float | None]:
    """Return the mean probability of the boundaries drawn, and the share of doubtful pairs."""
    low, high = (round(edge * MICRO) for edge in DOUBTFUL)
    micro = micro[micro != MISSING]
    if not len(micro):
        return None, None
    cuts = micro[micro > round(threshold * MICRO)]
    confidence = float(cuts.sum()) / float(len(cuts)) / MICRO if len(cuts) else None
    return confidence, float(((micro >= low) & (micro <= high)).sum()) / float(len(micro))


def _by_learning(
    columns: EventColumns, log: EventLog, settings: JourneySettings
) -> tuple[Cut, Cutting]:
    """Cut where boundaries learned from a sample of customers lie; else after silence."""
    sample = _sample(columns, SAMPLE_EVENTS, settings.max_customers_modelled)
    model = fit_boundaries(_frame(columns, sample, 0))
    if model.answer == "cannot tell":
        reason = f"boundaries cannot be learned: {model.reason}"
        if log.has_clock:
            return _by_silence(columns, log, settings, "gap", reason)
        quiet_us = _quiet_us(settings, settings.stated_gap_us)
        return by_customer(columns), Cutting("customer", "assumed", reason, None, quiet_us)
    micro = _judged(columns, model, sample)
    threshold = settings.boundary_probability
    confidence, doubtful = _confidence(micro, threshold)
    cutting = Cutting(
        kind="learned",
        answer="found",
        reason="",
        gap_us=None,
        quiet_us=_quiet_us(settings, settings.stated_gap_us),
        confidence=confidence,
        doubtful=doubtful,
        learned_customers=sample.used,
        customers=sample.customers,
    )
    return by_flag(columns, micro > round(threshold * MICRO), micro), cutting


def _frame(columns: EventColumns, sample: _Sample, rest: int) -> pd.DataFrame:
    """Return what boundaries are learned from, by row: a part of the customers, no id, no text."""
    rows = np.flatnonzero(columns.column("customer_no") % sample.every == rest)
    names = ["customer_no", "touchpoint_no", *(["t_us"] if columns.has("t_us") else [])]
    own = {name: columns.column(name)[rows].astype(np.int64) for name in names}
    # Rows lie in order, whatever their times.
    return pd.DataFrame(own | {"position": rows}, index=rows)


def _judged(columns: EventColumns, model: BoundaryModel, sample: _Sample) -> Whole:
    """Return P(boundary) × 1,000,000 before each event, some customers at a time."""
    micro = np.full(len(columns), MISSING)
    for rest in range(sample.every):
        frame = _frame(columns, sample, rest)
        if frame.empty:
            continue
        pairs = model.pairs if rest == 0 else model.probabilities(frame)
        # The pair stands at its first event; the boundary lies before the next.
        micro[pairs.index.to_numpy() + 1] = (pairs["probability"] * MICRO).round()
    return micro
