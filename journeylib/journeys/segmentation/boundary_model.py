"""Where a journey ends inside a customer's stream, learned from the log without examples.

A journey is taken to be a word, and a customer's stream a text without spaces. What comes
next depends on the journey so far; after a journey's end the next one starts afresh. Catalogue
that return, the touchpoints they end with and the silence after them are all learned
together from the unmarked streams, by expectation–maximisation over the hidden boundaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.journeys.segmentation._context_model import AGES, ORDERS, Contexts, Tally
from journeylib.journeys.segmentation._forward_backward import (
    Passed,
    Streams,
    forward_backward,
    independent_ages,
    make_streams,
)

Floats = npt.NDArray[np.float64]

# Learning begins with single touchpoints and goes on to pairs and to whole journeys: whole
# journeys fit any cutting, so they must not be counted before the cutting is half right.
ROUNDS = ((2, 10), (3, 10), (len(ORDERS), 30))
ENDLESS_ROUNDS = ((len(ORDERS), 5),)
SETTLED = 1e-5
FIRST_RATE = 0.15
GAP_PRIOR = 2.0
# Streams from one Markov chain or of one real case each gained up to .022 nats, published,
# planted and glued ones with boundaries .04 and more; one garbled journey each gains .09 too.
MIN_GAIN = 0.03
MIN_PAIRS = 200
FIT_EVENTS = 20_000
BLOCK_EVENTS = 50_000


@dataclass(frozen=True)
class BoundaryModel:
    """Boundaries of one log, and what was learned, to find them in another.

    Attributes
    ----------
    answer : {"found", "cannot tell"}
        Whether journeys that end and start afresh explain the log better than endless ones.
    reason : str
        Why it cannot tell; empty where boundaries were found.
    gain_per_event : float
        How much better an event is foreseen from the others with boundaries than without, in
        nats per event.
    pairs : pandas.DataFrame
        `probabilities` of the log learned from; each event is judged by what was learned from
        the other events, so none vouches for itself.
    """

    answer: Literal["found", "cannot tell"]
    reason: str
    gain_per_event: float
    pairs: pd.DataFrame
    _learned: _Learned = field(repr=False)

    def probabilities(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the probability of a boundary after each event that has a successor.

        Parameters
        ----------
        frame : pandas.DataFrame
            As for `fit_boundaries`, with customers or times that were not learned from.

        Returns
        -------
        pandas.DataFrame
            One row per event with a successor of the same customer, ordered by customer and
            time, on the frame's own index. ``customer_no``, ``touchpoint_no`` (int64);
            ``probability`` (float64): given all events of the customer, also later ones, so
            for an audit; ``probability_next``: given events up to and including the next one;
            ``probability_now``: given events up to this one, so for a live decision.
        """
        streams = make_streams(frame)
        carry, cut = self._learned.contexts.foresee(streams)
        counts = self._learned.starts
        starts = np.asarray(counts.reindex(streams.following, fill_value=0.0), dtype=np.float64)
        fresh = _start_share(starts, counts.sum(), self._learned.contexts.symbols)
        gap_class = np.searchsorted(self._learned.gap_edges, streams.gap, side="right")
        ratio = self._learned.gap_ratio[gap_class]
        passed = forward_backward(streams, carry, cut * (fresh * ratio)[:, None])
        return _table(streams, passed, carry, cut, fresh * ratio)


@dataclass(frozen=True)
class _Learned:
    """What is carried to another log: contexts, first touchpoints, and what silence says."""

    contexts: Contexts
    starts: pd.Series[float]
    gap_edges: Floats
    gap_ratio: Floats


