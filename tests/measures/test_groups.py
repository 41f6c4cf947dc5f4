"""Two groups: shares by hand, intervals that see shared customers, and planted truth."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import journeylib as jl

HOUR = 3_600_000_000
DAY = 24 * HOUR
HOW = jl.JourneySettings(cut="case", goals=("Buy",), min_customers=10)


def rows_of(paths, *, segment="x", first=0):
    return [
        (f"c{first + no:05}", f"j{first + no}", place * HOUR, name, segment)
        for no, path in enumerate(paths)
        for place, name in enumerate(path)
    ]


COLUMNS = "customer case t_us touchpoint segment"


def row(comparison: jl.Comparison, name: str) -> pd.Series:
    return comparison.table.set_index("name").loc[name]


@pytest.mark.slow
def test_shares_and_their_difference_by_hand(log_of):
    a = [("Web", "Buy")] * 60 + [("Web", "Call")] * 40
    b = [("Web", "Buy")] * 20 + [("Web", "Call")] * 70 + [("Web", "Odd")] * 9
    log = log_of(*rows_of(a, segment="a"), *rows_of(b, segment="b", first=100), columns=COLUMNS)
    journeys = jl.rebuild(log, HOW)
    found = jl.compare(journeys.in_segment("a"), journeys.in_segment("b"))
    bought = row(found, "journeys that reach a goal")
    assert (bought["a"], bought["b"]) == (0.6, 20 / 99)
    assert bought["difference"] == pytest.approx(0.6 - 20 / 99)
    assert bought["lo"] < bought["difference"] < bought["hi"]
    assert (bought["n_a"], bought["n_b"], bought["grade"]) == (100, 99, "C")
    assert row(found, "Web → Call")["b"] == 70 / 99
    assert (row(found, "visits per journey")[["a", "b", "difference"]] == [2, 2, 0]).all()
    # Nine customers are too few to be shown, on either side.
    assert "Odd" not in set(found.table["source"]) | set(found.table["target"])
    assert found.suppressed == 3
    assert "Buy: 60.0 % of A, 20.2 % of B; 39.8 points more in A" in repr(found)


@pytest.mark.slow
def test_the_interval_is_about_as_wide_as_that_of_two_independent_shares(log_of):
    rng = np.random.default_rng(5)
    paths = [("Web", "Buy") if hit else ("Web",) for hit in rng.random(2000) < 0.3]
    log = log_of(
        *rows_of(paths[:1000], segment="a"),
        *rows_of(paths[1000:], segment="b", first=1000),
        columns=COLUMNS,
    )
    journeys = jl.rebuild(log, HOW)
    one = row(jl.compare(journeys.in_segment("a"), journeys.in_segment("b")), "Buy")
    expected = 2 * 1.998 * np.sqrt(2 * 0.3 * 0.7 / 1000)
    assert one["hi"] - one["lo"] == pytest.approx(expected, rel=0.25)


@pytest.mark.slow
def test_customers_in_both_groups_do_not_count_twice(log_of):
    """Each customer has a journey in both periods and always does the same: no difference."""
    rng = np.random.default_rng(6)
    rows = [
        (f"c{no:04}", f"{no}-{half}", half * 100 * DAY + place * HOUR, name, "x")
        for no, buys in enumerate(rng.random(400) < 0.5)
        for half in range(2)
        for place, name in enumerate(["Web", "Buy"] if buys else ["Web"])
    ]
    journeys = jl.rebuild(log_of(*rows, columns=COLUMNS), HOW)
    found = jl.compare(journeys.between(last="1970-02-01"), journeys.between("1970-02-01"))
    bought = row(found, "Buy")
    assert bought["difference"] == 0
    # Taken as independent the interval would be 14 points wide.
    assert bought["hi"] - bought["lo"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(bought["q_value"])


def test_what_sets_few_customers_apart_is_not_compared(log_of):
    paths = [("Web", "Buy")] * 50 + [("Web", "Call")] * 4
    journeys = jl.rebuild(log_of(*rows_of(paths), columns=COLUMNS), HOW)
    for one, other in (
        (journeys.passing("Call"), journeys.passing("Buy")),
        (journeys, journeys.passing("Buy")),
        (journeys.passing("Buy"), journeys),
    ):
        found = jl.compare(one, other)
        assert found.abstain == "privacy"
        assert found.table.empty and found.findings == ()
        assert "fewer than 10 customers" in repr(found)


CAUSAL = re.compile(
    r"cause|lead|led to|because|due to|effect|impact|drive|reduc|increas|improv", re.I
)


@pytest.mark.slow
def test_findings_name_no_cause(log_of):
    a, b = [("Web", "Buy")] * 60, [("Web", "Call", "Call")] * 60
    log = log_of(*rows_of(a, segment="a"), *rows_of(b, segment="b", first=100), columns=COLUMNS)
    journeys = jl.rebuild(log, HOW)
    found = jl.compare(journeys.in_segment("a"), journeys.in_segment("a").rest())
    assert not CAUSAL.search(repr(found))
    # All of the one and none of the other: nothing varies, so nothing is tested.
    assert np.isnan(row(found, "Buy")["q_value"])


@pytest.mark.slow
def test_what_the_choice_of_the_groups_decides_is_no_finding(log_of):
    """Half go by Bot, so no transition to or from Bot can be in the others: not tested."""
    paths = [("Web", "Bot", "Call")] * 40 + [("Bot", "Call")] * 40
    paths += [("Web", "Call")] * 40 + [("Call",)] * 20
    journeys = jl.rebuild(log_of(*rows_of(paths), columns=COLUMNS), HOW).passing("Call")
    found = jl.compare(journeys.passing("Bot"), journeys.not_passing("Bot"))
    untested = found.table.loc[found.table["q_value"].isna(), "name"]
    assert {"Bot", "Bot → Call", "Web → Bot", "(start) → Bot"} <= set(untested)
    assert "Bot" not in " ".join(found.findings)
    assert found.table.set_index("name")["q_value"]["Web → Call"] < 0.05


@pytest.mark.slow
def test_no_difference_gives_few_discoveries_and_a_planted_one_is_found(log_of):
    """Thirty pairs of groups that differ by chance alone; one pair with a planted difference."""
    rng = np.random.default_rng(7)
    names = np.array(["Web", "Chat", "Mail", "Shop", "Call", "Buy"])
    often = np.array([0.3, 0.25, 0.15, 0.12, 0.1, 0.08])

    def path(more_calls=False):
        chances = often + (np.array([-0.15, 0, 0, 0, 0.15, 0]) if more_calls else 0)
        return tuple(rng.choice(names, size=rng.integers(1, 6), p=chances))

    pairs, size, rows = 30, 120, []
    for group in range(2 * pairs + 1):
        paths = [path(more_calls=group == 2 * pairs) for _ in range(size)]
        rows += rows_of(paths, segment=f"s{group}", first=group * size)
    journeys = jl.rebuild(log_of(*rows, columns=COLUMNS), HOW)
    segments = [journeys.in_segment(f"s{group}") for group in range(2 * pairs + 1)]
    wrong = 0
    for group in range(pairs):
        found = jl.compare(segments[2 * group], segments[2 * group + 1])
        assert len(found.table) > 12
        wrong += bool(len(found.differences))
    assert wrong <= 0.1 * pairs
    planted = jl.compare(segments[-1], segments[0]).differences
    assert "Call" in set(planted["source"])
    assert (planted.loc[planted["name"] == "Call", "difference"] > 0).all()
