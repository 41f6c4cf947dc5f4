"""A mistyped touchpoint, channel, segment or outcome raises and names the nearest, everywhere."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import ibis
import pandas as pd
import pytest
from pydantic import BaseModel

import journeylib as jl
from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.preparation.preparation import without_absent
from journeylib.journeys.filters.filters import Verbs
from journeylib.judge.judgement import score
from journeylib.log.schema import Called
from journeylib.portfolio.first_automations import portfolio

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
    "of_type": (("emotionl",), "emotional"),
    "with_end": (("gaol",), "goal"),
    "with_outcome": (("chrun",), "churn"),
}

# These take no name of anything in the log, or words of the company's own.
NAMELESS = {"between", "lasting", "with_visits", "with_handoff", "with_request_for_human"}


@pytest.fixture(scope="module")
def journeys(log_of):
    names = [("Invoice", "web"), ("Contract", "phone"), ("Cancel", "phone")]
    rows = [
        (f"c{no}", place * MINUTE, name, channel, "mobile" if no % 2 else "fibre", "Start", "bill")
        for no in range(30)
        for place, (name, channel) in enumerate(names)
    ]
    # What three customers have been at is nobody's nearest name.
    rows += [
        (f"c{no}", 3 * MINUTE, "Kontract of few", "web", "mobile", "Start", "") for no in range(3)
    ]
    log = log_of(*rows, columns="customer t_us touchpoint channel segment stage intent")
    outcomes = ibis.memtable(
        {
            "customer": [f"c{no}" for no in range(9)],
            "t_us": [9 * MINUTE] * 9,
            "kind": ["churn"] * 9,
            "value_micro": [1_000_000] * 9,
            "asked_us": [None] * 9,
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
    found = jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=5))
    return found.with_types({"emotional": found.outline.key[:20]})


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


# Setting to a value with a name that is nearly one of the log, and the name that was meant.
SETTINGS = {
    "roles.touchpoint_values.RAW": ("Kontract", "Contract"),
    "roles.stage_values": ({"Kontract": "Start"}, "Contract"),
    "roles.office_values": ({"Kontract": "front"}, "Contract"),
    "roles.stage_order": (["Stat"], "Start"),
    "roles.channel_order": (["fone"], "phone"),
    "journeys.gap_days": ({"fone": 3}, "phone"),
    "journeys.goals": (["Kontract", "Invoice"], "Contract"),
    "journeys.goals_by_intent": ({"bils": []}, "bill"),
    "journeys.goals_by_intent.bill": (["Kontract"], "Contract"),
    "journeys.bad_ends": (["Kontract"], "Contract"),
    "measures.complaint_kinds": (["chrun"], "churn"),
    "measures.complaint_touchpoints": (["Kontract"], "Contract"),
    "measures.queues": (["Kontract"], "Contract"),
    "measures.required_fields": ({"Kontract": ["segment"]}, "Contract"),
    "judge.moments.outcomes": (["chrun"], "churn"),
    "judge.paradoxes.outcome_costs": ({"chrun": 1.0}, "churn"),
    "judge.paradoxes.privacy_kinds": (["chrun"], "churn"),
    "judge.paradoxes.privacy_touchpoints": (["Kontract"], "Contract"),
    "judge.value_at_risk": ({"Kontract": 0.1}, "Contract"),
    "judge.surveys": ({"chrun": [0, 10]}, "churn"),
    "judge.legally_human": (["Kontract"], "Contract"),
    "portfolio.candidates": ({"Kontract": {}}, "Contract"),
    "portfolio.candidates.Invoice.like": ("Kontract", "Contract"),
    "portfolio.candidates.Invoice.after": (["Kontract"], "Contract"),
}
# What the log does not have is true of these too, so they stay, and a call takes them.
KEPT = {"roles", "journeys.goals", "journeys.bad_ends", "like", "after"}

# Columns, files, indicators, words of the company's own: wrong ones are refused elsewhere, or
# counted (a word for an actor that is not mapped).
OTHER = {
    "log.files",
    *("log.join", "log.join.*", "log.unpivot", "log.unpivot.*.start", "log.unpivot.*.end"),
    "service_types.names",
    *(
        f"roles.{name}"
        for name in ("actor_values", "attributes", "identifiers", "lifecycle_values", "names_shown")
    ),
    *("roles.missing", "roles.touchpoint_values", "log.outcomes.roles.missing"),
    *("plan.steps", "stitching.valid_days"),
    *("measures.known_at_start", "measures.required_fields.*", "measures.human_request_words"),
    *("judge.moments.adjust", "judge.handoff_limits"),
    *("judge.automation_fit", "judge.empathy_need", "judge.offices.*.no_customer_voice"),
    "delivery.mail.to",
}


def _names_in(hint, place="", *, many=False):
    """Give the place of each setting that takes names, and whether they are the log's."""
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        if any(isinstance(part, Called) for part in inner[1:]):
            yield place, True
        else:
            yield from _names_in(inner[0], place, many=many)
    elif get_origin(hint) in (Union, UnionType):
        for one in inner:
            yield from _names_in(one, place, many=many)
    elif get_origin(hint) in (tuple, dict):
        yield from _names_in(inner[0], place, many=True)
        if get_origin(hint) is dict:
            yield from _names_in(inner[1], f"{place}.*")
    elif hint is str and many:
        yield place, False
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        hints = get_type_hints(hint, include_extras=True)
        for name in hint.model_fields:
            yield from _names_in(hints[name], f"{place}.{name}".lstrip("."))


