"""Shares and times of transitions: worked out by hand, and the same whoever asks and when."""

import pytest

import journeylib as jl
from journeylib.measures.overall.transition_estimates import Transitions

MINUTE = 60_000_000


@pytest.fixture
def journeys(log_of):
    """60 customers go A B C, 40 go A C; B comes after 1 to 60 minutes, C 90 minutes after A."""
    rows = [
        (f"c{no}", minute * MINUTE, name)
        for no in range(100)
        for name, minute in (
            [("A", 0), ("B", no + 1), ("C", 90)] if no < 60 else [("A", 0), ("C", 90)]
        )
    ]
    return jl.rebuild(log_of(*rows), jl.JourneySettings(cut="customer", min_customers=5))


def test_share_and_median_of_a_transition_with_their_intervals(journeys):
    found = Transitions(journeys).of([("A", "B"), ("A", "C"), ("C", "(end)")])
    share, seconds = found["A", "B"].share, found["A", "B"].seconds
    assert share.value == 0.6
    # The interval of 60 of 100 independent customers is Wilson's, .50 to .69.
    assert share.lo == pytest.approx(0.50, abs=0.03)
    assert share.hi == pytest.approx(0.69, abs=0.03)
    assert (share.n_customers, share.n_journeys, share.n_events) == (60, 60, 60)
    assert seconds.value == pytest.approx(30.5 * 60)
    # The median of 60 even values lies between the 22nd and the 39th in 95 % of samples.
    assert 18 * 60 < seconds.lo < 26 * 60
    assert 35 * 60 < seconds.hi < 46 * 60
    constant = found["A", "C"].seconds
    assert constant.value == pytest.approx(90 * 60)
    assert found["C", "(end)"].share.value == 1.0
    assert found["C", "(end)"].seconds.abstain == "unidentified"


def test_estimates_do_not_depend_on_what_else_was_asked(journeys):
    pairs = [("A", "B"), ("A", "C"), ("B", "C")]
    together, slowly = Transitions(journeys).of(pairs), Transitions(journeys)
    for pair in reversed(pairs):
        alone = slowly.of([pair])[pair]
        # To six digits, as all that is shown: the last bits are those of the order of adding up.
        for one, other in (
            (alone.share, together[pair].share),
            (alone.seconds, together[pair].seconds),
        ):
            assert one.to_dict() == other.to_dict()


def test_a_median_of_few_has_no_interval_and_a_filter_has_its_own(journeys):
    some = journeys.passing("B")
    assert Transitions(some).of([("A", "B")])["A", "B"].share.value == 1.0
    settings = jl.MeasureSettings(min_starts=61)
    seconds = Transitions(journeys, settings).of([("A", "B")])["A", "B"].seconds
    assert seconds.value == pytest.approx(30.5 * 60)
    assert (seconds.lo, seconds.hi) == (None, None)


def test_a_log_without_a_clock_has_shares_and_no_times(log_of):
    rows = [(f"c{no}", name) for no in range(30) for name in "AB"]
    log = log_of(*rows, columns="customer touchpoint")
    journeys = jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=5))
    taken = Transitions(journeys).of([("A", "B")])["A", "B"]
    assert taken.share.value == 1.0
    assert taken.seconds.abstain == "no_clock"
