"""Where visits of a touchpoint come from and go to, counted by hand; loops, ties, small cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import journeylib as jl
from journeylib.journeys import END, OTHER, START, steps_around

HOUR = 3_600_000_000
LogOf = Callable[..., Any]


def journeys_of(log_of: LogOf, *paths: str, minimum: int, tied: bool = False) -> jl.Journeys:
    """Return one journey per path of letters; an hour apart, or all at one time."""
    rows = [
        (f"c{number}", HOUR * (1 if tied else 1 + step), name, step)
        for number, path in enumerate(paths)
        for step, name in enumerate(path)
    ]
    settings = jl.JourneySettings(cut="customer", min_customers=minimum)
    return jl.rebuild(log_of(*rows, columns="customer t_us touchpoint position"), settings)


def rows_of(journeys: jl.Journeys, most: int = 4) -> dict[tuple[str, str], int]:
    table = steps_around(journeys, "M", most=most)
    return {(row.side, row.touchpoint): row.visits for row in table.itertuples()}


def test_each_side_counts_every_visit_and_loops_stand_on_both(log_of: LogOf) -> None:
    journeys = journeys_of(log_of, "AMB", "AMB", "MMA", "BM", minimum=1)
    assert rows_of(journeys) == {
        ("before", "A"): 2, ("before", START): 1, ("before", "B"): 1, ("before", "M"): 1,
        ("after", "B"): 2, ("after", "A"): 1, ("after", END): 1, ("after", "M"): 1,
    }  # fmt: skip
    table = steps_around(journeys, "M", most=4)
    assert table.groupby("side")["share"].sum().tolist() == pytest.approx([1, 1])
    assert table["median_seconds"].dropna().unique().tolist() == [3600.0]


def test_what_too_few_did_is_never_the_difference_to_all(log_of: LogOf) -> None:
    paths = ["AM"] * 5 + ["BM"] * 3 + ["CM"]
    shown = rows_of(journeys_of(log_of, *paths, minimum=2))
    # C alone would be 9 less 8: the smallest shown row goes with it.
    assert {key: n for key, n in shown.items() if key[0] == "before"} == {
        ("before", "A"): 5,
        ("before", OTHER): 4,
    }


def test_rows_beyond_the_most_are_one(log_of: LogOf) -> None:
    journeys = journeys_of(log_of, "AM", "AM", "AM", "BM", "BM", "CM", minimum=1)
    table = steps_around(journeys, "M", most=1)
    before = table[table["side"] == "before"]
    assert before["touchpoint"].tolist() == ["A", OTHER]
    assert before["visits"].tolist() == [3, 3]
    assert before["folds"].tolist() == [1, 2]
    assert before["customers"].isna().tolist() == [False, True]


def test_steps_of_one_time_are_counted(log_of: LogOf) -> None:
    tied = steps_around(journeys_of(log_of, "AMB", "MB", minimum=1, tied=True), "M", most=4)
    assert dict(zip(tied["touchpoint"], tied["tied"], strict=True)) == {"A": 1, START: 0, "B": 2}
    apart = steps_around(journeys_of(log_of, "AMB", "MB", minimum=1), "M", most=4)
    assert apart["tied"].sum() == 0


@pytest.mark.parametrize("seed", range(5))
def test_both_sides_add_up_to_all_visits(log_of: LogOf, seed: int) -> None:
    draw = np.random.default_rng(seed)
    paths = ["M" + "".join(draw.choice(list("ABCM"), draw.integers(0, 6))) for _ in range(40)]
    journeys = journeys_of(log_of, *paths, minimum=3)
    table = steps_around(journeys, "M", most=2)
    visits = sum(path.count("M") for path in paths)
    assert table.groupby("side")["visits"].sum().tolist() == [visits, visits]
    assert (table["customers"].dropna() >= 3).all()


def test_a_touchpoint_that_never_was_has_no_neighbours(log_of: LogOf) -> None:
    with pytest.raises(ValueError, match="'Z'"):
        steps_around(journeys_of(log_of, "AMB", minimum=1), "Z", most=4)