def fit_boundaries(frame: pd.DataFrame, *, fit_events: int = FIT_EVENTS) -> BoundaryModel:
    """Learn where journeys end, from customer, touchpoint and time alone.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per event: ``customer_no``, ``touchpoint_no`` (integers, equality only);
        ``t_us`` (int64; absent in a log without a clock); ``position`` (optional: orders
        events of one customer at one time).
    fit_events : int
        Learn from about this many events, of customers taken by a hash of their number; the
        others are then judged by what was learned.

    Raises
    ------
    LogError
        If a needed column is missing or there is no event.

    Notes
    -----
    Hidden state: the age of the journey, 1 to 20 events, 20 standing for older. Touchpoints:
    the next one, or the journey's end, given the whole journey so far, backing off to its last
    three, two, one and no touchpoints; each context is smoothed towards the next shorter one,
    with the concentration that makes the log likeliest. Time: the share of boundaries in each
    of about 2·n^⅓ classes of gap, never falling with a longer gap (isotonic regression), so
    nothing is assumed of the form or the unit of gaps. Each event is judged by counts from
    which its own expected share was taken out (the zero-order collapsed variational step of
    Teh, Newman and Welling 2007, in its later simplification); without this every odd sequence
    would vouch for itself. One setting for all logs; nothing random.

    Assumptions: journeys of one customer do not interleave; the first event of a customer
    starts a journey (nothing is assumed of the last); what follows a boundary does not depend
    on what came before it. The time needed grows with the events and the longest stream.

    Known limit: parts of a journey that combine freely (a permit, then a claim for payment)
    are found as journeys of their own, and streams of one much-garbled journey each are cut
    here and there. Where a case id says what a journey is, it wins.
    """
    streams = make_streams(_customers_up_to(frame, fit_events))
    tallies = tuple(Tally.of(streams, order) for order in ORDERS)
    fit = _learn(streams, tallies, ROUNDS, endless=False)
    endless = _learn(streams, tallies, ENDLESS_ROUNDS, endless=True)
    pairs = int(streams.has_next.sum())
    gain = (fit.passed.likelihood - endless.passed.likelihood) / max(pairs, 1)
    reason = _doubt(pairs, gain)
    model = BoundaryModel(
        "cannot tell" if reason else "found",
        reason,
        gain,
        _table(streams, fit.passed, fit.carry, fit.cut, fit.fresh),
        fit.learned(streams),
    )
    others = frame.loc[~frame["customer_no"].isin(np.unique(streams.customer))]
    if others.empty:
        return model
    tables = [model.pairs, *(model.probabilities(block) for block in _blocks(others))]
    table = pd.concat(tables).sort_values("customer_no", kind="stable")
    return BoundaryModel(model.answer, reason, gain, table, model._learned)


def _customers_up_to(frame: pd.DataFrame, events: int) -> pd.DataFrame:
    """Return the events of customers, in an order unrelated to their numbers, up to `events`."""
    if len(frame) <= events or "customer_no" not in frame.columns:
        return frame
    sizes = frame["customer_no"].value_counts().sort_index()
    mixed = pd.util.hash_array(sizes.index.to_numpy(np.int64))
    sizes = sizes.iloc[np.argsort(mixed, kind="stable")]
    before = sizes.cumsum() - sizes
    return frame.loc[frame["customer_no"].isin(sizes.index[before < events])]


def _blocks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Give out whole customers, about `BLOCK_EVENTS` events at a time, to bound the memory."""
    sizes = frame["customer_no"].value_counts().sort_index()
    number = (sizes.cumsum() - sizes) // BLOCK_EVENTS
    for _, block in frame.groupby(frame["customer_no"].map(number)):
        yield block


def _doubt(pairs: int, gain: float) -> str:
    """Return why the boundaries are not to be believed, or an empty string."""
    if pairs < MIN_PAIRS:
        return f"{pairs} pairs of events are too few to learn boundaries ({MIN_PAIRS} are needed)"
    if gain < MIN_GAIN:
        return "journeys that end explain the order of touchpoints no better than endless ones"
    return ""


@dataclass(frozen=True)
class _Alphabet:
    """What is read of a log: how many touchpoints, and the class of each event's gap."""

    symbols: int
    gap_edges: Floats
    gap_class: npt.NDArray[np.int64]

    @classmethod
    def of(cls, streams: Streams) -> _Alphabet:
        edges = _gap_edges(streams)
        gap_class = np.searchsorted(edges, streams.gap, side="right").astype(np.int64)
        return cls(len(np.unique(streams.touchpoint)) + 1, edges, gap_class)


@dataclass(frozen=True)
class _Fit:
    """One state of the learning: what is foreseen, and what that makes of each event."""

    tallies: tuple[Tally, ...]
    alphabet: _Alphabet
    passed: Passed
    carry: Floats
    cut: Floats
    fresh: Floats
    concentrations: tuple[float, ...]

    def learned(self, streams: Streams) -> _Learned:
        """Return what can be carried to another log."""
        levels = tuple(
            tally.level(self.passed.carry, self.passed.cut, concentration)
            for tally, concentration in zip(self.tallies, self.concentrations, strict=True)
        )
        boundary = self.passed.cut.sum(axis=1)
        cut, carry = _gap_densities(streams, self.alphabet.gap_class, boundary)
        starts = pd.Series(_first_weight(streams, boundary)).groupby(streams.touchpoint).sum()
        ratio = cut / np.maximum(carry, np.finfo(float).tiny)
        contexts = Contexts(levels, self.alphabet.symbols)
        return _Learned(contexts, starts, self.alphabet.gap_edges, ratio)


def _learn(
    streams: Streams,
    tallies: tuple[Tally, ...],
    rounds: tuple[tuple[int, int], ...],
    *,
    endless: bool,
) -> _Fit:
    """Alternate between counting and weighing until the boundaries settle."""
    alphabet = _Alphabet.of(streams)
    rate = np.zeros(streams.events)
    if not endless:
        rate = np.where(
            streams.has_next, FIRST_RATE * 2 * _gap_rank(streams, alphabet.gap_class), 0.0
        )
    ages = independent_ages(streams, rate, AGES) * streams.has_next[:, None]
    passed = Passed(ages, ages * (1 - rate[:, None]), ages * rate[:, None], 0.0)
    for depth, most in rounds:
        for _ in range(most):
            before = passed.cut.sum(axis=1)
            fit = _round(streams, tallies[:depth], alphabet, passed, endless=endless)
            passed = fit.passed
            if np.abs(passed.cut.sum(axis=1) - before).mean() < SETTLED:
                break
    return fit


