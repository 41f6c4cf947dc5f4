"""The public names as a newcomer meets them: documented, near misses answered, rows never shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

import journeylib as jl
from journeylib.log.eventlog import EventLog

LogOf = Callable[..., EventLog]


def test_every_public_name_is_there_and_listed_once() -> None:
    assert len(jl.__all__) == len(set(jl.__all__))
    assert [name for name in jl.__all__ if getattr(jl, name).__name__ != name] == []


@pytest.mark.parametrize("name", jl.__all__)
def test_every_public_name_says_what_it_takes_and_gives(name: str) -> None:
    subject = getattr(jl, name)
    doc = inspect.getdoc(subject) or ""
    assert doc.split("\n")[0].endswith((".", ","))
    if inspect.isfunction(subject):
        assert "Parameters\n" in doc
        assert "Returns\n" in doc or "Raises\n" in doc
        taken = [p.name for p in inspect.signature(subject).parameters.values()]
        assert [argument for argument in taken if argument not in doc] == []


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"'jorney_map'\. Did you mean 'journey_map'\?"):
        _ = jl.jorney_map


def test_what_is_printed_of_a_log_holds_no_row(log_of: LogOf) -> None:
    log = log_of(("Mrs Secret", 0, "Web"), ("Mrs Secret", 1, "Call"))
    journeys = jl.rebuild(log, jl.JourneySettings(min_customers=1))
    assert repr(log) == (
        "EventLog 'log': 2 rows read as events (customer, t_us, touchpoint, position)"
    )
    assert repr(journeys) == (
        "log: 1 journeys of 1 customers, 2 events, 1970-01-01 to 1970-01-01, "
        "cut after 30 days of silence"
    )
    few = jl.rebuild(log, jl.JourneySettings(min_customers=10))
    assert repr(few) == (
        "log: journeys of fewer than 10 customers, 1970-01-01 to 1970-01-01, "
        "cut after 30 days of silence"
    )


def test_an_estimate_that_is_not_there_is_answered_with_the_nearest(log_of: LogOf) -> None:
    journeys = jl.rebuild(log_of(("a", 0, "Web")), jl.JourneySettings(min_customers=1))
    evidence = jl.measure(journeys)
    assert evidence.estimate("Web", "rework")["abstain"] == "n_small"
    with pytest.raises(jl.ConfigError, match=r"measure 'rewerk'\. Did you mean 'rework'\?"):
        evidence.estimate("Web", "rewerk")
    with pytest.raises(jl.ConfigError, match=r"touchpoint 'Wbe'\. Did you mean 'Web'\?"):
        evidence.estimate("Wbe", "rework")