# Read by the commands of the lab, which refuse an unknown name themselves.
OF_THE_LAB = {
    "bets.touchpoint",
    "lab.guardrails.at",
    "lab.guardrails.reaches",
    "lab.primary.at",
    "lab.primary.reaches",
    "lab.touchpoint",
}


def test_every_setting_is_here():
    """A new setting with names is marked as the log's, or is listed as something else."""
    found = set(_names_in(AuditConfig))
    ours = {
        key.replace("RAW", "*").replace("Invoice", "*").replace(".bill", ".*") for key in SETTINGS
    }
    assert {place for place, logged in found if logged} == ours | OF_THE_LAB
    assert {place for place, logged in found if not logged} == OTHER | {"lab.arms"}


def _config(key=None, value=None):
    content = {
        "name": "few",
        "log": {"files": "few.csv"},
        "roles": {"customer": "who", "touchpoint": "step", "timestamp": "at"},
        "journeys": {"cut": "gap", "min_customers": 5},
        "small_cells_permitted_by": "a made-up log",
        "portfolio": {
            "budget": 1, "build": 1, "human_minute": 1.0, "failed_contact": 1.0, "harm": 0.1,
        },
    }  # fmt: skip
    *parents, last = key.split(".") if key else ["name"]
    node = content
    for parent in parents:
        node = node.setdefault(parent, {})
    node[last] = "few" if key is None else value
    return AuditConfig.model_validate(content)


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_an_audit_tells_of_a_mistyped_name_and_goes_on(key, journeys):
    value, meant = SETTINGS[key]
    config = _config(key, value)
    checked = pd.DataFrame({"check": ["ties"], "text": ["None."]})
    log = replace(journeys.log, quality=replace(journeys.log.quality, checks=checked))
    known, told = without_absent(config, log, log)
    kept = any(f"{part}" in key for part in KEPT)
    assert (known == config) == kept
    row = told.quality.checks.iloc[-1]
    assert (len(told.quality.checks), row["check"], row["role"]) == (2, "names_nothing", key)
    assert row["severity"] == ("note" if key.startswith("roles.") else "warning")
    assert row["text"].startswith(f"{key} names '") and f"Did you mean '{meant}'?" in row["text"]
    assert "few" not in row["text"]


def test_an_audit_is_silent_on_names_that_the_log_has(journeys):
    config = _config("judge", {"legally_human": ["Contract"], "surveys": {"churn": [0, 1]}})
    assert without_absent(config, journeys.log, journeys.log) == (config, journeys.log)


@pytest.mark.parametrize(
    "key", sorted(key for key in SETTINGS if not any(part in key for part in KEPT))
)
def test_a_call_answers_a_mistyped_name_with_the_nearest(key, journeys):
    value, meant = SETTINGS[key]
    config = _config(key, value)
    calls = {
        "journeys": lambda: jl.rebuild(journeys.log, config.journeys),
        "measures": lambda: jl.measure(journeys, config.measures),
        "judge": lambda: score(journeys, settings=config.judge),
        "portfolio": lambda: portfolio(
            journeys, jl.measure(journeys), jl.score(journeys), config.portfolio
        ),
    }
    with pytest.raises(
        (jl.ConfigError, jl.SchemaError), match=rf"^{key} names .* Did you mean '{meant}"
    ):
        calls[key.split(".")[0]]()


def test_results_answer_a_mistyped_name_with_the_nearest(journeys):
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        jl.journey_chain(journeys).value("Kontract", "visited")
    evidence = jl.measure(journeys)
    with pytest.raises(jl.ConfigError, match=r"Did you mean 'Contract'\?"):
        evidence.estimate("Kontract", "rework")
    # A plan may name what is not lived: it is told, with the nearest, and not refused.
    plan = jl.planned_vs_actual(journeys, ["Invoice", "Kontract"])
    assert plan.never_seen == ("'Kontract'. Did you mean 'Contract'?",)


def test_what_stands_at_its_default_was_named_by_nobody(journeys):
    # A run made again reads its settings in full, with the defaults written out.
    config = AuditConfig.model_validate(_config().model_dump(mode="json"))
    assert config.measures.complaint_kinds == ("complaint",)
    assert without_absent(config, journeys.log, journeys.log) == (config, journeys.log)
