"""Reach by stage and segment, counted by hand; small cells and missing segments."""

import numpy as np
import pytest

import journeylib as jl
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.measures.overall.reach import reach
from journeylib.measures.texts.sentiment import customer_scores

HOUR = 3_600_000_000
COLUMNS = "customer t_us touchpoint stage segment sentiment_micro"


def journeys_of(log_of, *, minimum, segments=("a", "a", "b")):
    rows = []
    for customer, segment in zip("xyz", segments, strict=True):
        rows.append((customer, HOUR, "Ad", "Look", segment, 500_000))
        rows.append((customer, 2 * HOUR, "Ad", "Look", segment, 100_000))
    rows.append(("x", 3 * HOUR, "Call", "Buy", segments[0], -400_000))
    log = log_of(*rows, columns=COLUMNS)
    settings = JourneySettings(cut="customer", min_customers=minimum)
    return jl.rebuild(log, settings)


def test_stages_count_events_journeys_and_customers(log_of):
    journeys = journeys_of(log_of, minimum=1)
    found = reach(journeys, customer_scores(journeys)).stages
    rows = {(r.segment, r.stage): (r.events, r.journeys, r.customers) for r in found.itertuples()}
    assert rows == {
        ("", ""): (7, 3, 3), ("", "Look"): (6, 3, 3), ("", "Buy"): (1, 1, 1),
        ("a", ""): (5, 2, 2), ("a", "Look"): (4, 2, 2), ("a", "Buy"): (1, 1, 1),
        ("b", ""): (2, 1, 1), ("b", "Look"): (2, 1, 1),
    }  # fmt: skip


def test_segments_feel_for_themselves(log_of):
    journeys = journeys_of(log_of, minimum=1)
    found = reach(journeys, customer_scores(journeys)).segments
    felt = {(r.segment, r.touchpoint): r.sentiment for r in found.itertuples()}
    assert felt.keys() == {("a", "Ad"), ("a", "Call"), ("b", "Ad")}
    assert np.allclose([felt["a", "Ad"], felt["a", "Call"], felt["b", "Ad"]], [0.3, -0.4, 0.3])


def test_small_cells_are_out(log_of):
    journeys = journeys_of(log_of, minimum=2)
    found = reach(journeys, customer_scores(journeys))
    assert set(found.stages["segment"]) == {"", "a"}
    assert "Buy" not in set(found.stages["stage"])
    assert found.segments["touchpoint"].tolist() == ["Ad"]


def test_segments_of_which_too_few_were_heard_feel_nothing(log_of):
    rows = [(who, HOUR, "Ad", "a", None) for who in "wxyz"] + [("x", 2 * HOUR, "Ad", "a", 500_000)]
    log = log_of(*rows, columns="customer t_us touchpoint segment sentiment_micro")
    journeys = jl.rebuild(log, JourneySettings(cut="customer", min_customers=2))
    found = reach(journeys, customer_scores(journeys)).segments
    assert found[["segment", "touchpoint", "customers"]].values.tolist() == [["a", "Ad", 4]]
    assert found[["sentiment", "lo", "hi"]].isna().all(axis=None)


def test_a_log_without_stages_and_segments_has_its_total(log_of):
    log = log_of(("x", HOUR, "Ad"), ("y", HOUR, "Call"))
    journeys = jl.rebuild(log, JourneySettings(cut="customer", min_customers=1))
    found = reach(journeys, "no_column")
    assert found.stages[["segment", "stage", "customers"]].values.tolist() == [["", "", 2]]
    assert found.segments.empty and "sentiment" in found.segments


@pytest.mark.slow
def test_months_count_customers_and_leave_small_cells_out(log_of):
    visits = {"x": (0, 31, 89), "y": (0, 31), "z": (30,)}  # to 31 March
    rows = [(name, 24 * HOUR * day, "Ad") for name, days in visits.items() for day in days]

    def months(minimum, *more):
        settings = JourneySettings(cut="customer", min_customers=minimum)
        journeys = jl.rebuild(log_of(*rows, *more, columns="customer t_us touchpoint"), settings)
        found = reach(journeys, customer_scores(journeys)).months
        return {(r.month, r.touchpoint): (r.events, r.customers) for r in found.itertuples()}

    january, february, march = (f"1970-0{month}" for month in (1, 2, 3))
    assert months(1) == {(january, "Ad"): (3, 3), (february, "Ad"): (2, 2), (march, "Ad"): (1, 1)}
    # March alone would be the total less the others: February is left out with it.
    assert months(2) == {(january, "Ad"): (3, 3)}
    # Twelve months to January 1971: the first of them is February 1970.
    late = months(1, ("z", 395 * 24 * HOUR, "Ad"))
    assert [month for month, _ in late] == [february, march, "1971-01"]
    # A month that is not over is not shown, until it is.
    running = months(1, ("z", 394 * 24 * HOUR, "Ad"))
    assert [month for month, _ in running] == [january, february, march]
    # Who knows all events finds two that are not shown, one of March and one of April.
    with_april = months(2, ("z", 91 * 24 * HOUR, "Ad"))
    assert with_april == {(january, "Ad"): (3, 3), (february, "Ad"): (2, 2)}
