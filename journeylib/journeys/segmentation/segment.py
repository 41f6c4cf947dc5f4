"""Cutting a log: which cut applies, where its boundaries lie, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _

from journeylib.core import MICRO, US_PER_DAY, text
from journeylib.journeys.segmentation.boundary_model import BoundaryModel, fit_boundaries
from journeylib.journeys.segmentation.channel_gaps import (
    REST,
    ChannelGap,
    channel_before,
    declared_gaps,
    fit_channels,
    fitted_gaps,
    gap_after,
)
from journeylib.journeys.segmentation.rules import (
    CutKind,
    JourneySettings,
    by_case,
    by_customer,
    by_flag,
    in_stream,
    resolve_cut,
)
from journeylib.journeys.segmentation.silence_gap import GapCut
from journeylib.log import ROW_NUMBER, EventLog, Runs, fetch

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
    events: ibis.Table, log: EventLog, settings: JourneySettings
) -> tuple[ibis.Table, Cutting]:
    """Cut the events of a log into journeys, and put each in order.

    Parameters
    ----------
    events : ibis.Table
        With ``customer_no``, ``touchpoint`` and ``touchpoint_no``.
    log : EventLog
        Where they come from.
    settings : JourneySettings

    Returns
    -------
    events : ibis.Table
        With ``journey``, ``step`` and the columns of `segment.AFTER` and
        `segment.BEFORE`; with ``boundary_micro`` (int64, nullable: probability of a boundary
        before the event × 1,000,000) where the cut was found in the log.
    cutting : Cutting

    Raises
    ------
    SchemaError
        If the cut needs a column that the log does not have.
    """
    kind = resolve_cut(log, settings)
    quiet_us = _quiet_us(settings, settings.stated_gap_us)
    if kind == "case":
        return by_case(events), Cutting("case", "declared", "", None, quiet_us)
    if kind == "customer":
        return by_customer(events), Cutting("customer", "declared", "", None, quiet_us)
    if kind == "learned":
        return _by_learning(events, log, settings)
    return _by_silence(events, log, settings, kind)


def _quiet_us(settings: JourneySettings, gap_us: int) -> int:
    return gap_us if settings.quiet_days is None else round(settings.quiet_days * US_PER_DAY)


def quiet_as_logged(steps: ibis.Table, cutting: Cutting) -> Cutting:
    """Let the silence after which a case counts as over follow the silences inside cases.

    It is what the longest silence of 95 % of the journeys does not exceed, at most what is
    stated; as stated in a log of few journeys with a silence, or without a clock.
    """
    if "t_us" not in steps.columns:
        return cutting
    longest = steps.group_by("journey").aggregate(us=(_.next_us - _.t_us).max())
    silences = np.sort(fetch(longest.filter(_.us > 0).select("us"))["us"].to_numpy(np.int64))
    if len(silences) < FEWEST_SILENCES:
        return cutting
    usual = int(silences[math.ceil(USUAL_SILENCE * len(silences)) - 1])
    if usual >= cutting.quiet_us:
        return cutting
    return replace(cutting, quiet_us=usual, quiet_found=True)


def _by_silence(
    events: ibis.Table, log: EventLog, settings: JourneySettings, kind: CutKind, reason: str = ""
) -> tuple[ibis.Table, Cutting]:
    """Cut after silence, and after declared ends where `kind` is ``goal``."""
    ends = (*settings.every_goal, *settings.bad_ends) if kind == "goal" else ()
    stream = in_stream(events)
    if not log.has_clock:
        # Without a clock there is no silence: only ends cut.
        fresh = _after_end(stream, ends)
        quiet_us = _quiet_us(settings, settings.stated_gap_us)
        return by_flag(stream, fresh), Cutting(kind, "declared", reason, None, quiet_us)
    fitted = _fit(stream, settings) if settings.gap_days == "fitted" else None
    gaps = declared_gaps(stream, settings) if fitted is None else fitted_gaps(fitted[0])
    gap_us = max((gap.gap_us for gap in gaps), default=settings.stated_gap_us)
    limit = gap_after(channel_before(stream), gaps, gap_us)
    late = stream.silence_us > limit
    fresh = late.fill_null(False) | _after_end(stream, ends) if ends else late
    quiet_us = _quiet_us(settings, gap_us)
    channels = gaps if len(gaps) > 1 else ()
    if fitted is None:
        answer: Literal["declared", "assumed"] = "assumed" if reason else "declared"
        cutting = Cutting(kind, answer, reason, gap_us, quiet_us, channels=channels)
        return by_flag(stream, fresh).drop("silence_us"), cutting
    cuts, sample = fitted
    cut, why = _answer(gaps)
    cutting = Cutting(
        kind,
        cut,
        "; ".join(filter(None, [reason, why])),
        gap_us,
        quiet_us,
        learned_customers=sample.used,
        customers=sample.customers,
        channels=channels,
    )
    if cut == "assumed" or kind == "goal":
        return by_flag(stream, fresh).drop("silence_us"), cutting
    sure = stream.mutate(boundary_micro=_by_channel(stream, cuts), _late=late)
    confidence, doubtful = _sureness(sure)
    cutting = replace(cutting, confidence=confidence, doubtful=doubtful)
    return by_flag(sure, sure._late).drop("silence_us", "_late"), cutting


def _answer(gaps: tuple[ChannelGap, ...]) -> tuple[Literal["found", "assumed"], str]:
    """Say whether any gap was found, and why the others are assumed."""
    assumed = [gap for gap in gaps if gap.answer == "assumed"]
    why = "; ".join(dict.fromkeys(gap.reason for gap in assumed))
    if len(assumed) == len(gaps):
        return "assumed", why
    return "found", f"assumed for {len(assumed)} of {len(gaps)} channels: {why}" if assumed else ""


def _by_channel(stream: ibis.Table, cuts: Mapping[str, GapCut]) -> ibis.Value:
    """Return P(boundary) × 1,000,000 by the humps of each channel; null where it has none."""
    before = channel_before(stream)
    nothing = ibis.null("int64")
    micro = {
        name: nothing if cut.log_odds is None else _probability(stream.silence_us, cut.log_odds)
        for name, cut in cuts.items()
    }
    rest = micro.pop(REST, nothing)
    if not micro:
        return rest
    return ibis.cases(*((before == name, value) for name, value in micro.items()), else_=rest)


def _after_end(stream: ibis.Table, ends: tuple[str, ...]) -> ibis.Value:
    """Whether the event before was a declared end, and its visit is over."""
    names = stream.filter(_.touchpoint.isin(ends)).select("touchpoint_no").distinct()
    before = stream["_last_touchpoint_no"]
    ended = before.isin(names.to_pyarrow()["touchpoint_no"].to_pylist())
    if "session" in stream.columns:
        # The turns of one conversation about the end belong to it.
        goes_on = (before == stream.touchpoint_no) & (stream["_last_session"] == stream.session)
        ended = ended & ~goes_on.fill_null(False)
    return ended.fill_null(False)


def _fit(stream: ibis.Table, settings: JourneySettings) -> tuple[dict[str, GapCut], _Sample]:
    """Fit gaps on the silences of a sample of customers; those inside a session are out."""
    inside = (
        (stream["_last_session"] == stream.session).fill_null(False)
        if "session" in stream.columns
        else ibis.literal(False)
    )
    sized = stream.mutate(_inside=inside, _before=channel_before(stream))
    sample = _sample(sized, SAMPLE_GAPS, settings.max_customers_modelled)
    gaps = sample.events.filter((_.silence_us > 0) & ~_._inside)
    frame = fetch(gaps.select("silence_us", "customer_no", channel=_._before))
    return fit_channels(frame, settings), sample


@dataclass(frozen=True)
class _Sample:
    """The events of every `every`-th customer; customers in it, and all of them."""

    events: ibis.Table
    every: int
    used: int
    customers: int


def _sample(events: ibis.Table, most: int, customers: int) -> _Sample:
    """Return the events of some customers, about `most` events of at most so many customers."""
    size = fetch(events.aggregate(n=_.count(), c=_.customer_no.nunique())).iloc[0]
    parts = max(int(size["n"]), 1) / most, int(size["c"]) / customers
    every = math.ceil(max(parts))
    part = events.filter(_.customer_no % every == 0)
    used = int(part.aggregate(c=_.customer_no.nunique()).to_pyarrow().to_pylist()[0]["c"])
    return _Sample(part, every, used, int(size["c"]))


def _probability(silence: ibis.Value, log_odds: tuple[float, float, float]) -> ibis.Value:
    """Return P(boundary) × 1,000,000 of a silence by the fitted humps; none is none."""
    square, slope, constant = log_odds
    x = ibis.greatest(silence, 1).cast("float64").ln()
    # Beyond ±40 the probability is 0 or 1 to the last digit, and exp stays finite.
    odds = (square * x * x + slope * x + constant).clip(-40.0, 40.0)
    micro = (MICRO / (1 + (-odds).exp())).round().cast("int64")
    return ibis.cases((silence > 0, micro), (silence <= 0, 0), else_=ibis.null("int64"))


def _sureness(events: ibis.Table, threshold: float = BOUNDARY) -> tuple[float | None, float | None]:
    """Return the mean probability of the boundaries drawn, and the share of doubtful pairs."""
    low, high = (round(edge * MICRO) for edge in DOUBTFUL)
    drawn = _.boundary_micro > round(threshold * MICRO)
    row = fetch(
        events.aggregate(
            pairs=_.boundary_micro.count(),
            drawn=drawn.sum(),
            sure=_.boundary_micro.sum(where=drawn),
            doubtful=_.boundary_micro.between(low, high).sum(),
        )
    ).iloc[0]
    if not int(row["pairs"]):
        return None, None
    confidence = float(row["sure"]) / float(row["drawn"]) / MICRO if int(row["drawn"]) else None
    return confidence, float(row["doubtful"]) / float(row["pairs"])


def _by_learning(
    events: ibis.Table, log: EventLog, settings: JourneySettings
) -> tuple[ibis.Table, Cutting]:
    """Cut where boundaries learned from a sample of customers lie; else after silence."""
    stream = in_stream(events)
    number = Runs.of(stream, "customer_no", ROW_NUMBER).since(_["_first"]) + 1
    placed = stream.mutate(_place=number).cache()
    sample = _sample(placed, SAMPLE_EVENTS, settings.max_customers_modelled)
    model = fit_boundaries(_frame(sample.events))
    if model.answer == "cannot tell":
        reason = f"boundaries cannot be learned: {model.reason}"
        if log.has_clock:
            return _by_silence(events, log, settings, "gap", reason)
        quiet_us = _quiet_us(settings, settings.stated_gap_us)
        return by_customer(events), Cutting("customer", "assumed", reason, None, quiet_us)
    judged = ibis.memtable(_judged(placed, model, sample))
    judged_starts = judged.select(
        _customer=_.customer_no, _at=_.place, boundary_micro=_.boundary_micro
    )
    boundaries = (
        placed.left_join(
            judged_starts,
            [
                placed.customer_no == judged_starts["_customer"],
                placed["_place"] == judged_starts["_at"],
            ],
        )
        .drop("_customer", "_at", "_place", *(["silence_us"] if log.has_clock else []))
        .cache()
    )
    threshold = settings.boundary_probability
    confidence, doubtful = _sureness(boundaries, threshold)
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
    return by_flag(boundaries, boundaries.boundary_micro > round(threshold * MICRO)), cutting


def _frame(placed: ibis.Table) -> pd.DataFrame:
    """Bring out what boundaries are learned from: no id, no text."""
    clock = ["t_us"] if "t_us" in placed.columns else []
    wanted = placed.select("customer_no", "touchpoint_no", *clock, position=_["_place"])
    return fetch(wanted.order_by(["customer_no", "position"]))


def _judged(placed: ibis.Table, model: BoundaryModel, sample: _Sample) -> pa.Table:
    """Return P(boundary) before each event but a customer's first, some customers at a time."""
    frames = []
    for rest in range(sample.every):
        frame = _frame(placed.filter(_.customer_no % sample.every == rest))
        if frame.empty:
            continue
        pairs = model.pairs if rest == 0 else model.probabilities(frame)
        frames.append(
            pa.table(
                {
                    "customer_no": pairs["customer_no"].to_numpy(),
                    # The pair stands at its first event; the boundary lies before the next.
                    "place": frame.loc[pairs.index, "position"].to_numpy() + 1,
                    "boundary_micro": (pairs["probability"] * MICRO)
                    .round()
                    .astype("int64")
                    .to_numpy(),
                }
            )
        )
    return pa.concat_tables(frames)
