"""What an audit knows of objective, bets and statements: read from the content of audit.json."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journeylib import lab
from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.document.metric_path import look_up
from journeylib.audits.experiments.experiments import READING_FILE, WATCH_FILE
from journeylib.core import ConfigError, current_catalogue, label, number, percent, text
from journeylib.portfolio import LabResult

Document = Mapping[str, Any]
Answer = tuple[lab.Measured, str]
DISCLOSED = 0.95  # share of conversations in which it is told at once
SETTLED = 0.6  # share of resamples from which a hand-off time is called settled
DECIDED = 0.5  # share of touchpoints with a verdict
NAMED = 5  # touchpoints named in one sentence
YEAR = 365  # days within which the measures are to be questioned
HANDLING = ("service", "duration", "handling", "minutes")
HUMAN = ("human_led", "human_only")
ITEM_STATE: dict[str, lab.Measured] = {
    "holds": "holds",
    "fails": "fails",
    "open": "not_settled",
    "not_measurable": "cannot_be_seen",
}
PARADOX_STATE: dict[str, lab.Measured] = {
    "active": "fails",
    "cost_only": "fails",
    "benefit_only": "holds",
    "none": "not_settled",
    "not_measurable": "cannot_be_seen",
}
UNSEEN: Answer = ("cannot_be_seen", "")


def bets_of(config: AuditConfig, document: Document) -> tuple[lab.JoinedBet, ...]:
    """Join the bets of a configuration with verdict, portfolio, plan and reading.

    Parameters
    ----------
    config : AuditConfig
    document : mapping
        Content of audit.json.
    """
    facts = {bet.name: _bet_facts(bet, document) for bet in config.bets}
    return lab.join_bets(config.bets, facts, as_of=_as_of(document))


def _bet_facts(bet: lab.Bet, document: Document) -> lab.BetFacts:
    rows = [row for row in document["touchpoints"] if row["touchpoint"] == bet.touchpoint]
    portfolio = document.get("portfolio") or {"candidates": []}
    worth = [
        row["value"]["value"]
        for row in portfolio["candidates"]
        if row["touchpoint"] == bet.touchpoint
    ]
    stop = None if bet.stop_measure is None else look_up(bet.stop_measure, document).value
    plan_end = watched = reading = None
    if bet.plan is not None:
        planned = lab.read_plan(bet.plan).plan
        if planned.looks:
            plan_end = planned.settings.begins + dt.timedelta(days=planned.looks[-1].day)
        watched = _json(Path(bet.plan).parent / WATCH_FILE)
        reading = _json(Path(bet.plan).parent / READING_FILE)
    return lab.BetFacts(
        verdict=rows[0]["verdict"] if rows else None,
        vetoes=tuple(rows[0]["vetoes"]) if rows else (),
        value_per_week=worth[0] if worth else None,
        plan_end=plan_end,
        watch_stopped=None if watched is None else bool(watched.get("stopped")),
        decision=None if reading is None else reading.get("decision"),
        has_reading=reading is not None,
        stop_value=stop,
    )


def lab_results(config: AuditConfig) -> tuple[LabResult, ...]:
    """Return what the readings of the bets say of bots, for forecasts of moves.

    Parameters
    ----------
    config : AuditConfig

    Returns
    -------
    tuple of LabResult
        Of every measure that `informs` one and was read, in the order of the bets.
    """
    results = []
    for bet in config.bets:
        reading = None if bet.plan is None else _json(Path(bet.plan).parent / READING_FILE)
        if bet.plan is None or reading is None:
            continue
        settings = lab.read_plan(bet.plan).plan.settings
        read = [reading.get("primary"), *reading.get("guardrails", ())]
        values = {one["name"]: one for one in read if one is not None}
        for measure in settings.measures:
            value = values.get(measure.name, {})
            if measure.informs is None or value.get("new_error") is None:
                continue
            results.append(
                LabResult(
                    settings.name,
                    settings.touchpoint,
                    measure.informs,
                    value["new"],
                    value["new_error"],
                    value["new_customers"],
                    reading["grade"],
                )
            )
    return tuple(results)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _as_of(document: Document) -> dt.date:
    return dt.date.fromisoformat(str(document["audit"]["as_of"]))


def objective_of(
    config: AuditConfig, document: Document, earlier: Sequence[Document] = ()
) -> lab.ObjectiveReport | None:
    """Say where the objective stands; None where none is declared.

    Parameters
    ----------
    config : AuditConfig
    document : mapping
        Content of audit.json.
    earlier : sequence of mapping
        The same of the kept runs before, the oldest first.
    """
    objective = config.objective
    if objective is None:
        return None
    value = _value(objective.measure, document)
    costs = [(cost, _value(cost.measure, document)) for cost in objective.not_at_the_cost_of]
    runs = []
    for run in (*earlier, document):
        before = _value_before(objective.measure, run)
        if before is not None:
            runs.append((_as_of(run), before))
    return lab.report_objective(objective, value, costs, runs)


def _value(measure: str, document: Document) -> lab.Value:
    metric = look_up(measure, document)
    return lab.Value(metric.value, metric.lo, metric.hi)


def _value_before(measure: str, document: Document) -> float | None:
    try:
        return look_up(measure, document).value
    except ConfigError:
        return None


def assessment_of(config: AuditConfig, document: Document) -> lab.Assessment:
    """Set people's answers beside what the audit measured.

    Parameters
    ----------
    config : AuditConfig
    document : mapping
        Content of audit.json.
    """
    answers = None if config.assessment is None else lab.read_answers(config.assessment.file)
    return lab.assess(measured_statements(config, document), answers)


def measured_statements(config: AuditConfig, document: Document) -> dict[str, Answer]:
    """Return what an audit measures of the statements, by measure."""
    by_name = {
        **_of_intent(config, document),
        **_of_log(document),
    }
    handoffs = document["handoffs"]
    if handoffs["abstain"] is None and handoffs["sessions"] > 0:
        by_name |= _of_bots(document)
    return by_name


def _of_intent(config: AuditConfig, document: Document) -> dict[str, Answer]:
    """Return what objective, bets and gates tell."""
    answers: dict[str, Answer] = {
        "objective": ("holds", text("lab.fact.objective"))
        if config.objective
        else ("fails", text("lab.fact.no_objective")),
        "no_handling_time": _handling(config),
    }
    guards = len(config.gates) + (len(config.lab.guardrails) if config.lab else 0)
    answers["guarded"] = (
        ("holds", text("lab.fact.guards", count=guards))
        if guards
        else ("fails", text("lab.fact.no_guards"))
    )
    questioned = config.assessment and config.assessment.measures_questioned
    if questioned:
        recent = (_as_of(document) - questioned).days <= YEAR
        sentence = text("lab.fact.questioned", day=questioned.isoformat())
        answers["measures_questioned"] = ("holds" if recent else "fails", sentence)
    return answers | (_of_bets(bets_of(config, document)) if config.bets else {})


def _handling(config: AuditConfig) -> Answer:
    named = [gate.metric for gate in config.gates]
    named += [config.objective.measure] if config.objective else []
    if not named:
        return UNSEEN
    for measure in named:
        if any(word in measure for word in HANDLING):
            return "fails", text("lab.fact.handling", measure=measure)
    return "holds", text("lab.fact.other")


def _of_bets(bets: Sequence[lab.JoinedBet]) -> dict[str, Answer]:
    of_state = {
        state: [one for one in bets if one.bet.state == state]
        for state in ("idea", "testing", "scaled", "stopped")
    }
    testing, scaled = of_state["testing"], of_state["scaled"]
    planned = [one for one in testing if one.facts.plan_end is not None]
    shipped = [one for one in scaled if one.facts.decision == "ship"]
    live = len(testing) + len(scaled)

    def share(some: int, everyone: int) -> str:
        return text("lab.fact.bets", some=some, all=everyone)

    return {
        "tested_with_plan": (
            "holds" if testing and len(planned) == len(testing) else "fails",
            share(len(planned), len(testing)),
        ),
        "scaled_with_reading": (
            ("not_settled" if not scaled else "holds" if shipped == scaled else "fails"),
            share(len(shipped), len(scaled)),
        ),
        "stopped_bets": (
            "holds" if of_state["stopped"] else "not_settled",
            share(len(of_state["stopped"]), len(bets)),
        ),
        "first_list": ("holds" if 3 <= live <= 5 else "fails", share(live, len(bets))),
    }


def _of_log(document: Document) -> dict[str, Answer]:
    """Return what needs no bot in the log."""
    touchpoints = document["touchpoints"]
    settled = [row for row in touchpoints if row["verdict"] != "abstain"]
    by_name: dict[str, Answer] = {}
    if touchpoints:
        sentence = text("lab.fact.verdicts", some=len(settled), all=len(touchpoints))
        enough = len(settled) >= DECIDED * len(touchpoints)
        by_name["verdicts_settled"] = ("holds" if enough else "not_settled", sentence)
    if document["ratings"] is not None:
        by_name["rated_by_people"] = ("holds", text("lab.fact.ratings"))
    answered = [row for row in document["surveys"] if row["answered"]]
    if answered:
        by_name["surveys"] = ("holds", text("lab.fact.surveys", count=len(answered)))
    return by_name


def _of_bots(document: Document) -> dict[str, Answer]:
    """Return what only a log with bots shows."""
    items = {item["name"]: item["state"] for item in document["handoffs"]["items"]}
    by_name = {
        "requests_honoured": _items(items, ("requests_honoured",)),
        "context": _items(items, ("context_sent", "context_carried", "asked_again")),
        "way_out": _way_out(document, items),
        "disclosure": _disclosed(document),
        "handoff_time": _handoff_time(document),
        "verdicts_followed": _followed(document),
    }
    for paradox in document["paradoxes"]:
        if paradox["name"] == "personalised_intrusive":
            state = PARADOX_STATE[paradox["state"]]
            sentence = text("lab.fact.paradox", state=text(f"present.paradoxes.{paradox['state']}"))
            by_name["paradox_5"] = (state, "" if state == "cannot_be_seen" else sentence)
    return by_name


def _items(items: Mapping[str, str], names: Sequence[str]) -> Answer:
    """Combine items of the hand-off audit: one that fails decides."""
    states = {name: ITEM_STATE[items.get(name, "not_measurable")] for name in names}
    seen = {name: state for name, state in states.items() if state != "cannot_be_seen"}
    if not seen:
        return UNSEEN
    for state in ("fails", "not_settled", "holds"):
        which = [label("audits.handoff_item", name) for name, one in seen.items() if one == state]
        if which:
            return state, current_catalogue().names(which, most=NAMED)
    return UNSEEN


def _way_out(document: Document, items: Mapping[str, str]) -> Answer:
    if dead := document["handoffs"]["dead_ends"]:
        return "fails", text(
            "lab.fact.dead_ends", names=current_catalogue().names(dead, most=NAMED)
        )
    return _items(items, ("requests_honoured",))


def _disclosed(document: Document) -> Answer:
    share = (document["disclosure"] or {}).get("at_once") or {"value": None}
    if share["value"] is None:
        return UNSEEN
    state: lab.Measured = "not_settled"
    if share["lo"] >= DISCLOSED:
        state = "holds"
    elif share["hi"] < DISCLOSED:
        state = "fails"
    return state, text("lab.fact.disclosed", share=percent(share["value"]))


def _handoff_time(document: Document) -> Answer:
    for point in document["tipping_points"]:
        time = point["handoff_time"]
        if point["segment"] == "all" and time is not None and isinstance(time["minutes"], float):
            state: lab.Measured = "holds" if time["settled"] >= SETTLED else "not_settled"
            sentence = text(
                "lab.fact.handoff",
                minutes=number(time["minutes"], 1),
                clock=label("lab.clock", point["clock"]),
            )
            return state, sentence
    return UNSEEN


def _followed(document: Document) -> Answer:
    human = [row for row in document["touchpoints"] if row["verdict"] in HUMAN]
    if not human:
        return UNSEEN
    served = [
        row["touchpoint"]
        for row in human
        if row["measures"].get("containment", {"n_customers": 0})["n_customers"] > 0
    ]
    if served:
        return "fails", text(
            "lab.fact.followed", names=current_catalogue().names(served, most=NAMED)
        )
    return "holds", text("lab.fact.led")
