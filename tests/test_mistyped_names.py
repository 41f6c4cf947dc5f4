"""A mistyped touchpoint, channel, segment or outcome raises and names the nearest, everywhere."""

from __future__ import annotations

import inspect

import ibis
import pytest

import journeylib as jl
from journeylib.journeys.filters import Verbs
from journeylib.judge.judging import score
from journeylib.judge.settings import JudgeSettings
from journeylib.measures.settings import MeasureSettings
from journeylib.plan.portfolio import portfolio
from journeylib.plan.settings import CandidateSettings, PortfolioSettings

MINUTE = 60_000_000
# Verb to a call with a name that is nearly one of the log, and the name that was meant.
VERBS = {
    "passing": (("Invoice", "Kontract"), "Contract"),
    "not_passing": (("Kontract",), "Contract"),
    "passing_in_order": (("Invoice", "Kontract"), "Contract"),
    "passing_directly": (("Invoice", "Kontract"), "Contract"),
    "matching": (("Invoice > * > Kontract",), "Contract"),
    "starting_with": (("Kontract",), "Contract"),
    "ending_with": (("Kontract",), "Contract"),
    "until": (("Kontract",), "Contract"),
    "since": (("Kontract",), "Contract"),
    "in_segment": (("mobil",), "mobile"),
    "using_channel": (("fone",), "phone"),
    "with_end": (("gaol",), "goal"),
    "with_outcome": (("chrun",), "churn"),
}

# These take no name of anything in the log, or words of the company's own.
NAMELESS = {"between", "lasting", "with_visits", "with_handoff", "with_request_for_human"}


@pytest.fixture(scope="module")
def journeys(log_of):
    names = [("Invoice", "web"), ("Contract", "phone"), ("Cancel", "phone")]
    rows = [
        (f"c{no}", place * MINUTE, name, channel, "mobile" if no % 2 else "fibre")
        for no in range(30)
        for place, (name, channel) in enumerate(names)
    ]
    log = log_of(*rows, columns="customer t_us touchpoint channel segment")
    outcomes = ibis.memtable(
        {
            "customer": ["c1"],
            "t_us": [9 * MINUTE],
            "kind": ["churn"],
            "value_micro": [1_000_000],
            "asked_us": [None],
        },
        schema={
            "customer": "string",
            "t_us": "int64",
            "kind": "string",
            "value_micro": "int64",
            "asked_us": "int64",
        },
    )
    object.__setattr__(log, "outcomes", outcomes)
    return jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=5))


def test_every_verb_is_here():
    """A new verb is added to one of the two: it takes names, or it takes none."""
    verbs = {name for name, _verb in inspect.getmembers(Verbs, inspect.isfunction)}
    verbs = {name for name in vars(Verbs) if name in verbs and not name.startswith("_")}
    assert verbs == {*VERBS, *NAMELESS}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_answers_a_mistyped_name_with_the_nearest(verb, journeys):
    given, meant = VERBS[verb]
    with pytest.raises(jl.ConfigError, match=rf"Did you mean '{meant}'\?"):
        getattr(journeys, verb)(*given)


def test_the_map_answers_a_mistyped_name_with_the_nearest(journeys):
    pytest.importorskip("anywidget", reason="needs anywidget")
    state = {"filters": [["passing", "Kontract"]]}
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        jl.explore(journeys, state=state)


MEASURES = {
    "complaint_touchpoints": ("Kontract",),
    "required_fields": {"Kontract": ("segment",)},
}
JUDGED = {"legally_human": ("Kontract",), "value_at_risk": {"Kontract": 0.1}}


@pytest.mark.parametrize("key", sorted(MEASURES))
def test_measures_answer_a_mistyped_name_with_the_nearest(key, journeys):
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        jl.measure(journeys, MeasureSettings(**{key: MEASURES[key]}))


@pytest.mark.parametrize("key", sorted(JUDGED))
def test_judging_answers_a_mistyped_name_with_the_nearest(key, journeys):
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        score(journeys, settings=JudgeSettings(**{key: JUDGED[key]}))


def test_judging_answers_a_mistyped_outcome_with_the_nearest(journeys):
    settings = JudgeSettings(moments={"outcomes": ["chrun"]})
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'churn'\?"):
        score(journeys, settings=settings)


def test_results_answer_a_mistyped_name_with_the_nearest(journeys):
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        jl.journey_chain(journeys).value("Kontract", "visited")
    evidence = jl.measure(journeys)
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        evidence.estimate("Kontract", "rework")
    planned = PortfolioSettings(
        budget=1, build=1, human_minute=1.0, failed_contact=1.0, harm=0.1,
        candidates={"Kontract": CandidateSettings()},
    )  # fmt: skip
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        portfolio(journeys, evidence, jl.score(journeys), planned, evidence.settings)
    # A plan may name what is not lived: it is told, with the nearest, and not refused.
    plan = jl.planned_vs_actual(journeys, ["Invoice", "Kontract"])
    assert plan.never_seen == ("'Kontract'. Did you mean 'Contract'?",)