def _round(
    streams: Streams,
    tallies: tuple[Tally, ...],
    alphabet: _Alphabet,
    passed: Passed,
    *,
    endless: bool,
) -> _Fit:
    """Count what the present boundaries imply, and weigh the boundaries anew."""
    gap_class = alphabet.gap_class
    carry = cut = np.full((streams.events, AGES), 1 / alphabet.symbols)
    concentrations = []
    for tally in tallies:
        carry, cut, concentration = tally.refine(passed.carry, passed.cut, (carry, cut))
        concentrations.append(concentration)
    boundary = passed.cut.sum(axis=1)
    gap_cut, gap_carry = (a[gap_class] for a in _gap_densities(streams, gap_class, boundary))
    _, number = np.unique(np.r_[streams.touchpoint, streams.following], return_inverse=True)
    starts = np.bincount(number[: streams.events], _first_weight(streams, boundary), len(number))
    others = np.maximum(starts[number[streams.events :]] - boundary, 0.0)
    fresh = _start_share(others, starts.sum() - boundary, alphabet.symbols)
    weighed = forward_backward(
        streams,
        carry * gap_carry[:, None],
        np.zeros_like(cut) if endless else cut * (fresh * gap_cut)[:, None],
    )
    ratio = gap_cut / np.maximum(gap_carry, np.finfo(float).tiny)
    return _Fit(
        tallies,
        alphabet,
        weighed,
        carry,
        cut,
        fresh * ratio,
        tuple(concentrations),
    )


def _first_weight(streams: Streams, boundary: Floats) -> Floats:
    """Return how surely each event is the first of a journey."""
    return np.where(streams.position == 0, 1.0, boundary[streams.before])


def _start_share(counts: Floats, total: Floats | float, symbols: int) -> Floats:
    """Return P(touchpoint | first of a journey), with one event's worth of doubt."""
    return np.asarray((counts + 1 / symbols) / (total + 1), dtype=np.float64)


def _gap_edges(streams: Streams) -> Floats:
    gaps = streams.gap[streams.has_next]
    classes = max(4, round(2 * len(gaps) ** (1 / 3)))
    return np.unique(np.quantile(gaps, np.arange(1, classes) / classes)) if len(gaps) else gaps


def _gap_rank(streams: Streams, gap_class: npt.NDArray[np.int64]) -> Floats:
    """Return the mean rank, 0 to 1, of the gaps in each event's class of gap."""
    sizes = np.bincount(gap_class[streams.has_next], minlength=int(gap_class.max()) + 1)
    rank = (np.cumsum(sizes) - sizes / 2) / max(int(sizes.sum()), 1)
    return np.asarray(rank[gap_class], dtype=np.float64)


def _gap_densities(
    streams: Streams, gap_class: npt.NDArray[np.int64], boundary: Floats
) -> tuple[Floats, Floats]:
    """Return P(class of gap | boundary) and P(class of gap | no boundary).

    The share of boundaries never falls with a longer gap. Without this, learning may swap the
    two names and call the short gaps boundaries.
    """
    from scipy.optimize import isotonic_regression

    inside = streams.has_next
    classes = int(gap_class.max()) + 1
    pairs = np.bincount(gap_class[inside], minlength=classes).astype(np.float64)
    ended = np.bincount(gap_class[inside], boundary[inside], classes)
    prior = GAP_PRIOR * ended.sum() / max(pairs.sum(), 1.0)
    share = isotonic_regression((ended + prior) / (pairs + GAP_PRIOR), weights=pairs + GAP_PRIOR).x
    return _normal(share * pairs), _normal((1 - share) * pairs)


def _normal(weights: Floats) -> Floats:
    return weights / max(float(weights.sum()), np.finfo(float).tiny)


def _table(
    streams: Streams, passed: Passed, carry: Floats, cut: Floats, odds: Floats
) -> pd.DataFrame:
    """Return the three probabilities of each pair; `odds` is what next event and gap say."""
    now = (passed.age * cut).sum(axis=1)
    going_on = (passed.age * carry).sum(axis=1)
    with_next = now * odds
    table = pd.DataFrame(
        {
            "customer_no": streams.customer,
            "touchpoint_no": streams.touchpoint,
            "probability": passed.cut.sum(axis=1),
            "probability_next": with_next / (with_next + going_on),
            "probability_now": now,
        },
        index=streams.index,
    )
    order = np.lexsort((streams.position, streams.customer))
    return table.iloc[order[streams.has_next[order]]]
