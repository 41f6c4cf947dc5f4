"""The audit: from a configuration to one frozen result, each step once and in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib import measures
from journeylib.audits.changes.changes import definitions, find_changes
from journeylib.audits.changes.kept_parts import (
    kept_alternatives,
    kept_graph,
    kept_judgement_parts,
    kept_part,
    kept_portfolio,
    kept_quality,
)
from journeylib.audits.changes.small_changes import (
    Before,
    closed_log,
    kept_evidence,
    kept_judgement,
    kept_reach,
    kept_structure,
    run_before,
)
from journeylib.audits.changes.small_changes_in_parts import kept_handoffs, kept_plan, kept_stories
from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.config.load import load_config
from journeylib.audits.experiments.findings import lab_findings
from journeylib.audits.findings.decisions import decide
from journeylib.audits.findings.findings import all_findings
from journeylib.audits.findings.gates import check_gates
from journeylib.audits.history import History, read_history
from journeylib.audits.moves import Basis, proposed_moves
from journeylib.audits.preparation.annotations import Annotations, read_annotations
from journeylib.audits.preparation.preparation import (
    graph_withheld,
    prepare,
    read_source,
    withheld,
    without_absent,
)
from journeylib.audits.preparation.robustness import BaseCase, with_alternatives
from journeylib.audits.result.build import build_document, build_tables, with_findings
from journeylib.audits.result.decision import Decisions
from journeylib.audits.result.result import Assessment, Audit, Changes, run_id
from journeylib.core import (
    Say,
    current_catalogue,
    day_of,
    languages,
    one_thread,
    seldom_collected,
    use_language,
    working,
)
from journeylib.journeys import (
    Journeys,
    journey_structure,
    load_plan,
    need_splink,
    planned_vs_actual,
    rebuild,
    stories,
)
from journeylib.judge import compare_ratings, judge
from journeylib.log import EventLog, explain_resource_errors, fetch, log_hash
from journeylib.portfolio import portfolio

STORIES_OF_SEGMENT = 3
EMOTIONAL = "emotional"  # counts for a verdict only where a company gives it a weight
STEPS = ("reading the log", "rebuilding journeys", "measuring", "judging", "collecting findings")


def audit(
    config: AuditConfig | str | Path,
    *,
    overrides: Sequence[str] = (),
    as_of: dt.date | str | None = None,
    history: str | Path | History | None = None,
) -> Audit:
    """Run an audit and return its result; nothing is written.

    Parameters
    ----------
    config : AuditConfig, str or Path
        A configuration or the path of its YAML file.
    overrides : sequence of str
        ``"key=value"`` with a dotted key; only with a path.
    as_of : datetime.date or str, optional
        The day to look back from; only with a path. Default: the configuration's, else the day
        of the log's last event.
    history : str, Path or History, optional
        Where earlier runs of this audit lie: the folder that `save` is given. The run is then
        compared with them, too, and a number whose change since the last of them rests on
        fewer than ``journeys.min_customers`` customers stays what it was there.

    Raises
    ------
    ConfigError
        If the configuration is wrong.
    LogError
        If the log cannot be read or too much of it is unusable.
    RunError
        If what the configuration asks for is not installed (linkage: splink), or memory or
        disk ran out.
    """
    config = _loaded(config, overrides, as_of)
    with (
        explain_resource_errors(),
        one_thread(),
        seldom_collected(),
        use_language(config.language),
        working("auditing", STEPS) as say,
    ):
        annotations = read_annotations(config)
        # What cannot work is said before the log is read.
        if config.linkage is not None:
            need_splink()
        if config.plan is not None:
            load_plan(config.plan)
        if not isinstance(history, History):
            history = History() if history is None else read_history(Path(history) / config.name)
        return _completed(_assess(config, annotations, history, say), history)


def _assess(
    config: AuditConfig, annotations: Annotations, history: History, say: Say
) -> Assessment:
    """Read, rebuild, measure and judge; cells that few changed since the last run are its own."""
    say(STEPS[0])
    raw = read_source(config)
    # A run made again sees itself as the last, which ends where it ended.
    as_of = config.as_of or _last_day_of(raw)
    raw, closed = closed_log(raw, history.last_before(as_of, ""), config.journeys.min_customers)
    say(STEPS[1])
    log, prepared = prepare(raw, config)
    settings, log = without_absent(config, log, raw)
    journeys = rebuild(log, settings.journeys)
    say(STEPS[2])
    evidence = measures.measure(journeys, settings.measures, labelled=annotations.labelled)
    types = _types(config, journeys, annotations)
    counted = types if EMOTIONAL in settings.judge.empathy_need else None
    evidence = measures.with_type_shares(withheld(evidence, prepared, settings), counted)
    events, decided = log_hash(journeys.log), config.hash()
    last = history.last_before(as_of, run_id(as_of, decided, events))
    before = run_before(journeys, last, definitions(config, journeys, prepared))
    evidence, before = kept_evidence(evidence, journeys, before)
    published = {} if before is None else before.entry.document
    evidence = replace(
        evidence,
        handoffs=kept_handoffs(evidence.handoffs, before),
        detectors=kept_part(evidence.detectors, published.get("detectors"), before, ("detector",)),
    )
    say(STEPS[3])
    judgement = kept_judgement(judge(journeys, evidence, settings.judge), before)
    judgement = kept_judgement_parts(judgement, before)
    prepared = with_alternatives(
        BaseCase(settings, prepared, journeys, judgement.scores, annotations.labelled, counted)
    )
    prepared = kept_alternatives(prepared, before)
    say(STEPS[4])
    return Assessment(
        config=config,
        as_of=as_of,
        closed=closed,
        unchanged=before is not None and before.few,
        log_hash=events,
        config_hash=decided,
        annotations=annotations,
        prepared=prepared,
        journeys=journeys if types is None else journeys.with_types(types.journeys_of),
        evidence=evidence,
        judgement=judgement,
        quality=kept_quality(journeys.log.quality, before),
        service_types=kept_part(types, published.get("service_types"), before),
        **_proposals(Basis(settings, journeys, evidence, judgement, types), before),
        **_stories(journeys, before),
        reach=kept_reach(measures.reach(journeys, evidence.turn_scores), before),
        structure=None
        if graph_withheld(prepared, config)
        else kept_graph(kept_structure(journey_structure(journeys), before), before),
        conformance=None
        if config.plan is None
        else kept_plan(planned_vs_actual(journeys, config.plan), before),
        ratings=None
        if annotations.ratings is None
        else compare_ratings(annotations.ratings, judgement.scores),
    )


def _proposals(basis: Basis, before: Before | None) -> dict[str, Any]:
    """Propose what to automate first, where a budget is declared, and forecast each move."""
    settings, proposed = basis.config, None
    if settings.portfolio is not None:
        parts = (basis.journeys, basis.evidence, basis.judgement)
        proposed = portfolio(*parts, settings.portfolio, settings.measures)
    proposed = kept_portfolio(proposed, before)
    old = () if before is None else before.entry.document["what_if"]
    moves = kept_part(proposed_moves(basis, proposed), old, before, ("moves", "staff"))
    return {"portfolio": proposed, "what_ifs": moves}


def _stories(journeys: Journeys, before: Before | None) -> dict[str, Any]:
    """Tell the stories of all journeys, and of each segment where there are segments."""
    segments = None
    if journeys.has("segment"):
        segments = stories(journeys, by_segment=True, most=STORIES_OF_SEGMENT)
    return {
        "stories": kept_stories(stories(journeys), before),
        "stories_by_segment": kept_stories(segments, before),
    }


def _types(
    config: AuditConfig, journeys: Journeys, annotations: Annotations
) -> measures.ServiceTypes | None:
    """Tell the types of contacts and what they are about, where a company asks for it."""
    if config.service_types is None:
        return None
    labels = annotations.contact_labels
    if labels is None:
        labels = pd.DataFrame({name: pd.Series(dtype="str") for name in measures.LABEL_COLUMNS})
    return measures.estimate_service_types(journeys, labels, config.service_types, config.measures)


def _completed(assessment: Assessment, history: History) -> Audit:
    """Compare with earlier runs, check the gates, and write the findings into the document."""
    changes = find_changes(assessment, history)
    document = build_document(assessment, changes)
    before = next((e.document for e in history.entries if e.run_id == changes.previous), None)
    gates = check_gates(assessment.config.gates, document, before)
    earlier = [entry.document for entry in history.before(assessment.as_of)]
    lab = lab_findings(assessment.config, document, earlier)
    findings = all_findings(assessment, [*gates, *lab])
    decisions = decide(assessment, changes)
    return Audit(
        **vars(assessment),
        history=history,
        changes=changes,
        findings=findings,
        decisions=decisions,
        document=with_findings(document, findings, decisions, _translations(assessment, changes)),
        tables=build_tables(assessment, changes),
    )


def _translations(assessment: Assessment, changes: Changes) -> Mapping[str, Decisions]:
    """Return the decisions in every other language; what changed is told in that of the run."""
    by_language = {}
    for language in languages():
        if language != current_catalogue().language:
            with use_language(language):
                by_language[language] = decide(assessment, changes)
    return by_language


@working("reading the log and rebuilding journeys")
def read_journeys(
    config: AuditConfig | str | Path,
    *,
    overrides: Sequence[str] = (),
    as_of: dt.date | str | None = None,
) -> Journeys:
    """Read the log of a configuration and rebuild its journeys, as an audit does.

    Parameters
    ----------
    config : AuditConfig, str or Path
        A configuration or the path of its YAML file.
    overrides : sequence of str
        ``"key=value"`` with a dotted key; only with a path.
    as_of : datetime.date or str, optional
        The day to look back from; only with a path.

    Returns
    -------
    Journeys
        Those that ``audit(config).journeys`` holds; nothing is measured or judged yet.

    Raises
    ------
    ConfigError
        If the configuration is wrong.
    LogError
        If the log cannot be read or too much of it is unusable.
    """
    config = _loaded(config, overrides, as_of)
    with use_language(config.language):
        raw = read_source(config)
        settings, log = without_absent(config, prepare(raw, config)[0], raw)
        return rebuild(log, settings.journeys)


def _loaded(
    config: AuditConfig | str | Path, overrides: Sequence[str], as_of: dt.date | str | None
) -> AuditConfig:
    if isinstance(config, AuditConfig):
        return config
    return load_config(config, overrides=overrides, as_of=as_of)


def _last_day_of(log: EventLog) -> dt.date:
    """Return the day of the last event; 1970-01-01 for a log without a clock."""
    if not log.has_clock:
        return day_of(0)
    last = fetch(log.events.aggregate(last=log.events.t_us.max()))["last"].iloc[0]
    return day_of(0 if pd.isna(last) else int(last))
