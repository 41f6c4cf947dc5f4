"""Objective, bets and self-assessment: each state and each inconsistency has a planted case."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.experiments.facts import (
    assessment_of,
    bets_of,
    measured_statements,
    objective_of,
)
from journeylib.core.errors import LogError
from journeylib.lab.settings import Bet, Cost, Objective
from journeylib.lab.strategy.bets import BetFacts, join_bets
from journeylib.lab.strategy.objective import Value, pace, report_objective
from journeylib.lab.strategy.self_assessment import (
    PEOPLE_ONLY,
    assess,
    empty_answers,
    read_answers,
    statements,
)

AS_OF = dt.date(2026, 7, 6)


# --- the objective ----------------------------------------------------------------------------


def objective(**changes: Any) -> Objective:
    base = {
        "text": "More solved without a person",
        "measure": "handoffs.contained_verified",
        "from": 0.30,
        "to": 0.45,
        "by": dt.date(2026, 12, 31),
    }
    return Objective.model_validate(base | changes)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (Value(0.50, 0.46, 0.54), "reached"),
        (Value(0.46, 0.44, 0.48), "on_the_way"),  # the goal is not shown to be reached
        (Value(0.36, 0.32, 0.40), "on_the_way"),
        (Value(0.31, 0.27, 0.35), "cannot_be_told"),  # the interval still holds the beginning
        (Value(0.25, 0.21, 0.29), "moving_away"),
        (Value(None), "cannot_be_told"),
        (Value(0.45), "reached"),  # a plain number
    ],
)
def test_states_of_the_objective(value: Value, state: str) -> None:
    assert report_objective(objective(), value, [], []).state == state


def test_an_objective_may_fall_and_names_the_missing_figure() -> None:
    fewer = objective(**{"from": 0.20, "to": 0.10})
    assert report_objective(fewer, Value(0.08, 0.07, 0.09), [], []).state == "reached"
    assert report_objective(fewer, Value(0.15, 0.13, 0.17), [], []).state == "on_the_way"
    assert report_objective(fewer, Value(0.25, 0.22, 0.28), [], []).state == "moving_away"
    missing = report_objective(fewer, Value(None), [], [])
    assert "handoffs.contained_verified has no answer" in missing.texts[0]


def test_what_it_costs_is_named() -> None:
    costs = [
        (Cost(measure="handoffs.requests_honoured", min=0.8), Value(0.7)),
        (Cost(measure="log.journeys", min=10), Value(20.0)),
        (Cost(measure="handoffs.ping_pong", max=0.1), Value(None)),
    ]
    found = report_objective(objective(), Value(0.5, 0.46, 0.54), costs, [])
    assert found.state == "reached"
    assert found.broken == ("handoffs.requests_honoured",)
    assert sum("cannot be told" in text for text in found.texts) == 1


def test_the_pace_is_a_slope_and_forecasts_no_further_than_was_seen() -> None:
    days = [AS_OF + dt.timedelta(weeks=week) for week in range(5)]
    values = [0.30, 0.33, 0.36, 0.39, 0.42]
    found = pace(list(zip(days, values, strict=True)))
    assert found is not None
    assert found.slope == pytest.approx(0.03)
    assert found.weeks == 4
    soon = report_objective(objective(), Value(0.42), [], list(zip(days, values, strict=True)))
    assert f"arrives by {days[-1] + dt.timedelta(weeks=1)}" in soon.texts[-1]
    slow = [(day, 0.30 + 0.01 * week) for week, day in enumerate(days)]
    far = report_objective(objective(), Value(0.34), [], slow)
    assert "no forecast" in far.texts[-1]
    back = [(day, 0.42 - 0.01 * week) for week, day in enumerate(days)]
    assert "does not arrive" in report_objective(objective(), Value(0.38), [], back).texts[-1]
    assert pace(list(zip(days[:2], values[:2], strict=True))) is None


# --- bets -------------------------------------------------------------------------------------


def kinds(bet: dict[str, Any], facts: BetFacts) -> list[str]:
    declared = Bet.model_validate({"name": "b", "touchpoint": "Chat", "what": "a bot", **bet})
    (joined,) = join_bets([declared], {"b": facts}, as_of=AS_OF)
    return [one.kind for one in joined.inconsistencies]


@pytest.mark.parametrize(
    ("kind", "bet", "facts"),
    [
        ("absent", {}, BetFacts(verdict=None)),
        ("unread", {"state": "scaled"}, BetFacts(verdict="assist")),
        (
            "read_against",
            {"state": "scaled"},
            BetFacts(verdict="assist", has_reading=True, decision="no_difference"),
        ),
        (
            "veto",
            {"state": "testing"},
            BetFacts(verdict="human_led", vetoes=("vulnerable",), plan_end=AS_OF),
        ),
        (
            "harm",
            {"state": "testing"},
            BetFacts(verdict="assist", watch_stopped=True, plan_end=AS_OF),
        ),
        ("no_plan", {"state": "testing"}, BetFacts(verdict="assist")),
        (
            "long",
            {"state": "testing"},
            BetFacts(verdict="assist", plan_end=AS_OF - dt.timedelta(days=1)),
        ),
        (
            "stop",
            {"state": "testing", "stop_measure": "handoffs.ping_pong", "stop_above": 0.1},
            BetFacts(verdict="assist", plan_end=AS_OF, stop_value=0.2),
        ),
    ],
)
def test_each_inconsistency_has_its_case(kind: str, bet: dict[str, Any], facts: BetFacts) -> None:
    assert kinds(bet, facts) == [kind]


def test_bets_that_fit_together_say_nothing() -> None:
    assert kinds({"state": "idea"}, BetFacts(verdict="assist", vetoes=("vulnerable",))) == []
    shipped = BetFacts(verdict="assist", has_reading=True, decision="ship")
    assert kinds({"state": "scaled"}, shipped) == []
    on_time = BetFacts(verdict="assist", plan_end=AS_OF, watch_stopped=False)
    assert kinds({"state": "testing"}, on_time) == []
    assert kinds({"state": "stopped"}, BetFacts(verdict="assist", watch_stopped=True)) == []


def test_more_than_five_at_once_cannot_be_told_apart() -> None:
    bets = [
        Bet(name=f"b{number}", touchpoint="Chat", what="x", state="testing") for number in range(6)
    ]
    facts = {bet.name: BetFacts(verdict="assist", plan_end=AS_OF) for bet in bets}
    assert all(
        [one.kind for one in joined.inconsistencies] == ["many"]
        for joined in join_bets(bets, facts, as_of=AS_OF)
    )
    assert not any(joined.inconsistencies for joined in join_bets(bets[:5], facts, as_of=AS_OF))


# --- the self-assessment ----------------------------------------------------------------------


def test_every_statement_has_source_measure_and_words_of_its_own() -> None:
    all_of_them = statements()
    assert [one.source for one in all_of_them] == list(range(1, 25))
    assert len({one.id for one in all_of_them}) == len({one.text for one in all_of_them}) == 24
    for one in all_of_them:
        assert one.where[0] in "ABCD"
        assert one.measure
        assert len(one.text.split()) <= 25
        assert one.text.endswith(".")
    # Each measure is one that an audit computes, or is known not to be visible yet.
    known = set(measured_statements(config(bets=BETS), document())) | {
        PEOPLE_ONLY, "opt_outs", "rated_by_people", "surveys", "measures_questioned",
    }  # fmt: skip
    assert {one.measure for one in all_of_them} <= known


BETS = [{"name": "b", "touchpoint": "Chat", "what": "x", "state": "testing"}]


def config(**changes: Any) -> AuditConfig:
    base: dict[str, Any] = {
        "name": "a",
        "log": {"files": ["x.csv"]},
        "roles": {"customer": "c", "touchpoint": "t", "timestamp": "at"},
    }
    return AuditConfig.model_validate(base | changes)


def document(*, bots: bool = True, **changes: Any) -> dict[str, Any]:
    """Return the part of an audit.json that the facts rest on."""
    items = [
        {"name": "requests_honoured", "state": "holds"},
        {"name": "context_carried", "state": "open"},
        {"name": "asked_again", "state": "fails"},
    ]
    base: dict[str, Any] = {
        "audit": {"as_of": "2026-07-06"},
        "touchpoints": [
            {
                "touchpoint": "Chat",
                "verdict": "human_led",
                "vetoes": ["vulnerable"],
                "measures": {"containment": {"n_customers": 50}},
            },
            {"touchpoint": "Call", "verdict": "assist", "vetoes": [], "measures": {}},
        ],
        "handoffs": {
            "abstain": None if bots else "no_column",
            "sessions": 100 if bots else 0,
            "items": items,
            "dead_ends": [],
            "ping_pong": {"value": 0.2, "lo": 0.1, "hi": 0.3, "unit": "share"},
        },
        "disclosure": {"at_once": {"value": 0.97, "lo": 0.96, "hi": 0.98}},
        "tipping_points": [
            {
                "segment": "all",
                "clock": "minutes",
                "handoff_time": {"minutes": 3.0, "settled": 0.7},
            }
        ],
        "paradoxes": [{"name": "personalised_intrusive", "state": "cost_only"}],
        "surveys": [],
        "ratings": None,
        "portfolio": None,
    }
    return base | changes


def test_the_audit_answers_what_it_measures() -> None:
    found = measured_statements(config(bets=BETS), document())
    assert {name: state for name, (state, _figure) in found.items()} == {
        "objective": "fails",
        "no_handling_time": "cannot_be_seen",
        "guarded": "fails",
        "tested_with_plan": "fails",
        "scaled_with_reading": "not_settled",
        "stopped_bets": "not_settled",
        "first_list": "fails",
        "verdicts_settled": "holds",
        "requests_honoured": "holds",
        "context": "fails",
        "way_out": "holds",
        "disclosure": "holds",
        "handoff_time": "holds",
        "verdicts_followed": "fails",
        "paradox_5": "fails",
    }


def test_an_audit_without_bots_cannot_see_bots() -> None:
    table = assessment_of(config(), document(bots=False)).table.set_index("statement")
    bot_rows = [
        "told-it-is-a-machine", "answers-checked", "in-time", "way-out", "context",
        "feeling-to-people", "not-intrusive", "simple-words",
    ]  # fmt: skip
    assert set(table.loc[bot_rows, "audit"]) == {"cannot_be_seen"}
    assert set(table.loc[bot_rows, "figure"]) == {""}


def answers(**given: list[int]) -> pd.DataFrame:
    rows = [
        {"statement": name.replace("_", "-"), "rater": f"r{n}", "role": "agent", "answer": value}
        for name, values in given.items()
        for n, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_where_people_are_sure_and_the_measure_fails_comes_first() -> None:
    found = assess(
        {"context": ("fails", "asked again"), "disclosure": ("holds", "")},
        answers(context=[4, 3, 3, 4], told_it_is_a_machine=[4, 4, 4, 4], way_out=[1, 1, 1, 1]),
    )
    assert found.table["statement"].iloc[0] == "context"
    assert found.table["people"].iloc[0] == 3.5
    assert list(found.contradictions["statement"]) == ["context"]
    # Then by source; there is no total.
    assert list(found.table["source"])[1:] == [n for n in range(1, 25) if n != 23]
    assert not {"total", "score", "sum"} & set(found.table.columns)
    # Four raters: no spread.
    assert found.table["lo"].isna().all()
    five = assess({}, answers(context=[0, 1, 2, 3, 4])).table.set_index("statement")
    assert five.loc["context", ["lo", "hi"]].tolist() == [0, 4]


def test_agreement_is_krippendorffs() -> None:
    alike = assess({}, answers(context=[4, 4], way_out=[1, 1], guarded=[0, 0]))
    assert alike.agreement == 1.0
    apart = assess({}, answers(context=[4, 0], way_out=[1, 3], guarded=[0, 4]))
    assert apart.agreement < 0


def test_answers_are_checked(tmp_path: Path) -> None:
    def read(frame: pd.DataFrame) -> pd.DataFrame:
        frame.to_csv(tmp_path / "a.csv", index=False)
        return read_answers(tmp_path / "a.csv")

    assert len(read(answers(context=[1, 2]))) == 2
    given = answers(context=[1, 2], guarded=[0, 4])
    given.to_csv(tmp_path / "b.csv", index=False, sep=";", encoding="utf-8-sig")
    given.to_excel(tmp_path / "b.xlsx", index=False)
    for name in ("b.csv", "b.xlsx"):
        assert read_answers(tmp_path / name)["answer"].tolist() == [1, 2, 0, 4]
    (tmp_path / "no.xlsx").write_text("statement", encoding="utf-8")
    with pytest.raises(LogError, match=r"no\.xlsx cannot be read"):
        read_answers(tmp_path / "no.xlsx")
    assert len(read(empty_answers())) == 0
    with pytest.raises(LogError, match=r"missing: role"):
        read(answers(context=[1]).drop(columns="role"))
    with pytest.raises(LogError, match=r"Did you mean 'context'"):
        read(answers(contxt=[1]))
    with pytest.raises(LogError, match="1 answers are not 0"):
        read(answers(context=[1, 5]))
    with pytest.raises(LogError, match="given twice"):
        read(pd.concat([answers(context=[1]), answers(context=[2])]))


# --- joined with an audit ---------------------------------------------------------------------


def test_bets_are_joined_with_verdict_watch_and_reading(tmp_path: Path) -> None:
    (tmp_path / "watch.json").write_text(json.dumps({"stopped": True}), encoding="utf-8")
    (tmp_path / "reading.json").write_text(json.dumps({"decision": "stop"}), encoding="utf-8")
    bet = {
        **BETS[0],
        "state": "scaled",
        "stop_measure": "handoffs.ping_pong",
        "stop_above": 0.15,
    }
    (joined,) = bets_of(config(bets=[bet]), document())
    assert joined.facts.verdict == "human_led"
    assert joined.facts.stop_value == 0.2
    assert [one.kind for one in joined.inconsistencies] == ["unread", "veto", "stop"]


def test_the_objective_is_read_from_the_audit() -> None:
    declared = {
        "text": "Fewer to and fro",
        "measure": "handoffs.ping_pong",
        "from": 0.5,
        "to": 0.15,
        "by": "2026-12-31",
    }
    found = objective_of(config(objective=declared), document())
    assert found is not None
    assert found.state == "on_the_way"
    assert objective_of(config(), document()) is None
    with pytest.raises(ValueError, match=r"has no 'pingpong'.*Did you mean 'ping_pong'"):
        config(objective=declared | {"measure": "handoffs.pingpong"})
    with pytest.raises(ValueError, match="'bets' need different names"):
        config(bets=BETS * 2)
