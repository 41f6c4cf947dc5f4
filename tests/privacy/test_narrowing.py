"""A person looked for by ever narrower groups of a session: verbs, days, comparisons, the map."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

import journeylib as jl
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog

LogOf = Callable[..., EventLog]
HOUR = 3_600_000_000
DAY = 24 * HOUR


def one_a_day(log_of: LogOf) -> Journeys:
    """Return 60 customers of whom one begins on each day, with A; every second goes on to B."""
    rows = []
    for customer in range(60):
        path = ["A", "B"] if customer % 2 else ["A"]
        rows += [(f"c{customer:02d}", customer * DAY + n * HOUR, name)
                 for n, name in enumerate(path)]  # fmt: skip
    return jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))


def day(number: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=number)).isoformat()


def counts(journeys: Journeys) -> set[int]:
    """Return how many journeys a group says that it has; nothing where it says no number."""
    said = re.match(r"(\d+) of", journeys.remaining)
    told = set(journeys.ledger["journeys"].iloc[1:].dropna().astype(int))
    return told | ({int(said[1])} if said else set())


def test_days_moved_one_by_one_show_one_number_of_ten(log_of: LogOf) -> None:
    """Each day moved takes one customer out: who begins on it would be the difference."""
    journeys = one_a_day(log_of)
    shown = sorted(size for last in range(59, 8, -1)
                   for size in counts(journeys.between(day(0), day(last))))  # fmt: skip
    assert len(shown) > 2
    assert all(later - earlier >= 10 for earlier, later in pairwise(shown))


def test_halving_a_period_ends_at_ten_customers(log_of: LogOf) -> None:
    """Bisection for one customer: no number is of fewer than ten, nor differs by fewer."""
    journeys, wanted = one_a_day(log_of), 37
    first, last, shown = 0, 59, [60]
    while first < last:
        middle = (first + last) // 2
        for part in ((first, middle), (middle + 1, last)):
            shown += counts(journeys.between(*map(day, part)))
        first, last = (first, middle) if wanted <= middle else (middle + 1, last)
    assert min(shown) >= 10 and len(shown) >= 3
    with pytest.raises(jl.ConfigError, match="whole days"):
        journeys.between("1970-02-07 00:00:01", "1970-02-08")


@pytest.mark.slow
def test_a_comparison_does_not_tell_the_few_by_which_two_groups_differ(log_of: LogOf) -> None:
    journeys = one_a_day(log_of)
    long, short = (journeys.between(day(0), day(last)) for last in (39, 36))
    assert jl.compare(long, short).abstain == "privacy"  # three customers apart
    first = jl.compare(long, long.rest())
    assert first.abstain is None and len(first.table)
    # The shorter one is compared with the others after the longer one has been.
    other = jl.compare(short, short.rest())
    assert other.abstain == "privacy" and other.table.empty and other.touchpoints.empty


def items(message: dict[str, object]) -> dict[str, object]:
    return {item["title"]: item["facts"] for item in message["items"]}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_map_shows_nothing_of_a_group_that_differs_by_a_few(log_of: LogOf) -> None:
    """57 of 60 pass no C: a map of them, beside that of all, would tell of the three that do."""
    pytest.importorskip("anywidget", reason="needs anywidget")
    from journeylib.present.explorer.state import exploration

    rows = []
    for customer in range(60):
        path = ["A", *(["B"] if customer < 40 else []), *(["C"] if customer < 3 else [])]
        rows += [(f"c{customer}", hour * HOUR, name) for hour, name in enumerate(path)]
    journeys = jl.rebuild(log_of(*rows), JourneySettings(cut="customer"))
    every = exploration(journeys)
    assert dict(items(every.shown())["A"])["journeys"] == "60 of 60 (100 %)"  # type: ignore[call-overload]
    without = every.filtered("not_passing", ["C"])
    assert items(without.shown()) == {}
    assert "57" not in json.dumps([without.trail(), without.shown()["finding"]])
    with_b = every.filtered("passing", ["B"])
    assert dict(items(with_b.shown())["B"])["journeys"] == "40 of 40 (100 %)"  # type: ignore[call-overload]
    narrower = with_b.filtered("not_passing", ["C"])
    assert items(narrower.shown()) == {} and "37" not in json.dumps(narrower.trail())
    # The sliders are no other group, and a step back shows again what was shown.
    assert items(narrower.undone(1).moved(1.0, 1.0).shown()).keys() >= {"A", "B"}
