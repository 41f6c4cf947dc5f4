"""Steps that model each journey work on a stated sample of customers where there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pandas as pd
import pytest

from journeylib.core.estimate import Estimate
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.customer_sample import CustomerSample
from journeylib.judge.bot_timing.bot_timing import judge_bots, session_frame
from journeylib.judge.judgement import Judgement, judge
from journeylib.log.engine.duckdb import fetch
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.handoff_audit import audit_handoffs
from journeylib.measures.evidence import measure
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.predictability import rule_skill

MINUTE = 60_000_000
CUSTOMERS = 90
LogOf = Callable[..., EventLog]


def of_size(log_of: LogOf, limit: int, *, backwards: bool = False) -> Journeys:
    """Journeys of 90 customers who come to a bot and leave it for a person, or in frustration."""
    rows = [
        (f"c{who}", minute * MINUTE, 10 * who + minute, "Bot", actor, text)
        for who in range(CUSTOMERS)
        for minute, actor, text in (
            (0, "customer", "hello"),
            (1, "bot", "how can I help"),
            (2 + who % 5, "customer", "agent!" if who % 2 else "thanks, solved"),
        )
    ]
    log = log_of(
        *(reversed(rows) if backwards else rows),
        columns="customer t_us position touchpoint actor text",
    )
    settings = JourneySettings(cut="customer", min_customers=1, max_customers_modelled=limit)
    return rebuild(log, settings)


def numbers(drawn: CustomerSample) -> list[int]:
    assert drawn.picked is not None
    return sorted(drawn.picked.tolist())


@pytest.mark.parametrize("backwards", [False, True])
def test_the_sample_is_of_the_first_hashes(log_of: LogOf, *, backwards: bool) -> None:
    names = [f"c{who}" for who in range(CUSTOMERS)]
    hashed = sorted(names, key=lambda name: hashlib.md5(name.encode()).hexdigest()[2:])
    by_name = {name: number for number, name in enumerate(sorted(names))}
    drawn = of_size(log_of, 25, backwards=backwards).sample
    assert (drawn.used, drawn.customers) == (25, CUSTOMERS)
    assert numbers(drawn) == sorted(by_name[name] for name in hashed[:25])


@pytest.mark.slow
def test_a_step_may_ask_for_fewer_and_gets_a_part_of_the_same(log_of: LogOf) -> None:
    journeys = of_size(log_of, 40)
    fewer, more = journeys.sample_of(15), journeys.sample_of(60)
    assert (fewer.used, more.used) == (15, 40)
    assert set(numbers(fewer)) < set(numbers(more))


def test_estimates_say_it_and_only_then(log_of: LogOf) -> None:
    found = Estimate(0.5, "share", 0.4, 0.6)
    everyone = of_size(log_of, CUSTOMERS).sample
    assert everyone.assumption() == () and everyone.annotate(found) is found
    (said,) = of_size(log_of, 25).sample.annotate(found).assumptions
    assert said.startswith("a sample of 25 of 90 customers")


@pytest.mark.slow
def test_rules_rest_on_the_sample(log_of: LogOf) -> None:
    settings = MeasureSettings(min_starts=1, min_base_customers=1)
    whole, at_limit, part = (
        rule_skill(of_size(log_of, limit), settings) for limit in (100_000, CUSTOMERS, 25)
    )
    assert list(whole.n_customers) == [CUSTOMERS] and whole.source == ""
    assert whole.resampled.draws.tobytes() == at_limit.resampled.draws.tobytes()
    assert list(part.n_customers) == [25]
    assert part.source.startswith("a sample of 25 of 90 customers")


@pytest.mark.slow
def test_tipping_points_rest_on_the_sample(log_of: LogOf) -> None:
    journeys = of_size(log_of, 25)
    handoffs = audit_handoffs(journeys, MeasureSettings())
    drawn = journeys.sample
    sessions, _clock = session_frame(handoffs, drawn)
    assert sessions["customer"].nunique() == 25
    point = judge_bots(handoffs, sample=drawn).tipping_points[0]
    assert point.sessions == 25
    assert point.at.assumptions[-1:] == point.reasons[-1:] == drawn.assumption()
    all_of_them, _clock = session_frame(handoffs, of_size(log_of, CUSTOMERS).sample)
    pd.testing.assert_frame_equal(all_of_them, session_frame(handoffs)[0])


@pytest.mark.slow
def test_paradoxes_and_disclosure_rest_on_the_sample_and_say_so(log_of: LogOf) -> None:
    rows = [
        (f"c{who}", minute * MINUTE, "Bot", actor, True)
        for who in range(CUSTOMERS)
        for minute, actor in ((0, "customer"), (1, "bot"), (2, "human" if who % 2 else "bot"))
    ]
    log = log_of(*rows, columns="customer t_us touchpoint actor ai_disclosed")
    few = MeasureSettings(min_starts=1, min_base_customers=1)

    def judged(limit: int) -> Judgement:
        settings = JourneySettings(cut="customer", min_customers=1, max_customers_modelled=limit)
        journeys = rebuild(log, settings)
        return judge(journeys, measure(journeys, few))

    whole, part = judged(CUSTOMERS), judged(25)
    said = "a sample of 25 of 90 customers, drawn by the hash of their id, is like the others"
    assert (whole.disclosure.sessions, part.disclosure.sessions) == (CUSTOMERS, 25)
    assert part.disclosure.at_once.assumptions[-1] == said
    assert part.disclosure.text.endswith("Counted on a sample of 25 of 90 customers.")
    assert "sample" not in whole.disclosure.text
    for paradox in part.paradoxes:
        sides = (paradox.benefit, paradox.cost, *paradox.supporting.values())
        assert all(side.assumptions[-1] == said for side in sides)
    # No journey is over yet: what rests on one bot is counted of them all.
    hang = [judgement.paradoxes[-1].supporting["dependence"] for judgement in (whole, part)]
    assert [one.n_customers for one in hang] == [CUSTOMERS, 25]


def test_the_journeys_modelled_are_those_of_the_customers_drawn(log_of: LogOf) -> None:
    journeys = of_size(log_of, 25)
    modelled = journeys.modelled
    drawn = numbers(journeys.sample)
    assert sorted(fetch(modelled.table)["customer_no"]) == drawn
    rows = fetch(modelled.steps)
    assert sorted(set(rows["customer_no"])) == drawn and len(rows) == 3 * 25
    everybody = of_size(log_of, CUSTOMERS)
    assert everybody.modelled is everybody
